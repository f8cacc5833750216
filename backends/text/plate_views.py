"""Several views of one plate: what one hides, another may show."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backends.text.engine import Engine
from backends.text.geometry import RGB, Quad, cut, size_wh, tightened

_SEARCH_PX = 192  # height of the plate in which its number is looked for
_STEP_PX = 32
_FINE = 3  # the plate is enlarged so much before its number is cut out
_AROUND_WH = (1.06, 1.25)  # the number is shown with that much around it
_TIGHT = 0.88  # of its height is read
_WIDER = 1.3
_CENTRE_XYXY = (0.05, 0.07, 0.95, 0.93)  # without the frame
_BAND_XYXY = (0.04, 0.20, 0.96, 0.85)  # without what stands above and below the number
_NARROW_BAND_XYXY = (0.04, 0.28, 0.96, 0.78)


@dataclass(frozen=True)
class PlateViews:
    """A plate as it is shown and as it is read.

    Attributes:
        straightened: the number, cut out and laid flat; the plate's middle where no line was found.
        enhanced: the same with full contrast.
        read: all views that are read, (H, W, 3) each.
    """

    straightened: RGB
    enhanced: RGB
    read: list[RGB]


def plate_views(engine: Engine, plate: RGB) -> PlateViews:
    """The views of a plate that was cut out with some margin (H, W, 3)."""
    band = _part(plate, _BAND_XYXY)
    wider = cv2.resize(_part(plate, _CENTRE_XYXY), None, fx=_FINE * _WIDER, fy=_FINE, interpolation=cv2.INTER_CUBIC)
    views = [band, _part(plate, _NARROW_BAND_XYXY), np.asarray(wider, np.uint8)]
    fine, number = _enlarged(plate), _number(engine, plate)
    if number is None:
        straightened = _enlarged(band)
    else:
        straightened = cut(fine, _grown(number, *_AROUND_WH) * _FINE)
        views += [cut(fine, number * _FINE), cut(fine, tightened(number, _TIGHT) * _FINE)]
    return PlateViews(straightened, stretched(straightened), views)


def stretched(rgb: RGB) -> RGB:
    """The picture over the whole range of levels."""
    low, high = (float(level) for level in np.percentile(rgb, (2, 98)))
    return np.asarray(((rgb.astype(np.float32) - low) * (255 / max(high - low, 1.0))).clip(0, 255), np.uint8)


def _number(engine: Engine, plate: RGB) -> Quad | None:
    """The largest line of text on a plate, in its pixels."""
    height, width = plate.shape[:2]
    wide = max(2 * _STEP_PX, round(width * _SEARCH_PX / height / _STEP_PX) * _STEP_PX)
    searched = np.asarray(cv2.resize(stretched(plate), (wide, _SEARCH_PX), interpolation=cv2.INTER_CUBIC), np.uint8)
    scale = np.array([width / wide, height / _SEARCH_PX], np.float32)
    quads = [quad * scale for quad in engine.find(searched)]
    return max(quads, key=lambda quad: float(np.prod(size_wh(quad))), default=None)


def _enlarged(rgb: RGB) -> RGB:
    return np.asarray(cv2.resize(rgb, None, fx=_FINE, fy=_FINE, interpolation=cv2.INTER_CUBIC), np.uint8)


def _part(rgb: RGB, xyxy: tuple[float, float, float, float]) -> RGB:
    height, width = rgb.shape[:2]
    left, top, right, bottom = xyxy
    part = rgb[int(height * top) : int(np.ceil(height * bottom)), int(width * left) : int(np.ceil(width * right))]
    return part if part.size else rgb


def _grown(quad: Quad, wider: float, higher: float) -> Quad:
    """The same line with more around it, its slant kept."""
    middle = quad.mean(axis=0)
    along = (quad[1] - quad[0] + quad[2] - quad[3]) / 4 * wider
    across = (quad[3] - quad[0] + quad[2] - quad[1]) / 4 * higher
    corners = [middle + x * along + y * across for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return np.asarray(corners, np.float32)
