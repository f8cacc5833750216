"""From any picture to the 28 x 28 that the network knows: ink found, cropped, scaled and centred as MNIST was.

MNIST's digits were fitted into a box of 20 x 20 px, their proportions kept, and laid into 28 x 28 px with their centre
of mass in the middle (http://yann.lecun.com/exdb/mnist, LeCun et al. 1998).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageFilter

SIDE_PX = 28
BOX_PX = 20

_LONGEST_PX = 512  # larger pictures are reduced first: strokes are wide enough there
_FAINTEST = 0.08  # a contrast with the paper, in 0..1, below which there is no ink at all
_RINGING = 0.04  # share of the strongest ink that JPEG leaves around strokes
_THIN_PX, _USUAL_PX = 1.0, 2.0  # widths of a stroke in the box of 20 px; half of MNIST's are above 2.4, 1 % below 1.3

Plane = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Ink:
    """A picture's ink, as the network sees it.

    Attributes:
        plane: float32 (28, 28), 0 for paper and 1 for ink.
        light_on_dark: whether the ink is lighter than the paper.
        touches_edge: whether ink reaches the picture's edge.
    """

    plane: Plane
    light_on_dark: bool
    touches_edge: bool


def find_ink(grey: Plane) -> Ink | None:
    """The ink of a picture, or None where there is none.

    Args:
        grey: luminance (H, W) in 0..1.
    """
    grey = _reduced(grey)
    ring = _ring(grey)
    paper = float(np.median(ring))
    darker, lighter = (float(np.quantile(sign * (grey - paper), 0.999)) for sign in (-1, 1))
    strongest = max(darker, lighter)
    if strongest < _FAINTEST:
        return None
    light_on_dark = lighter > darker
    ink = (grey - paper if light_on_dark else paper - grey) / strongest
    grain = 4 * float(np.quantile(np.abs(ring - paper), 0.75)) / strongest  # 4.6 deviations where it is normal
    floor = float(np.clip(grain, _RINGING, 0.4))
    ink = np.where(ink < floor, 0, ink).clip(0, 1).astype(np.float32)
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > 0) for axis in (1, 0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Ink(
        plane=normalise(box),
        light_on_dark=light_on_dark,
        touches_edge=bool(_ring(ink, width_px=1).max() > 0.5),
    )


def normalise(box: Plane) -> Plane:
    """Fit ink (H, W), cropped to its bounding box, into 20 x 20 px and centre it in (28, 28) by its centre of mass."""
    scale = BOX_PX / max(box.shape)
    stroke_px = _stroke_px(box) * scale
    if 0 < stroke_px < _THIN_PX:  # drawn with a fine pen: it would fade when scaled down
        box = _thickened(box, (_USUAL_PX - stroke_px) / scale)
        scale = BOX_PX / max(box.shape)
    height, width = (max(1, round(side * scale)) for side in box.shape)
    if (height, width) != box.shape:
        picture = PIL.Image.fromarray(box)
        box = np.asarray(picture.resize((width, height), PIL.Image.Resampling.BILINEAR), dtype=np.float32)
        box = box / max(float(box.max()), 1e-6)
    return _centred(box)


def _centred(box: Plane) -> Plane:
    """Lay ink (H, W) of at most 20 x 20 px so that its centre of mass is in the middle of (28, 28).

    "The middle" is pixel number 14, counted from 0: there it is in all of MNIST's pictures.
    """
    total = max(float(box.sum()), 1e-6)
    y = float((box.sum(axis=1) * (np.arange(box.shape[0]) + 0.5)).sum()) / total
    x = float((box.sum(axis=0) * (np.arange(box.shape[1]) + 0.5)).sum()) / total
    plane = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    top = int(np.clip(np.ceil(SIDE_PX / 2 - y), 0, SIDE_PX - box.shape[0]))
    left = int(np.clip(np.ceil(SIDE_PX / 2 - x), 0, SIDE_PX - box.shape[1]))
    plane[top : top + box.shape[0], left : left + box.shape[1]] = box
    return plane


def _stroke_px(box: Plane) -> float:
    """Mean width of the strokes: twice their area over the length of their outline."""
    solid = np.pad(box > 0.5, 1)
    outline = sum(int((np.diff(solid.astype(np.int8), axis=axis) != 0).sum()) for axis in (0, 1))
    return 2 * float(solid.sum()) / outline * 1.2 if outline else 0.0  # steps make a slanted outline longer


def _thickened(box: Plane, by_px: float) -> Plane:
    """Strokes widened by about `by_px`."""
    radius = max(1, round(by_px / 2))
    grown = PIL.Image.fromarray(np.pad(np.rint(box * 255).astype(np.uint8), radius))
    for _ in range(radius):
        grown = grown.filter(PIL.ImageFilter.MaxFilter(3))
    return np.asarray(np.asarray(grown) / 255, dtype=np.float32)


def _reduced(grey: Plane) -> Plane:
    longest = max(grey.shape)
    if longest <= _LONGEST_PX:
        return grey
    size_wh = tuple(max(1, round(side * _LONGEST_PX / longest)) for side in reversed(grey.shape))
    reduced = PIL.Image.fromarray(grey).resize((size_wh[0], size_wh[1]), PIL.Image.Resampling.BOX)
    return np.asarray(reduced, dtype=np.float32)


def _ring(plane: Plane, width_px: int | None = None) -> Plane:
    """The pixels along the edge, in one row."""
    width = width_px or max(1, min(plane.shape) // 20)
    inside = np.zeros(plane.shape, bool)
    inside[width:-width, width:-width] = True
    return plane[~inside]
