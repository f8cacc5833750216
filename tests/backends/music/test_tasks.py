"""The three tasks through the runtime, over an untrained network at tiny size."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest

import studio.runtime
from backends.music.chorale import Composing, filled_breaths
from backends.music.examples.make import HERE
from backends.music.fields import PieceOutputs
from backends.music.grid import FREE, REST
from backends.music.scores import read
from studio.errors import InvalidInput
from studio.jobs import JobRun
from studio.media.file import File
from studio.runtime import Runtime
from studio.settings import Settings
from tests.backends.music.tiny import tiny_family


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    folder = tmp_path_factory.mktemp("music")
    catalogue = tiny_family(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(studio.runtime, "EMBEDDED", folder / "embedded")
        made = Runtime(Settings(home=folder / "home", device="cpu", workers=2), catalogue)
    yield made
    made.close(grace_s=2)


def run(runtime: Runtime, task: str, adapter: str | None = None, **values: Any) -> PieceOutputs:
    outputs = runtime.run(task, values, adapter).outputs
    assert isinstance(outputs, PieceOutputs)
    return outputs


@pytest.mark.parametrize("adapter", ["chorale", "lstm"])
def test_a_piece_is_composed_in_every_form(runtime: Runtime, adapter: str) -> None:
    piece = run(runtime, "music_generation", adapter, bars=2, seed=1)
    assert piece.bars == 2
    assert piece.seconds == pytest.approx(9 * 60 / 76)
    assert piece.verdict.startswith("2 bars in ")
    assert piece.score is not None
    assert piece.score.rgb.min() < 50 < 200 < piece.score.rgb.mean(), "black on white"
    assert piece.audio is not None
    assert piece.audio.duration_s > piece.seconds
    assert np.abs(piece.audio.samples).max() > 0.5
    assert piece.report is not None
    assert list(piece.report.frame) == ["what", "here", "Bach's mean"]
    assert piece.midi is not None
    tracks = mido.MidiFile(file=io.BytesIO(piece.midi.data)).tracks
    assert [track.name for track in tracks[1:]] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert piece.musicxml is not None
    assert piece.musicxml.data.startswith(b"<?xml")
    assert piece.notes[-1].startswith("Played by ")


def test_the_same_seed_is_the_same_piece(runtime: Runtime) -> None:
    first, again, other = (run(runtime, "music_generation", bars=2, seed=seed).midi for seed in (4, 4, 5))
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.data == again.data != other.data


def test_the_roll_grows_while_it_is_written(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.music.chorale._SHOWN_EVERY_S", 0)
    job = runtime.run("music_generation", {"bars": 2})
    weights = runtime.shelf.resolve(runtime.catalogue.entry("music_generation").family, "chorale")
    parts = list(Composing(weights, "cpu")(job.inputs, JobRun(job, "cpu")))
    assert len(parts) == 36 - 1 + 2
    assert len({part.roll.resolution_wh for part in parts}) == 1, "nothing moves while it grows"
    assert parts[0].audio is None
    assert parts[-2].audio is not None
    assert parts[-2].score is None
    assert parts[-1].score is not None


def test_a_piece_is_continued(runtime: Runtime) -> None:
    piece = run(runtime, "music_continuation", score=HERE / "phrase.mid", bars=1)
    assert piece.bars == 3
    assert piece.midi is not None
    beginning = read_grid(HERE / "phrase.mid")
    found = grid_of(piece)[: len(beginning)]  # an untrained piece may go on so that its voices are told by height
    assert np.array_equal(np.sort(found), np.sort(beginning))


def test_a_melody_keeps_its_notes(runtime: Runtime) -> None:
    piece = run(runtime, "melody_harmonisation", melody=HERE / "ode.mid")
    assert np.array_equal(grid_of(piece)[:, 0], read_grid(HERE / "ode.mid")[:, 0])
    assert (grid_of(piece) > REST).all()


def test_typed_and_of_several_voices_the_highest(runtime: Runtime) -> None:
    assert run(runtime, "melody_harmonisation", abc="G A B2").bars == 1
    piece = run(runtime, "melody_harmonisation", melody=HERE / "phrase.mid")
    assert "Only its highest voice was taken." in piece.notes
    assert np.array_equal(grid_of(piece)[:, 0], read_grid(HERE / "phrase.mid")[:, 0])


@pytest.mark.parametrize(
    ("task", "values", "field"),
    [
        ("music_continuation", {}, "score"),
        ("music_continuation", {"score": HERE / "ode.mid", "recording": HERE / "whistle.wav"}, "score"),
        ("melody_harmonisation", {}, "melody"),
        ("melody_harmonisation", {"abc": " "}, "melody"),
        ("melody_harmonisation", {"abc": "c", "melody": HERE / "ode.mid"}, "melody"),
        ("melody_harmonisation", {"abc": "no tune at all"}, "abc"),
        ("music_generation", {"bars": 65}, "bars"),
        ("music_generation", {"key": "H major"}, "key"),
    ],
)
def test_what_is_missing_or_too_much_is_said(runtime: Runtime, task: str, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        runtime.run(task, values)
    assert caught.value.field == field


def test_breaths() -> None:
    grid = np.full((24, 4), FREE, np.int16)
    grid[:, 0] = [60] * 6 + [REST] * 2 + [62] * 4 + [REST] * 8 + [64] * 4
    filled = filled_breaths(grid)
    assert filled[6:8, 0].tolist() == [60, 60], "a short breath is sung through"
    assert (filled[12:20] == REST).all(), "in a long one all are silent"
    assert (filled[:12, 1:] == FREE).all()


def grid_of(piece: PieceOutputs) -> np.ndarray:
    assert piece.midi is not None
    return read(File(piece.midi.data, "a.mid"), "score", 64).grid


def read_grid(path: Path) -> np.ndarray:
    return read(File(path.read_bytes(), path.name), "score", 64).grid
