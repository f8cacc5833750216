"""The pictures recipe on drawn pictures in the place of CIFAR-10: a few steps of the real code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backends.pictures.net import PictureEnsemble, PictureNet, mean_logits
from recipes import pictures
from recipes.data import Split
from recipes.pictures import Config, Cycle, Member, calibration, cut_out, shifted
from studio.settings import Settings
from studio.tensors import dequantized


def test_the_network_is_small_and_its_stages_can_be_tapped() -> None:
    kept = pictures.stored(PictureEnsemble())
    assert sum(value.numel() * value.itemsize for value in kept.values()) <= 8_900_000
    net = PictureNet().eval()
    stages = net.stages(torch.rand(2, 3, 32, 48))
    assert [tuple(maps.shape) for maps in stages] == [
        (2, 24, 31, 47), (2, 64, 15, 23), (2, 256, 7, 11), (2, 256, 3, 5),
    ]  # fmt: skip
    assert net(torch.rand(1, 3, 32, 32)).shape == (1, 10)


def test_the_ensemble_answers_with_the_mean_of_its_networks() -> None:
    ensemble, rgb = PictureEnsemble().eval(), torch.rand(2, 3, 32, 32)
    first, second, third = ensemble.nets
    assert torch.allclose(ensemble(rgb), (first(rgb) + second(rgb) + third(rgb)) / 3, atol=1e-6)
    assert first.stages(rgb)[-1].shape != second.stages(rgb)[-1].shape


def test_the_first_network_is_kept_as_the_style_encoder_knows_it() -> None:
    ensemble = PictureEnsemble()
    kept = pictures.stored(ensemble)
    assert torch.equal(kept["nets.0.stage2.refine.0.weight"], ensemble.nets[0].stage2.refine[0].weight.half())
    assert kept["nets.2.stage2.refine.0.weight"].dtype == torch.int8
    ensemble.load_state_dict(dequantized(kept))


def test_the_mean_is_over_shifts_and_mirror_images() -> None:
    """With the picture itself in place of logits, the mean of its views is left: blurred by a pixel, and symmetric."""
    rgb = torch.rand(2, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    mean = mean_logits(torch.nn.Identity(), rgb)
    assert torch.allclose(mean, mean.flip(3))
    row, column = 4, 2
    around = [rgb[:, :, row + step, column + step] + rgb[:, :, row + step, 5 - column + step] for step in (-1, 0, 1)]
    assert torch.allclose(mean[:, :, row, column], sum(around, torch.zeros(2, 3)) / 6)


def test_whitened_neighbours_are_uncorrelated() -> None:
    rough = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    smooth = torch.nn.functional.avg_pool2d(rough, 5, stride=1, padding=2)  # neighbours alike, as in photographs
    net = PictureNet()
    net.fit_whitening(smooth)
    normal = (smooth - net.mean) / net.deviation
    answers = torch.nn.functional.conv2d(normal, net.whiten.weight)[:, :12].permute(1, 0, 2, 3).flatten(1)
    correlation = torch.corrcoef(answers) - torch.eye(12)
    assert correlation.abs().max() < 0.05
    assert torch.equal(net.whiten.weight[:12], -net.whiten.weight[12:])
    assert not net.whiten.weight.requires_grad


def test_nine_steps_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)

    def drawn(settings: Settings, split: str) -> Split:
        labels = rng.integers(0, 10, 68 if split == "train" else 20)
        levels = (labels * 25)[:, None, None, None]
        return Split(np.broadcast_to(levels, (len(labels), 32, 32, 3)).astype(np.uint8), labels)

    published: list[object] = []
    monkeypatch.setattr(pictures, "cifar10", drawn)
    monkeypatch.setattr(pictures, "publish", lambda *arguments: published.append(arguments))
    cycle = Cycle(epochs=1, peak_rate=0.1, bias_rate=4, ema_decay=0.9, shift_px=2, cut_px=8)
    members = (Member(1, (cycle, cycle)), Member(2, (cycle,)), Member(3, (cycle,)))
    small = Config(reach=0, members=members, batch_size=16, held_out=20)
    result = pictures.train(Settings(home=tmp_path), tmp_path / "run", small)
    assert [row.epoch for row in result.fitted.history] == [1, 2, 3, 4]
    spent = [row.cpu_s for row in result.fitted.history]
    assert 0 < spent[0] < spent[1] < spent[2]
    assert all(np.isfinite(row.loss) for row in result.fitted.history)
    assert len(published) == 1


def half_white(count: int) -> torch.Tensor:
    rgb = torch.zeros(count, 3, 32, 32, dtype=torch.uint8)
    rgb[:, :, :, 16:] = 255
    return rgb


def test_pictures_are_mirrored_as_told_and_shifted_at_random() -> None:
    told = torch.arange(64) % 2 == 0
    still = shifted(half_white(64), told, 0, torch.Generator().manual_seed(1))
    assert torch.equal(still[:, 0, 0, 0] == 1, told), "mirrored, the left half is white"
    moved = shifted(half_white(64), torch.zeros(64, dtype=torch.bool), 4, torch.Generator().manual_seed(2))
    edges = moved[:, 0, 0].diff(dim=1) != 0
    assert (edges.sum(1) == 1).all(), "mirrored in at the border, the picture has its one edge still"
    assert set(edges.float().argmax(1).tolist()) == set(range(11, 20))
    assert {float(value) for value in moved.unique()} == {0.0, 1.0}


def test_a_square_is_cut_out_of_each() -> None:
    made = cut_out(torch.ones(200, 3, 32, 32), 8, torch.Generator().manual_seed(1))
    holes = made == 0.5
    assert torch.equal(holes[:, 0], holes[:, 1])
    cut = holes[:, 0].flatten(1).sum(1)
    assert (cut >= 1).all()
    assert int(cut.max()) == 64
    whole = holes[cut == 64, 0]
    assert (whole.any(1).sum(1) == 8).all()
    assert (whole.any(2).sum(1) == 8).all()
    assert torch.equal(cut_out(made, 0, torch.Generator()), made)


class Staircase(torch.nn.Module):
    """Says a picture's class by its grey level, with one logit above the others by a given gap."""

    def __init__(self, gap: float) -> None:
        super().__init__()
        self.gap = torch.nn.Parameter(torch.tensor(gap))

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        said = (rgb.mean((1, 2, 3)) * 10).long()
        return torch.nn.functional.one_hot(said, 10) * self.gap


def test_scores_are_brought_to_the_share_of_right_answers() -> None:
    said = np.repeat(np.arange(10), 100)
    levels = (said * 25.5 + 12)[:, None, None, None]
    labels = np.where(np.arange(1000) % 5 == 0, (said + 1 + np.arange(1000) // 5 % 9) % 10, said)  # four in five right
    held_out = Split(np.broadcast_to(levels, (1000, 32, 32, 3)).astype(np.uint8), labels)
    gap = 2 * np.log(0.8 / (0.2 / 9))  # halved, the best class has the probability 0.8
    found = calibration(Staircase(gap), held_out, 0.05)
    assert float(found["temperature"]) == pytest.approx(2, abs=0.02)
    assert float(found["least_familiarity"]) == pytest.approx(np.log(np.exp(gap) + 9), abs=1e-3)
