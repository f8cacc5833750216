"""A video read frame by frame: found, followed, counted, drawn and written, with a few frames in memory at a time."""

from __future__ import annotations

import csv
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.detection.detector import Detector, Wanted, class_names
from backends.detection.fields import VideoInputs, VideoOutputs
from backends.detection.film import Film
from backends.detection.remarks import counted, knowledge
from backends.detection.tally import Tally
from backends.detection.tracking import FAINTEST, Tracker
from studio.contract import Run
from studio.errors import Cancelled, InvalidInput
from studio.media.file import File
from studio.media.image import Image
from studio.media.video import Frame, Video

if TYPE_CHECKING:
    import supervision as sv

_MOST_BOXES = 300  # of a frame
_SHOWN_EVERY_S = 2.0
_USUAL_FPS = 25.0
_BOXES = ("frame", "time_s", "track", "class", "score", "left", "top", "right", "bottom")


def follow(
    detector: Detector, inputs: VideoInputs, class_ids: frozenset[int] | None, run: Run
) -> Iterator[VideoOutputs]:
    """Answer with the latest frame and the counts every other second, with the video at the end.

    A run that is cancelled answers with the video as far as it was read.

    Raises:
        InvalidInput: not even the first frame can be read.
    """
    with ExitStack() as stack:
        reading = _Reading(detector, inputs, class_ids, run.workdir, stack)
        shown_s = time.monotonic()
        try:
            for frame, found in reading.seen(_thinned(inputs.video, inputs.most_fps, reading.notes)):
                run.progress(*_progress(inputs.video, frame, reading.count))
                reading.follow(frame, found)
                if time.monotonic() - shown_s > _SHOWN_EVERY_S:
                    yield reading.outputs()
                    shown_s = time.monotonic()
            run.progress(1.0, "Writing the files")
        except Cancelled:
            if reading.count:
                reading.notes.append(f"Cancelled after {reading.last_s:.1f} s of the video.")
                stack.close()
                yield reading.outputs(whole=True)
            raise
        stack.close()
    yield reading.outputs(whole=True)


@dataclass(frozen=True)
class _Places:
    """The files that are written on the way."""

    video: Path
    boxes: Path


class _Reading:
    """What is known so far of a video.

    Attributes:
        count: frames read.
        last_s: the time of the last one.
    """

    def __init__(
        self,
        detector: Detector,
        inputs: VideoInputs,
        class_ids: frozenset[int] | None,
        folder: Path,
        stack: ExitStack,
    ) -> None:
        video = inputs.video
        stated_fps = video.frame_count / video.duration_s if video.duration_s and video.frame_count else _USUAL_FPS
        fps = min(inputs.most_fps, max(1.0, stated_fps))
        self._detector = detector
        self._wanted = Wanted(inputs.confidence, inputs.iou, _MOST_BOXES, class_ids, quick=True)
        self._name = video.name
        self._tracker = Tracker(inputs.confidence, fps, inputs.remembered_s)
        self._tally = Tally(inputs.shapes)
        self._places = _Places(folder / "video.mp4", folder / "boxes.csv")
        self._film = stack.enter_context(Film(self._places.video, fps, video.resolution_wh, inputs.shapes))
        rows = stack.enter_context(self._places.boxes.open("w", newline="", encoding="utf-8"))
        self._rows: Any = csv.writer(rows)
        self._rows.writerow(_BOXES)
        self._strange = 0
        self.count = 0
        self.last_s = 0.0
        self.notes: list[str] = []

    def seen(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, sv.Detections]]:
        """Each frame with what is on it, in order; the next ones are looked at meanwhile, as many as can be at once."""
        faint = replace(self._wanted, confidence=min(FAINTEST, self._wanted.confidence))
        if self._detector.at_once == 1:  # in this thread, which has its share of the cores
            yield from ((frame, self._detector.detect(frame.rgb, faint)) for frame in frames)
            return
        ahead: deque[tuple[Frame, Future[sv.Detections]]] = deque()
        pool = ThreadPoolExecutor(self._detector.at_once, "detect")
        try:
            for frame in frames:
                ahead.append((frame, pool.submit(self._detector.detect, frame.rgb, faint)))
                if len(ahead) > self._detector.at_once:
                    yield _done(ahead)
            while ahead:
                yield _done(ahead)
        finally:
            pool.shutdown(cancel_futures=True)

    def follow(self, frame: Frame, found: sv.Detections) -> None:
        """Follow and count what is on one frame, draw and write it."""
        self._strange += bool(found.metadata.get("strange"))
        followed = self._tracker(found, frame.rgb.shape[:2])
        self._tally.add(followed, frame.time_s)
        self._write_rows(followed, frame.time_s)
        self._film.add(frame.rgb, followed, self._tally.told(), frame.time_s)
        self.count += 1
        self.last_s = frame.time_s

    def outputs(self, *, whole: bool = False) -> VideoOutputs:
        """The answer so far; with the video and the files once they are written."""
        classes = self._tally.classes
        tracks, counts = self._tally.tracks_table(), self._tally.counts_table()
        files = [File(table.encode()[0], table.name) for table in (tracks, counts) if table is not None]
        boxes = [File(self._places.boxes.read_bytes(), "boxes.csv")] if whole else []
        strange = self._strange > self.count / 2
        return VideoOutputs(
            summary=counted(classes, "track", "tracks"),
            frames=self.count,
            video=self._written() if whole else None,
            frame=Image(self._film.latest, "frame.jpg"),
            counts=counts,
            tracks=tracks,
            files=[*files, *boxes] if whole else [],
            notes=[
                *self.notes,
                *knowledge(self._detector, self._wanted, nothing=not classes, strange=strange, shown="Most frames are"),
            ],
        )

    def _written(self) -> Video:
        height, width = self._film.latest.shape[:2]
        data = self._places.video.read_bytes()
        stem = Path(self._name).stem or "video"
        return Video(
            data, f"{stem}_boxes.mp4", resolution_wh=(width, height), duration_s=self.last_s, frame_count=self.count
        )

    def _write_rows(self, followed: sv.Detections, time_s: float) -> None:
        assert followed.tracker_id is not None
        assert followed.confidence is not None
        for number, name, score, box in zip(
            followed.tracker_id.tolist(),
            class_names(followed),
            followed.confidence.tolist(),
            followed.xyxy.tolist(),
            strict=True,
        ):
            edges = (round(edge, 1) for edge in box)
            self._rows.writerow((self.count + 1, round(time_s, 3), number, name, round(score, 4), *edges))


def _done(ahead: deque[tuple[Frame, Future[sv.Detections]]]) -> tuple[Frame, sv.Detections]:
    frame, found = ahead.popleft()
    return frame, found.result()


def _thinned(video: Video, most_fps: float, notes: list[str]) -> Iterator[Frame]:
    """The frames that are read: no more than so many in a second, up to where the video is damaged."""
    due_s, last_s = 0.0, None
    try:
        for frame in video.frames():
            if frame.time_s >= due_s - 1e-3:
                yield frame
                due_s = max(due_s + 1 / most_fps, frame.time_s)
                last_s = frame.time_s
    except InvalidInput as fault:
        if last_s is None:
            fault.field = "video"
            raise
        notes.append(f"The video is damaged after {last_s:.1f} s: what comes later could not be read.")


def _progress(video: Video, frame: Frame, count: int) -> tuple[float, str]:
    """The share of the video that has been read, and where it is."""
    whole_s = video.duration_s or 0.0
    return (min(0.99, frame.time_s / whole_s) if whole_s else 0.0), f"Frame {count + 1}, at {frame.time_s:.1f} s" + (
        f" of {whole_s:.1f} s" if whole_s else ""
    )
