"""Videos of moving squares: found by a stand-in, followed, counted and written, whatever state the video is in."""

from __future__ import annotations

import io
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest

from backends.detection.detector import RGB, Wanted, detections
from backends.detection.fields import VideoInputs, VideoOutputs
from backends.detection.operations import answer
from studio.errors import Cancelled, InvalidInput, TooLarge
from studio.media.base import Blob, Limits
from studio.media.mp4 import Mp4Writer
from studio.media.video import Video
from tests.backends.detection.conftest import Call

FPS = 10.0
WIDE_PX = 16


class Squares:
    """Finds white squares on a dark ground, those in the upper half as cats, the others as dogs."""

    names = ("cat", "dog")
    at_once = 2
    specialist = True

    def detect(self, rgb: RGB, wanted: Wanted) -> Any:
        rows = []
        half = rgb.shape[0] // 2
        for place, part in enumerate((rgb[:half], rgb[half:])):
            ys, xs = np.nonzero(part.min(axis=2) > 160)
            if len(xs):
                rows.append((xs.min(), ys.min() + place * half, xs.max() + 1, ys.max() + 1 + place * half, 0.9, place))
        return detections(np.array(rows, np.float32).reshape(-1, 6), self.names, wanted, False)


class Watched(Call):
    """A run with a folder, that is cancelled after so many frames."""

    def __init__(self, workdir: Path, cancel_at: int = 10_000) -> None:
        super().__init__(workdir=workdir)
        self.cancel_at = cancel_at
        self.told: list[tuple[float, str]] = []

    def progress(self, fraction: float, note: str = "") -> None:
        self.told.append((fraction, note))
        if len(self.told) > self.cancel_at:
            raise Cancelled("The run was cancelled.")


def frames(count: int, resolution_wh: tuple[int, int] = (160, 96)) -> Iterator[RGB]:
    """A square above that goes to the right, and one below that goes to the left, 5 px a frame."""
    width, height = resolution_wh
    for number in range(count):
        rgb = np.full((height, width, 3), 40, np.uint8)
        along = 5 * (number % 25)
        rgb[12 : 12 + WIDE_PX, along : along + WIDE_PX] = 250
        rgb[height - 12 - WIDE_PX : height - 12, width - along - WIDE_PX : width - along] = 250
        yield rgb


def film(folder: Path, count: int = 25, times_s: Callable[[int], float] = lambda n: n / FPS, **how: Any) -> bytes:
    path = folder / "film.mp4"
    with Mp4Writer(path, FPS) as writer:
        for number, rgb in enumerate(frames(count, **how)):
            writer.write(rgb, times_s(number))
    return path.read_bytes()


def video(data: bytes) -> Video:
    return Video.load(Blob("../my film.mov", data))


class Uneven(Squares):
    """Takes longer for each other frame; fails at one of them, if told to."""

    def __init__(self, at_once: int, fails_at: int = -1) -> None:
        self.at_once, self._fails_at = at_once, fails_at
        self._lock, self._begun, self._now, self.most = Lock(), 0, 0, 0

    def detect(self, rgb: RGB, wanted: Wanted) -> Any:
        with self._lock:
            number, self._begun, self._now = self._begun, self._begun + 1, self._now + 1
            self.most = max(self.most, self._now)
        try:
            if number == self._fails_at:
                raise RuntimeError("no more memory")
            time.sleep(0.03 if number % 2 == 0 else 0.002)
            return super().detect(rgb, wanted)
        finally:
            with self._lock:
                self._now -= 1


def followed(
    data: bytes, folder: Path, run: Watched | None = None, detector: Squares | None = None, **asked: Any
) -> list[VideoOutputs]:
    answers = answer(detector or Squares(), VideoInputs(video=video(data), **asked), run or Watched(folder))
    assert isinstance(answers, Iterator)
    return [one for one in answers if isinstance(one, VideoOutputs)]


def csv(outputs: VideoOutputs, name: str) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(next(file.data for file in outputs.files if file.name == name)))


def test_what_moves_is_followed_counted_and_drawn(tmp_path: Path) -> None:
    shapes = {
        "lines": [((80, 96), (80, 0)), ((0, 48), (160, 48))],
        "zones": [[(100, 0), (160, 0), (160, 96), (100, 96)]],
    }
    run = Watched(tmp_path)
    outputs = followed(film(tmp_path), tmp_path, run, shapes=shapes)[-1]
    assert outputs.summary == "2 tracks: 1 cat, 1 dog."
    assert outputs.frames == 25
    rows = outputs.tracks.frame.set_index("class")
    assert rows.loc["cat", ["frames", "lines", "zones"]].tolist() == [25, "1 out", "1"], (
        "to the right of an upward line"
    )
    assert rows.loc["dog", ["frames", "lines", "zones"]].tolist() == [25, "1 in", "1"]
    assert rows.loc["cat", "path_px"] == pytest.approx(24 * 5, abs=3)
    assert rows.loc["cat", ["first_s", "last_s"]].tolist() == [0.0, 2.4]
    assert outputs.counts is not None
    counts = outputs.counts.frame.set_index(["where", "class"])
    assert counts.loc[("line 1", "all"), ["in", "out"]].tolist() == [1, 1]
    assert counts.loc[("line 1", "cat"), ["in", "out"]].tolist() == [0, 1]
    assert counts.loc[("line 2", "all"), ["in", "out"]].tolist() == [0, 0]
    assert counts.loc[("zone 1", "all"), ["inside", "most_at_once"]].tolist() == [2, 1]
    assert [file.name for file in outputs.files] == ["tracks.csv", "counts.csv", "boxes.csv"]
    boxes = csv(outputs, "boxes.csv")
    assert len(boxes) == 50
    assert boxes["frame"].tolist()[:4] == [1, 1, 2, 2]
    fractions = [fraction for fraction, _ in run.told]
    assert fractions == sorted(fractions)
    assert run.told[3] == (pytest.approx(0.12, abs=0.01), "Frame 4, at 0.3 s of 2.5 s")


def test_the_written_video_plays_everywhere(tmp_path: Path) -> None:
    outputs = followed(film(tmp_path), tmp_path)[-1]
    assert outputs.video is not None
    assert (outputs.video.name, outputs.video.suffix) == ("my film_boxes.mp4", ".mp4")
    data = outputs.video.data
    assert data.find(b"moov") < data.find(b"mdat"), "the index comes first: a browser can start at once"
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert len(list(container.decode(stream))) == 25


def test_without_shapes_there_is_nothing_to_count(tmp_path: Path) -> None:
    outputs = followed(film(tmp_path), tmp_path)[-1]
    assert outputs.counts is None
    assert [file.name for file in outputs.files] == ["tracks.csv", "boxes.csv"]


def test_the_same_video_gives_the_same_answer(tmp_path: Path) -> None:
    data = film(tmp_path)
    first, second = (followed(data, tmp_path)[-1].model_dump(mode="json") for _ in range(2))
    assert first == second


def test_frames_looked_at_side_by_side_are_followed_in_order(tmp_path: Path) -> None:
    data = film(tmp_path)
    one, three = Uneven(1), Uneven(3)
    alone, together = (followed(data, tmp_path, detector=each)[-1] for each in (one, three))
    assert (one.most, three.most) == (1, 3)
    assert csv(together, "boxes.csv").equals(csv(alone, "boxes.csv"))
    assert csv(together, "tracks.csv").equals(csv(alone, "tracks.csv"))


def test_what_fails_beside_is_not_lost(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no more memory"):
        followed(film(tmp_path), tmp_path, detector=Uneven(3, fails_at=7))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("detect")]


def test_classes_and_confidence_are_kept_to(tmp_path: Path) -> None:
    data = film(tmp_path)
    assert followed(data, tmp_path, classes="dog")[-1].summary == "1 track: 1 dog."
    nothing = followed(data, tmp_path, confidence=0.95)[-1]
    assert nothing.summary == "Nothing found."
    assert "knows cat and dog, and nothing else" in " ".join(nothing.notes)
    with pytest.raises(InvalidInput, match="does not know that class"):
        followed(data, tmp_path, classes="giraffe")


@pytest.mark.parametrize("resolution_wh", [(161, 97), (96, 160), (97, 33)], ids=["odd", "portrait", "narrow"])
def test_any_size(tmp_path: Path, resolution_wh: tuple[int, int]) -> None:
    outputs = followed(film(tmp_path, count=6, resolution_wh=resolution_wh), tmp_path)[-1]
    assert outputs.video is not None
    assert outputs.frames == 6


def test_a_large_video_is_written_smaller(tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    with Mp4Writer(path, FPS) as writer:
        writer.write(np.zeros((1200, 2400, 3), np.uint8), 0.0)
    assert video(path.read_bytes()).resolution_wh == (1920, 960)


def test_a_grey_video(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "gray"
        for rgb in frames(8):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb[:, :, 0], format="gray")))
        container.mux(stream.encode(None))
    assert followed(buffer.getvalue(), tmp_path)[-1].summary == "2 tracks: 1 cat, 1 dog."


def test_frames_keep_their_own_times(tmp_path: Path) -> None:
    """A phone that lowers its frame rate in the dark: the second half comes half as often."""

    def times_s(number: int) -> float:
        return number / 10 if number < 10 else 1 + (number - 10) / 5

    outputs = followed(film(tmp_path, count=20, times_s=times_s), tmp_path)[-1]
    assert outputs.video is not None
    written = [frame.time_s for frame in outputs.video.frames()]
    assert np.allclose(written, [times_s(number) for number in range(20)], atol=0.002)


def test_frames_can_be_left_out(tmp_path: Path) -> None:
    outputs = followed(film(tmp_path), tmp_path, most_fps=5)[-1]
    assert outputs.frames == 13
    assert outputs.summary == "2 tracks: 1 cat, 1 dog."


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_rotated_phone_video_stands_upright(tmp_path: Path, turns: int) -> None:
    """Stored lying, with a display matrix that says how it is to be turned to the right."""
    data = bytearray(film(tmp_path, count=3))
    a, b, c, d = ((0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0))[turns - 1]
    matrix = np.array([a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30], ">i4").tobytes()
    start = data.find(b"tkhd") + 44  # behind version, times, track and layer (ISO/IEC 14496-12, 8.3.2)
    data[start : start + len(matrix)] = matrix
    probed = video(bytes(data))
    assert probed.resolution_wh == ((96, 160) if turns % 2 else (160, 96))
    stored = next(iter(frames(1)))
    shown = next(probed.frames()).rgb
    assert np.abs(shown.astype(int) - np.rot90(stored, -turns)).mean() < 6
    assert followed(bytes(data), tmp_path)[-1].frame.resolution_wh == probed.resolution_wh


def test_cancelling_keeps_what_is_done(tmp_path: Path) -> None:
    data = film(tmp_path)
    answers = answer(Squares(), VideoInputs(video=video(data)), Watched(tmp_path, cancel_at=10))
    kept = next(answers)  # type: ignore[call-overload]
    assert isinstance(kept, VideoOutputs)
    assert kept.video is not None
    assert (kept.frames, len(list(kept.video.frames()))) == (10, 10)
    assert "Cancelled after 0.9 s" in kept.notes[0]
    with pytest.raises(Cancelled):
        next(answers)  # type: ignore[call-overload]


def test_cancelled_before_the_first_frame_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        followed(film(tmp_path), tmp_path, Watched(tmp_path, cancel_at=0))


def test_a_damaged_video_is_read_up_to_the_damage(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mpegts") as container:
        stream = container.add_stream("mpeg2video", rate=25, options={"g": "1"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for rgb in frames(25):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    whole = buffer.getvalue()
    outputs = followed(whole[: len(whole) // 2], tmp_path)[-1]
    assert 5 < outputs.frames < 25


def test_what_no_video_can_be_is_refused_before_a_frame_is_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not a video"):
        video(b"This is a letter.\n" * 40)
    data = film(tmp_path, count=3, times_s=lambda n: n * 2 * 3600)
    with pytest.raises(TooLarge, match="longer than 600 s") as error:
        video(data)
    assert error.value.hint
    assert "ATELIER_MAX_VIDEO_S" in error.value.hint
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    with pytest.raises(InvalidInput):
        video(buffer.getvalue())


def test_a_header_that_understates_its_length_does_not_help(tmp_path: Path) -> None:
    data = bytearray(film(tmp_path, count=12, times_s=lambda n: n * 100.0))
    for box, offset in ((b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24)):
        start = data.find(box) + offset
        data[start : start + 4] = (1).to_bytes(4, "big")
    with pytest.raises(TooLarge, match="longer than 600 s"):
        Video.load(Blob("film.mp4", bytes(data)), Limits())


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        data = film(tmp_path, count=count)
        tracemalloc.start()
        followed(data, tmp_path)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(10)  # what is loaded once
    assert peak(400) < peak(50) + 400 * 96 * 160  # not even a third of each frame is kept
