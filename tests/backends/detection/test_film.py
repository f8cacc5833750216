"""The annotated video: written beside the reading, in order, and what fails there is not lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import supervision as sv

from backends.detection.film import Film
from studio.media.base import Blob
from studio.media.mp4 import Mp4Writer
from studio.media.video import Video
from studio.shapes import Shapes

NOTHING = sv.Detections(
    np.empty((0, 4)), confidence=np.empty(0), class_id=np.empty(0, int), tracker_id=np.empty(0, int)
)  # fmt: skip


def plain(level: int) -> np.ndarray:
    return np.full((48, 64, 3), level, np.uint8)


def test_the_frames_come_in_the_order_in_which_they_were_added(tmp_path: Path) -> None:
    levels = [20, 90, 160, 230]
    with Film(tmp_path / "a.mp4", 10, (64, 48), Shapes()) as film:
        for number, level in enumerate(levels):
            film.add(plain(level), NOTHING, ([], []), number / 10)
            np.testing.assert_array_equal(film.latest, plain(level))
    video = Video.load(Blob(data=(tmp_path / "a.mp4").read_bytes(), name="a.mp4"))
    assert [round(float(frame.rgb.mean())) for frame in video.frames()] == pytest.approx(levels, abs=4)


def test_a_frame_that_cannot_be_written_is_said_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: Mp4Writer, _rgb: np.ndarray, _time_s: float) -> None:
        raise OSError("no space left")

    with Film(tmp_path / "a.mp4", 10, (64, 48), Shapes()) as film:
        with pytest.raises(ValueError, match="no frame"):
            _ = film.latest
        monkeypatch.setattr(Mp4Writer, "write", full)
        film.add(plain(0), NOTHING, ([], []), 0)
        with pytest.raises(OSError, match="no space left"):
            film.add(plain(0), NOTHING, ([], []), 0.1)
