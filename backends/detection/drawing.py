"""Draws what was found over a picture, with supervision's annotators: a colour for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from backends.detection.detector import RGB, class_names
from studio.shapes import Shapes, arrow

if TYPE_CHECKING:
    import supervision as sv

#: White letters are legible on each of them (4.5:1 or more), and neighbours differ also to most colour-blind people.
COLOURS = ("#C4552D", "#20639B", "#3B7A3B", "#8A4FA3", "#9A6A00", "#B03A6B", "#00757A", "#5F5A52", "#7A4B2A", "#4453B8")
#: From this many boxes on, letters would hide the picture: first the scores go, then the names.
_CROWD, _CROWDS = 12, 40
#: Of lines and zones.
_LIGHT, _DARK = (250, 247, 241), (37, 33, 28)


class Painter:
    """Draws over pictures or frames of one size; lines and letters scale with it.

    Args:
        resolution_wh: width and height of the pictures, in pixels.
        tail: over how many frames the way of a track is drawn behind it.
    """

    def __init__(self, resolution_wh: tuple[int, int], tail: int = 2) -> None:
        import supervision as sv

        size_px = max(resolution_wh)
        palette = sv.ColorPalette.from_hex(list(COLOURS))
        font_px = min(max(11, round(size_px / 42)), 64)
        line_px = max(1, round(size_px / 320))
        self._boxes = sv.BoxAnnotator(color=palette, thickness=line_px)
        self._numbers = sv.LabelAnnotator(  # letters of one font, drawn in a fifth of the time: a video has many frames
            color=palette,
            text_scale=_scale(size_px),
            text_padding=max(2, font_px // 5),
        )
        self._tails = sv.TraceAnnotator(color=palette, trace_length=tail, thickness=line_px)
        self._labels = sv.RichLabelAnnotator(
            color=palette,
            font_size=font_px,
            text_padding=max(2, font_px // 5),
            smart_position=True,
        )

    def __call__(self, rgb: RGB, found: sv.Detections) -> RGB:
        """A copy of the picture (H, W, 3) with the boxes and their labels."""
        painted = self._boxes.annotate(_swapped(rgb), found)
        if 0 < len(found) < _CROWDS:
            painted = self._labels.annotate(painted, found, labels(found))
        return _swapped(painted)

    def followed(self, rgb: RGB, found: sv.Detections) -> RGB:
        """A copy of the next frame (H, W, 3) with the boxes, the numbers of their tracks, and where these came from."""
        painted = self._boxes.annotate(self._tails.annotate(_swapped(rgb), found), found)
        if 0 < len(found) < _CROWDS:
            painted = self._numbers.annotate(painted, found, numbered(found))
        return _swapped(painted)


class ShapePainter:
    """Draws lines and zones over frames, each with its number and what it has counted.

    Args:
        resolution_wh: width and height of the frames, in pixels.
    """

    def __init__(self, resolution_wh: tuple[int, int], shapes: Shapes) -> None:
        self._shapes = shapes
        self._line_px = max(1, round(max(resolution_wh) / 320))
        self._font_scale = _scale(max(resolution_wh))

    def __call__(self, rgb: RGB, lines: list[str], zones: list[str]) -> RGB:
        """The frame (H, W, 3) itself, drawn over.

        Args:
            lines, zones: what is said beside each.
        """
        for number, (zone, text) in enumerate(zip(self._shapes.zones, zones, strict=True), 1):
            corners = np.array(zone, np.float32)
            self._stroke(rgb, corners, closed=True)
            self._say(rgb, f"zone {number}: {text}", corners[corners[:, 1].argmin()])
        for number, (line, text) in enumerate(zip(self._shapes.lines, lines, strict=True), 1):
            ends = np.array(line, np.float32)
            self._stroke(rgb, ends, closed=False)
            self._stroke(rgb, arrow(ends, 12 * self._line_px), closed=False)
            self._say(rgb, f"line {number}: {text}", 0.85 * ends[0] + 0.15 * ends[1])
        return rgb

    def _stroke(self, rgb: RGB, points: npt.NDArray[np.float32], *, closed: bool) -> None:
        """Dark within light: seen on any ground."""
        import cv2

        path = [np.round(points).astype(np.int32)]
        for colour, width in ((_LIGHT, 3 * self._line_px), (_DARK, self._line_px)):
            cv2.polylines(rgb, path, closed, colour, width, cv2.LINE_AA)

    def _say(self, rgb: RGB, text: str, at: npt.NDArray[np.float32]) -> None:
        """A plate with a text, its middle at a place, inside the frame."""
        import cv2

        font, pad = cv2.FONT_HERSHEY_SIMPLEX, 4
        (width, height), below = cv2.getTextSize(text, font, self._font_scale, 1)
        left = round(min(max(pad, at[0] - width / 2), max(pad, rgb.shape[1] - width - pad)))
        base = round(min(max(height + pad, at[1] + height / 2), max(height + pad, rgb.shape[0] - below - pad)))
        cv2.rectangle(rgb, (left - pad, base - height - pad), (left + width + pad, base + below), _DARK, -1)
        cv2.putText(rgb, text, (left, base), font, self._font_scale, _LIGHT, 1, cv2.LINE_AA)


def labels(found: sv.Detections) -> list[str]:
    """A label for each box: class and score, the class alone where there are many."""
    assert found.confidence is not None
    names = class_names(found)
    if len(found) >= _CROWD:
        return names
    return [f"{name} {score:.2f}" for name, score in zip(names, found.confidence.tolist(), strict=True)]


def numbered(found: sv.Detections) -> list[str]:
    """A label for each box of a track: its number and class, the number alone where there are many."""
    assert found.tracker_id is not None
    numbers = found.tracker_id.tolist()
    if len(found) >= _CROWD:
        return [f"#{number}" for number in numbers]
    return [f"#{number} {name}" for number, name in zip(numbers, class_names(found), strict=True)]


def _scale(size_px: int) -> float:
    """How much OpenCV's font is scaled for a picture whose longer side is that long."""
    return max(0.4, size_px / 1_200)


def _swapped(picture: RGB) -> RGB:
    """A copy with red and blue exchanged: supervision has its colours the other way round."""
    import cv2

    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), np.uint8)
