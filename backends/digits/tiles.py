"""Small planes side by side in one grey picture: filters, and what they answer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_GROUND = 255


def tiled(
    planes: npt.NDArray[np.float32], columns: int, enlarge: int, *, signed: bool = False, gap_px: int = 4
) -> npt.NDArray[np.uint8]:
    """Planes (N, H, W) in rows of `columns`, `gap_px` apart, each value `enlarge` px wide; uint8 (height, width).

    Without `signed` 0 is black and the largest value of all planes white; with it 0 is the middle grey, and each plane
    has a scale of its own.
    """
    if signed:
        largest = np.maximum(np.abs(planes).max(axis=(1, 2), keepdims=True), 1e-9)
        levels = 127.5 + 127.5 * planes / largest
    else:
        levels = 255 * planes.clip(0) / max(float(planes.max()), 1e-9)
    count, height, width = planes.shape
    cell_h, cell_w = height * enlarge + gap_px, width * enlarge + gap_px
    rows = -(-count // columns)
    picture = np.full((rows * cell_h + gap_px, columns * cell_w + gap_px), _GROUND, np.uint8)
    for number, plane in enumerate(np.rint(levels).astype(np.uint8)):
        top, left = (number // columns) * cell_h + gap_px, (number % columns) * cell_w + gap_px
        picture[top : top + cell_h - gap_px, left : left + cell_w - gap_px] = plane.repeat(enlarge, 0).repeat(
            enlarge, 1
        )
    return picture
