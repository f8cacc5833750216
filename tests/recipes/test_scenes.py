"""The recipes of drawn scenes on a few pictures: some steps of the real code, from drawing to the published file."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from backends.scenes.drawing import centres, draw, drawn_style, plain_style
from backends.scenes.scene import Look, Scene, Thing, held_out
from recipes import scene_eyes, scene_questions, scenes
from recipes.publish import publish
from studio.settings import Settings

SMALL: dict[str, Any] = {
    "scenes": 96,
    "choosing": 10,
    "tested": 20,
    "epochs": 2,
    "batch_size": 16,
    "lights": 2,
    "seed": 3,
}
EYES = scene_eyes.Config(epochs=1, batch_size=16)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """What the recipes publish, by name, in a folder of the test's own."""
    files: dict[str, Path] = {}
    (tmp_path / "backends" / "scenes").mkdir(parents=True)

    def publish_here(*given: Any, **named: Any) -> None:
        file = publish(*given, **named, root=tmp_path)
        files[file.parent.name] = file

    for recipe in (scenes, scene_questions):
        module: ModuleType = recipe
        monkeypatch.setattr(module, "publish", publish_here)
    return files


def test_some_steps_of_both_captioners_and_of_the_answers(
    settings: Settings, tmp_path: Path, made: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, train in (("scenes", scenes.train), ("scenes_lstm", scenes.train_lstm)):
        monkeypatch.setattr(scenes, "CAPTIONER", made.get("scenes"))
        result = train(settings, tmp_path / name, scenes.Config(**SMALL, reach=0, eyes=EYES))
        assert result.fitted.history[1].loss < result.fitted.history[0].loss
        assert made[name].is_file()
    config = scene_questions.Config(**SMALL, reach=0)
    result = scene_questions.train(settings, tmp_path / "questions", config)
    assert [row.epoch for row in result.fitted.history] == [1, 2]
    assert result.fitted.history[1].loss < result.fitted.history[0].loss
    row = (tmp_path / "backends" / "scenes" / "weights.toml").read_text()
    assert "[scene_questions.files.model]" in row
    assert f"accuracy {result.metric:.4f}" in row


def test_below_the_metric_nothing_is_published(settings: Settings, tmp_path: Path, made: dict[str, Path]) -> None:
    result = scenes.train(settings, tmp_path / "run", scenes.Config(**SMALL, reach=1.01, eyes=EYES))
    assert not result.publishable
    assert made == {}


def test_scenes_are_learned_from_without_what_is_held_out() -> None:
    learned = scenes.scenes_with_captions(200, seed=5)
    assert not any(held_out(look) for scene in learned.scenes for look in scene.looks)
    unseen = scenes.scenes_with_captions(50, seed=5, unseen=True)
    assert all(any(held_out(look) for look in scene.looks) for scene in unseen.scenes)


def test_relit_pictures_stay_pictures() -> None:
    pictures = torch.from_numpy(np.full((4, 3, 8, 8), 128, np.uint8))
    lit = scenes.relit(pictures, torch.Generator().manual_seed(0))
    assert lit.shape == (4, 3, 8, 8)
    assert 0 <= float(lit.min()) <= float(lit.max()) <= 1
    assert float(lit.mean((1, 2, 3)).std()) > 0.005


def test_cells_say_what_is_where_also_in_pictures_that_are_askew() -> None:
    scene = Scene(
        (
            Thing(Look("star", "red", "large", "dotted"), 0.25, 0.25, 0.18),
            Thing(Look("7", "white", "small"), 0.8, 0.6, 0.1),
        )
    )
    told = scene_eyes.cells_of(scene, plain_style(2))
    assert told.shape == (10, 12, 12)
    assert sorted(zip(*np.nonzero(told[1] == 1), strict=True)) == [(3, 3), (7, 9)]
    assert told[0, 7, 9] > told[0, 7, 10] > told[0, 7, 11] > told[0, 11, 0] == 0
    assert told[2:6, 7, 9].tolist() == [15, 8, 0, 0]
    assert (told[2] == 4).sum() > (told[2] == 15).sum() >= 1  # a large thing has more cells
    assert told[2:6, 11, 0].tolist() == [-1] * 4
    assert told[6:, 7, 9].tolist() == [10, -30, 120, 60]  # 0.8 and 0.6 of 12 cells lie at 9.6 and 7.2
    assert told[6, 7, 10] == -90
    assert told[8:, 3, 3].tolist() == [127, 108]
    style = next(style for seed in range(9) if (style := drawn_style(np.random.default_rng(seed), 2)).askew.any())
    blue = Scene((Thing(Look("circle", "blue", "large"), 0.7, 0.3, 0.17), scene.things[0]))
    picture = draw(blue, style, np.random.default_rng(0)).astype(int)
    seen = np.argwhere(picture[:, :, 2] - picture[:, :, 0] > 60).mean(0) / 96
    assert seen[::-1] == pytest.approx(centres(blue, style)[0], abs=0.02)
