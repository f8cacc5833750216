"""The digits recipe on a few drawn pictures in the place of MNIST: twenty steps of the real code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import recipes.__main__ as command
from recipes import digits, not_digits
from recipes.data import Split, cifar10, mnist
from recipes.digits import Config, augmented, digit_score
from studio.settings import Settings

SMALL = Config(reach=0, epochs=2, batch_size=32, held_out=40, outliers=20, seed=5)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder with 360 pictures of bars, whose label is where the bar stands."""
    rng = np.random.default_rng(0)
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    for split, count in (("train", 360), ("test", 50)):
        labels = rng.integers(0, 10, count).astype(np.uint8)
        pictures = np.zeros((count, 28, 28), np.uint8)
        for picture, label in zip(pictures, labels, strict=True):
            picture[4:24, 4 + 2 * label : 6 + 2 * label] = 255
        np.savez(tmp_path / "data" / "mnist" / f"{split}.npz", images=pictures, labels=labels)
    return Settings(home=tmp_path / "home", data=tmp_path / "data")


def test_twenty_steps_run_and_publish(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = {}
    monkeypatch.setattr(digits, "publish", lambda *arguments: published.update(zip("fnxc", arguments, strict=True)))
    result = digits.train(settings, tmp_path / "run", SMALL)
    assert len(result.fitted.history) == 2
    assert result.fitted.history[1].loss < result.fitted.history[0].loss
    assert published["f"] == "digits"
    assert np.isfinite(float(published["x"]["threshold"]))
    assert "drawn pictures that are no digits" in published["c"].body()


def test_below_its_metric_nothing_is_published(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unreachable = Config(reach=1.1, epochs=1, batch_size=64, held_out=40, outliers=20)
    train = digits.train
    monkeypatch.setattr(digits, "train", lambda settings, folder: train(settings, folder, unreachable))
    monkeypatch.setattr(digits, "publish", lambda *_: pytest.fail("it publishes"))
    monkeypatch.setattr(command, "Settings", lambda: settings)
    assert command.main(["digits", "--fresh"]) == 1
    assert "NOT published" in capsys.readouterr().out


def test_augmentation_moves_little_and_follows_its_generator() -> None:
    ink = torch.zeros(8, 1, 28, 28)
    ink[:, :, 6:22, 12:16] = 1
    first, again = (augmented(ink, Config(), torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape == ink.shape
    assert not torch.equal(first[0], first[1])
    assert (first.sum((1, 2, 3)) / 64 - 1).abs().max() < 0.4
    still = Config(turn_deg=0, zoom=0, shear=0, shift=0, bend=0)
    assert torch.allclose(augmented(ink, still, torch.Generator()), ink, atol=1e-4)


def test_the_score_weighs_digits_against_everything_else() -> None:
    logits = np.full((2, 11), -20, np.float32)
    logits[0, 3], logits[1, 10] = 5, 5
    assert digit_score(logits) == pytest.approx([25, -22.697], abs=0.01)


def test_pictures_of_no_digit_are_the_same_for_the_same_seed() -> None:
    bars = np.zeros((4, 28, 28), np.uint8)
    bars[:, 4:24, 12:15] = 255
    first, again, other = (not_digits.training_set(bars, 30, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.dtype == np.uint8
    assert first.shape[1:] == (28, 28)
    assert len(first) >= 28, "nearly all have ink"
    assert not np.array_equal(first[:20], other[:20])


def test_data_comes_from_the_public_home_where_there_is_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Public:
        def __init__(self, root: Path, *, train: bool, download: bool) -> None:
            assert (root, train, download) == (tmp_path / "data", False, True)
            self.data = torch.zeros(3, 28, 28, dtype=torch.uint8)
            self.targets = torch.tensor([1, 2, 3])

    class PublicColour(Public):
        def __init__(self, root: Path, *, train: bool, download: bool) -> None:
            super().__init__(root, train=train, download=download)
            self.data = np.zeros((2, 32, 32, 3), np.uint8)  # type: ignore[assignment]
            self.targets = [4, 5]  # type: ignore[assignment]

    monkeypatch.setattr("torchvision.datasets.MNIST", Public)
    monkeypatch.setattr("torchvision.datasets.CIFAR10", PublicColour)
    nowhere = Settings(home=tmp_path, data=None)
    grey, colour = mnist(nowhere, "test"), cifar10(nowhere, "test")
    assert isinstance(grey, Split)
    assert (grey.pictures.shape, grey.labels.tolist()) == ((3, 28, 28), [1, 2, 3])
    assert (colour.pictures.shape, colour.labels.tolist()) == ((2, 32, 32, 3), [4, 5])
