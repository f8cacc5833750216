"""The pictures recipe on drawn pictures in the place of CIFAR-10: a few steps of the real code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backends.pictures.net import PictureNet
from recipes import pictures
from recipes.data import Split
from recipes.pictures import Config, augmented
from studio.settings import Settings


def test_the_network_is_small_and_its_stages_can_be_tapped() -> None:
    net = PictureNet().eval()
    assert sum(value.numel() for value in net.state_dict().values()) * 4 <= 9_000_000
    stages = net.stages(torch.rand(2, 3, 32, 48))
    assert [tuple(maps.shape) for maps in stages] == [
        (2, 64, 32, 48), (2, 64, 32, 48), (2, 128, 16, 24), (2, 256, 8, 12),
    ]  # fmt: skip
    assert net(torch.rand(1, 3, 32, 32)).shape == (1, 10)


def test_six_steps_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)

    def drawn(settings: Settings, split: str) -> Split:
        labels = rng.integers(0, 10, 68 if split == "train" else 20)
        levels = (labels * 25)[:, None, None, None]
        return Split(np.broadcast_to(levels, (len(labels), 32, 32, 3)).astype(np.uint8), labels)

    published: list[object] = []
    monkeypatch.setattr(pictures, "cifar10", drawn)
    monkeypatch.setattr(pictures, "publish", lambda *arguments: published.append(arguments))
    small = Config(reach=0, epochs=2, batch_size=16, held_out=20)
    result = pictures.train(Settings(home=tmp_path), tmp_path / "run", small)
    assert len(result.fitted.history) == 2
    assert all(np.isfinite(row.loss) for row in result.fitted.history)
    assert len(published) == 1


def test_augmentation_against_literal_pixels() -> None:
    rgb = torch.zeros(64, 3, 32, 32, dtype=torch.uint8)
    rgb[:, :, :, 16:] = 255  # the right half is white
    config = Config(shift_px=0, cut_px=2)
    made = augmented(rgb, config, torch.Generator().manual_seed(1))
    assert made.shape == rgb.shape
    assert {float(value) for value in made.unique()} == {0.0, 0.5, 1.0}
    assert ((made == 0.5).sum((1, 2, 3)) <= 3 * 4).all(), "at most one square of 2 x 2 px in three channels"
    mirrored = made[:, :, :, :16].mean((1, 2, 3)) > 0.5
    assert 16 < int(mirrored.sum()) < 48
    still = augmented(rgb, Config(shift_px=4, cut_px=0), torch.Generator().manual_seed(2))
    edges = (still[:, 0, 0].diff(dim=1) != 0).sum(1)
    assert (edges == 1).all(), "shifted by up to 4 px, mirrored in at the edge"
