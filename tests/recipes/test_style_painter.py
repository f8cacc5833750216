"""The recipe of the feed-forward painter on a few drawn pictures: what it learns from, and what is published."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from backends.style.palettes import Palette, as_tensor
from recipes import style_painter
from recipes.boxed import Scene, Scenes
from recipes.publish import ROOT
from recipes.style_painter import Config, lessons, nearness
from studio.settings import Settings
from studio.weights import Shelf

SMALL = Config(
    side_px=48, batch_size=2, epochs=1, steps_per_epoch=2, style_px=(96,), content_px=(64, 90), variants=0, others=2,
    held_out=2, reach=2.0,
)  # fmt: skip
ENCODER = "models_cache/embedded/style/style_encoder/model.safetensors"


@pytest.fixture(autouse=True)
def _drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise and slopes in the place of photographs of cars and of blood."""

    def scenes(_settings: Settings, split: str) -> Scenes:
        rng = np.random.default_rng(len(split))
        found = []
        for number in range(4):
            rgb = rng.integers(0, 90, (70, 100, 3)) + np.linspace(0, 160, 100)[None, :, None]
            file = io.BytesIO()
            PIL.Image.fromarray(rgb.astype(np.uint8)).save(file, "JPEG")
            found.append(Scene(str(number), file.getvalue(), np.zeros((0, 4)), np.zeros(0, np.int64)))
        return found

    monkeypatch.setattr(style_painter.boxes, "plates", scenes)
    monkeypatch.setattr(style_painter.boxes, "cells", scenes)


def test_a_piece_is_in_the_colours_of_its_style() -> None:
    lesson, held_out = lessons(Settings(), SMALL)
    random = torch.Generator().manual_seed(0)
    assert lesson.shipped == 10
    assert len(lesson.styles) == 12
    assert len(held_out.photographs) == 2
    numbers = set()
    for _ in range(40):
        piece, number = lesson.piece(SMALL, random)
        assert piece.shape == (3, 48, 48)
        assert 0 <= float(piece.min()) <= float(piece.max()) <= 1
        numbers.add(number)
    assert len(numbers) > 8
    assert any(number >= 10 for number in numbers)


def test_a_style_is_nearer_to_itself_than_noise_is() -> None:
    lesson, _ = lessons(Settings(), SMALL)
    style = as_tensor(np.asarray(PIL.Image.open(next(iter(style_painter.STYLES.values())).path).resize((96, 96))))
    assert torch.allclose(Palette.of(style).mean, lesson.styles[0].palette.mean, atol=0.02)
    random = torch.Generator().manual_seed(0)
    pictures = torch.stack([style, torch.rand(3, 96, 96, generator=random)])
    itself, noise = lesson.distances(pictures, torch.tensor([0, 0]), random).sum(1).tolist()
    assert itself < 0.2 * noise


def test_it_begins_with_the_picture_as_it_is() -> None:
    _, held_out = lessons(Settings(), SMALL)
    assert nearness(style_painter.Painter().eval(), held_out, SMALL) == pytest.approx(1, abs=0.05)


def test_it_is_published_with_the_encoder_that_it_needs(tmp_path: Path) -> None:
    (tmp_path / "backends" / "style").mkdir(parents=True)
    (tmp_path / ENCODER).parent.mkdir(parents=True)
    shutil.copy(ROOT / ENCODER, tmp_path / ENCODER)
    result = style_painter.train(Settings(), tmp_path / "run", SMALL, tmp_path)
    assert result.publishable
    row = Shelf(tmp_path / "models_cache" / "embedded").rows(tmp_path / "backends" / "style")["style_painter"]
    assert {name: file.path for name, file in row.files.items()} == {
        "model": "style/style_painter/model.safetensors",
        "encoder": "style/style_encoder/model.safetensors",
    }
    assert row.files["model"].bytes <= 9_000_000
    assert "Style painter" in (tmp_path / "models_cache/embedded/style/style_painter/card.md").read_text()


def test_what_falls_short_is_not_published(tmp_path: Path) -> None:
    config = Config(**{**vars(SMALL), "reach": 0.01})
    assert not style_painter.train(Settings(), tmp_path / "run", config, tmp_path).publishable
    assert not (tmp_path / "models_cache").exists()
