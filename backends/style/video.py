"""A video painted frame by frame, with strokes that stay where nothing moves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from backends.style.fields import LiveInputs, LiveOutputs
from backends.style.palettes import RGB, as_rgb, as_tensor, own_colours
from backends.style.steady import Steadier, of_cells
from backends.style.swap import CELL_PX, Check, assembled
from backends.style.swapper import Study, Swapper, Touch, finished, recoloured, resized
from studio.contract import Run
from studio.errors import Cancelled, InvalidInput
from studio.media.image import Image
from studio.media.mp4 import Mp4Writer
from studio.media.video import Frame, Video

_SHOWN_EVERY_S = 1.0
_USUAL_FPS = 25.0
#: What leaving the stroke of the frame before costs a cell that stands still, as a share of the usual difference.
_LOYALTY = 3.0


class Steady(Protocol):
    """Paints frame after frame of one size, and keeps still what stands still."""

    @property
    def device(self) -> torch.device | str:
        """Where frames are taken."""

    def __call__(self, frame: Tensor, check: Check) -> Tensor:
        """A frame (3, H, W) in 0..1, painted."""


def longest_px(inputs: LiveInputs) -> int:
    """The longer side of the frames of the video as they are painted, in pixels."""
    assert inputs.video is not None
    return min(inputs.size, max(inputs.video.resolution_wh))


def painted_video(paint: Steady, inputs: LiveInputs, run: Run) -> Iterator[LiveOutputs]:
    """Answer with the latest frame every second, with the video at the end.

    A run that is cancelled answers with the video as far as it was painted.

    Raises:
        InvalidInput: not even the first frame can be read.
    """
    assert inputs.video is not None
    with ExitStack() as stack:
        work = _Work(paint, inputs, inputs.video, run.workdir, stack)
        shown_s = time.monotonic()
        try:
            for frame in _thinned(inputs.video, inputs.most_fps, work.notes):
                run.progress(*_progress(inputs.video, frame, work.count))
                work.paint(frame, run.check)
                if time.monotonic() - shown_s > _SHOWN_EVERY_S:
                    yield work.outputs()
                    shown_s = time.monotonic()
            run.progress(1.0, "Writing the video")
        except Cancelled:
            if work.count:
                work.notes.append(f"Cancelled after {work.last_s:.1f} s of the video.")
                stack.close()
                yield work.outputs(whole=True)
            raise
        stack.close()
    yield work.outputs(whole=True)


class SteadyPainter:
    """Paints frame after frame of one size, (3, H, W) in 0..1.

    Noise is filtered out of the frames (see `Steadier`), and a cell that stands still keeps its stroke unless another
    fits far better; what guides the choice is the last painted frame, where nothing moved. No optical flow: a stroke
    does not travel with what it paints, it is chosen anew where something moves.
    """

    def __init__(self, swapper: Swapper, study: Study, strength: float) -> None:
        self._swapper, self._study, self._touch = swapper, study, Touch.of(strength)
        self.device = swapper.device
        self._steadier = Steadier()
        self._chosen: Tensor | None = None
        self._strokes: Tensor | None = None

    def __call__(self, frame: Tensor, check: Check) -> Tensor:
        """The frame painted."""
        height, width = frame.shape[1:]
        steadied = self._steadier(self._study.filled(frame))
        plain = recoloured(steadied.rgb, steadied.palette, self._study)
        if steadied.new or self._chosen is None or self._strokes is None:
            self._chosen = self._swapper.matched(plain, self._study, self._touch, 0, check)
        else:
            guide = self._strokes.lerp(plain, steadied.moved).lerp(plain, self._touch.guide)
            loyalty = _LOYALTY * (1 - of_cells(steadied.moved, CELL_PX))
            self._chosen = self._swapper.followed(guide, self._study, check, self._chosen, loyalty)
        self._strokes = assembled(self._chosen, self._study.banks[-1])
        painted = finished(self._strokes, plain, self._touch, self._study)
        return steadied.rgb.lerp(painted, self._touch.painted)[:, :height, :width]


class _Work:
    """What is done so far of a video.

    Attributes:
        count: frames painted.
        last_s: the time of the last one.
    """

    def __init__(self, paint: Steady, inputs: LiveInputs, video: Video, folder: Path, stack: ExitStack) -> None:
        stated_fps = video.frame_count / video.duration_s if video.duration_s and video.frame_count else _USUAL_FPS
        self._inputs, self._video = inputs, video
        self._paint = paint
        self._file = folder / "video.mp4"
        self._writer = stack.enter_context(Mp4Writer(self._file, min(inputs.most_fps, max(1.0, stated_fps))))
        self._painted: RGB | None = None
        self.count = 0
        self.last_s = 0.0
        self.notes: list[str] = []

    def paint(self, frame: Frame, check: Check) -> None:
        """Scale, paint and write one frame."""
        rgb = resized(frame.rgb, min(self._inputs.size, max(frame.rgb.shape[:2])))
        with torch.inference_mode():
            photograph = as_tensor(rgb).to(self._paint.device)
            painted = self._paint(photograph, check)
            if self._inputs.keep_colours:
                painted = own_colours(painted, photograph)
            self._painted = as_rgb(painted)
        self._writer.write(self._painted, frame.time_s)
        if not self.count and rgb.shape != frame.rgb.shape:
            (width, height), (rows, columns) = self._video.resolution_wh, rgb.shape[:2]
            self.notes.append(f"The frames were scaled down from {width:,} x {height:,} to {columns:,} x {rows:,} px.")
        self.count += 1
        self.last_s = frame.time_s

    def outputs(self, *, whole: bool = False) -> LiveOutputs:
        """The answer so far; with the video once it is written."""
        assert self._painted is not None
        return LiveOutputs(
            picture=Image(self._painted, "frame.jpg"),
            video=self._written() if whole else None,
            notes=list(self.notes),
        )

    def _written(self) -> Video:
        assert self._painted is not None
        height, width = self._painted.shape[:2]
        return Video(
            self._file.read_bytes(),
            f"{Path(self._video.name).stem or 'video'}_painted.mp4",
            resolution_wh=(width, height),
            duration_s=self.last_s,
            frame_count=self.count,
        )


def _thinned(video: Video, most_fps: float, notes: list[str]) -> Iterator[Frame]:
    """The frames that are painted: no more than so many in a second, up to where the video is damaged."""
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
    """The share of the video that has been painted, and where it is."""
    whole_s = video.duration_s or 0.0
    return (min(0.99, frame.time_s / whole_s) if whole_s else 0.0), f"Frame {count + 1}, at {frame.time_s:.1f} s" + (
        f" of {whole_s:.1f} s" if whole_s else ""
    )
