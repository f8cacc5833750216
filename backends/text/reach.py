"""Punctuation that the detector left out: a colon after a gap, a bracket, an asterisk behind a price."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from backends.text.geometry import RGB, Quad, angle_deg, bounds, on_its_side, size_wh

_REACH_EM, _MARGIN_EM = 4.0, 0.25  # how far beside a line is looked, and what is left beside what is found
_WIDEST_EM, _HIGHEST = 2.0, 0.85  # a sign is no wider, and no column of it fills the line's height more
_APART_EM, _SPECK_EM2 = 0.5, 0.004  # parts of a sign stand no farther apart; what has less ink is a speck
_INK = 0.4  # share of a line's contrast from which a pixel is ink
_BAND = (0.15, 0.9)  # of a line's height: its neighbours above and below stay out of sight
_LEVEL_DEG = 6.0

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def reached(rgb: RGB, quads: Sequence[Quad]) -> list[Quad]:
    """Lines lengthened over signs that stand close beside them and belong to no other line; the others as they are."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    taken = np.zeros(grey.shape, np.uint8)
    for quad in quads:
        cv2.fillPoly(taken, [quad.astype(np.int32)], 1)
    return [_lengthened(grey, taken.astype(bool), quad) for quad in quads]


def _lengthened(grey: Plane, taken: Mask, quad: Quad) -> Quad:
    width, height = size_wh(quad)
    if on_its_side(quad) or abs(angle_deg(quad)) > _LEVEL_DEG or width == 0:
        return quad
    left, top, right, bottom = (int(side) for side in bounds(quad))
    rows = slice(max(0, int(top + _BAND[0] * height)), int(top + _BAND[1] * (bottom - top)) + 1)
    line = grey[rows, max(0, left) : right + 1]
    if line.size == 0:
        return quad
    paper = float(np.median(line))
    contrast = max(float(level) for level in np.abs(np.percentile(line, (2, 98)) - paper))
    ink = (np.abs(grey[rows] - paper) > _INK * contrast) & ~taken[rows]
    reach = max(1, round(_REACH_EM * height))
    after = _sign(ink[:, right + 1 : right + 1 + reach], taken[rows, right + 1 : right + 1 + reach], height)
    before_columns = slice(max(0, left - reach), max(0, left))
    before = _sign(ink[:, before_columns][:, ::-1], taken[rows, before_columns][:, ::-1], height)
    if not (before or after):
        return quad
    along = (quad[1] - quad[0]) / width
    longer = quad.copy()
    longer[1:3] += along * after
    longer[[0, 3]] -= along * before
    return longer


def _sign(ink: Mask, taken: Mask, height: float) -> float:
    """How far, in pixels, a line has to reach to hold the sign beside it; 0 where there is none.

    Args:
        ink: (rows, columns), from the line's end outwards.
        taken: the same columns where other lines are.
    """
    free = int(np.argmax(taken.any(axis=0))) if taken.any() else taken.shape[1]
    heights = ink[:, :free].sum(axis=0)
    columns = np.flatnonzero(heights)
    for cluster in np.split(columns, np.flatnonzero(np.diff(columns) > _APART_EM * height) + 1):
        if heights[cluster].sum() < max(3.0, _SPECK_EM2 * height**2):
            continue
        first, last = int(cluster[0]), int(cluster[-1])
        too_wide = last - first >= _WIDEST_EM * height or last == ink.shape[1] - 1
        too_high = int(heights[cluster].max()) >= _HIGHEST * ink.shape[0]
        return 0.0 if too_wide or too_high else last + 1 + _MARGIN_EM * height
    return 0.0
