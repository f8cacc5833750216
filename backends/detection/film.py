"""The annotated video, drawn and written in a thread of its own while the network looks at the next frame."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self

from backends.detection.detector import RGB
from backends.detection.drawing import Painter, ShapePainter
from studio.media.mp4 import Mp4Writer
from studio.shapes import Shapes

if TYPE_CHECKING:
    import supervision as sv


class Film:
    """A video to which frames are added; at most one of them is not written yet. A context manager.

    Args:
        path: the file to write.
        fps: about how many frames come in a second.
        resolution_wh: width and height of the frames, in pixels.
        shapes: lines and zones to draw over each.
    """

    def __init__(self, path: Path, fps: float, resolution_wh: tuple[int, int], shapes: Shapes) -> None:
        self._writer = Mp4Writer(path, fps)
        self._paint = Painter(resolution_wh, tail=max(2, round(fps)))
        self._paint_shapes = ShapePainter(resolution_wh, shapes)
        self._thread = ThreadPoolExecutor(1, "film")
        self._latest: Future[RGB] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._thread.shutdown()
        self._writer.close()

    def add(self, rgb: RGB, followed: sv.Detections, told: tuple[list[str], list[str]], time_s: float) -> None:
        """Append a frame (H, W, 3), after the one before it is written; what failed there is raised here.

        Args:
            told: what is said beside each line and each zone.
            time_s: the frame is shown from that time on.
        """
        if self._latest is not None:
            self._latest.result()
        self._latest = self._thread.submit(self._draw, rgb, followed, told, time_s)

    @property
    def latest(self) -> RGB:
        """The last frame that was added, as it is drawn (H, W, 3).

        Raises:
            ValueError: there is none.
        """
        if self._latest is None:
            raise ValueError("no frame was added")
        return self._latest.result()

    def _draw(self, rgb: RGB, followed: sv.Detections, told: tuple[list[str], list[str]], time_s: float) -> RGB:
        painted = self._paint_shapes(self._paint.followed(rgb, followed), *told)
        self._writer.write(painted, time_s)
        return painted
