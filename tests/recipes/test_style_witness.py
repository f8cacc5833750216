"""The witness's recipe on drawn pictures in the place of CIFAR-10, and what the benchmark measures with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.style_quality import Judge, recolour
from recipes import style_witness
from recipes.data import Split
from recipes.style_witness import Config, Witness, accuracy
from studio.settings import Settings


def drawn(count: int, seed: int) -> Split:
    """Red, green and blue pictures with noise, of the classes 0, 1 and 2."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    pictures = rng.integers(0, 60, (count, 32, 32, 3)).astype(np.uint8)
    pictures[np.arange(count), :, :, labels] += 120
    return Split(pictures, labels)


def test_its_maps_are_halved_thrice() -> None:
    maps = Witness().eval().maps(torch.rand(1, 3, 48, 40))
    assert [tuple(found.shape[1:]) for found in maps] == [(24, 48, 40), (48, 24, 20), (96, 12, 10), (160, 6, 5)]


def test_a_few_steps_learn_three_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style_witness, "cifar10", lambda _settings, split: drawn(280 if split == "train" else 60, 1))
    (tmp_path / "backends" / "style").mkdir(parents=True)
    config = Config(reach=0.9, epochs=4, batch_size=32, held_out=40)
    result = style_witness.train(Settings(), tmp_path / "run", config, tmp_path)
    assert result.reached, result.metric
    assert (tmp_path / "models_cache/embedded/style/style_witness/model.safetensors").is_file()
    assert "Style witness" in (tmp_path / "models_cache/embedded/style/style_witness/card.md").read_text()


def test_what_falls_short_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style_witness, "cifar10", lambda _settings, split: drawn(80 if split == "train" else 40, 2))
    config = Config(reach=1.1, epochs=1, batch_size=32, held_out=10)
    assert not style_witness.train(Settings(), tmp_path / "run", config, tmp_path).publishable
    assert not (tmp_path / "models_cache").exists()


def test_accuracy_counts_what_is_right() -> None:
    class Reddest(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = torch.nn.Parameter(torch.zeros(1))

        def forward(self, rgb: torch.Tensor) -> torch.Tensor:
            return rgb.mean((2, 3)) + self.bias

    split = drawn(50, 3)
    assert accuracy(Reddest(), split) == 1
    assert accuracy(Reddest(), Split(split.pictures, (split.labels + 1) % 3)) == 0


def test_the_judge_tells_strokes_and_contents_apart() -> None:
    """Stripes moved aside have the same strokes and another content; noise has neither."""
    torch.manual_seed(0)
    judge = Judge(Witness())
    along = (np.arange(64) // 5) % 2
    stripes = np.repeat(np.where(along, 220, 30).astype(np.uint8)[None, :, None], 64, 0).repeat(3, 2)
    moved = np.roll(stripes, 5, axis=1)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    assert judge.style(stripes, stripes) == 0
    assert judge.content(stripes, stripes) == 0
    assert judge.style(stripes, moved) < 0.6 * judge.style(stripes, noise)
    assert judge.content(stripes, moved) > 0.5


def test_recolouring_takes_over_mean_and_deviation() -> None:
    rng = np.random.default_rng(1)
    photograph = rng.normal(120, 20, (40, 40, 3)).clip(0, 255).astype(np.uint8)
    style = rng.normal((60, 120, 180), (8, 16, 24), (40, 40, 3)).clip(0, 255).astype(np.uint8)
    made = recolour(photograph, style).reshape(-1, 3).astype(float)
    assert made.mean(0) == pytest.approx(style.reshape(-1, 3).mean(0), abs=1)
    assert made.std(0) == pytest.approx(style.reshape(-1, 3).std(0), rel=0.1)
