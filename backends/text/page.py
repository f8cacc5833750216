"""One page: brought into a state in which its text can be read, read, and put in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from backends.text.engine import Engine, Readings
from backends.text.geometry import (
    IDENTITY,
    RGB,
    Affine,
    Quad,
    angle_deg,
    carried,
    chained,
    cut,
    inverse,
    on_its_side,
    rotation,
    size_wh,
    tightened,
    warped,
)
from backends.text.reach import reached

_LEAST_SIDE_PX, _LONGEST_SIDE_PX = 1_100, 2_400  # of the picture in which lines are looked for
_MOST_ENLARGED = 3.0
_STEP_PX = 32  # the detector halves its picture five times
_TINY_PX, _ENLARGED, _WORTH_IT = 18.0, 2.0, 1.2  # lower lines are looked for again, enlarged, where there is room
_FLAT = 80  # grey levels between the darkest and the lightest parts of a picture that has little contrast
_TIGHT = 0.85  # of a line's height is read: the detector leaves more around it than the recogniser likes
_AS_SURE = 0.9  # a longer line is taken if its score is at least that share of the shorter one's
_LEVEL_DEG, _MOST_SKEW_DEG = 0.7, 20.0
_WIDE = 4.0  # lines so many times wider than high tell the angle of a page
_WITNESSES = 8  # lines that are asked which way up a page is


Progress = Callable[[float, str], None]
"""Told the share that is done, and what is being done; may raise to give up."""


@dataclass(frozen=True)
class Page:
    """What was read on a page, in no order yet.

    Attributes:
        found: lines, by their corners in the page as it was given and in the page turned upright, with what they say.
        turned_deg: by how much the page was turned to the left to be read.
        notes: what was done to it.
    """

    found: list[tuple[Quad, Quad, Readings]]
    turned_deg: float = 0.0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _View:
    """A page as it is looked at, and the map from the page as it was given."""

    rgb: RGB
    matrix: Affine
    turned_deg: float = 0.0


def read_page(engine: Engine, rgb: RGB, *, straighten: bool, progress: Progress = lambda fraction, note: None) -> Page:
    """Find and read all lines of a page (H, W, 3).

    Args:
        straighten: whether a page that lies on its side, stands on its head or is askew is turned first.
    """
    progress(0.0, "looking for text")
    notes: list[str] = []
    view = _View(_stretched(rgb, notes), IDENTITY)
    quads = _find(engine, view.rgb)
    if straighten and quads:
        progress(0.3, "turning it upright")
        turned = _upright(engine, view, quads)
        if turned is not view:
            view, quads = turned, _find(engine, turned.rgb)
            notes.append(f"It was turned by {abs(view.turned_deg):.3g}° to the {_side(view.turned_deg)}.")
    note = f"reading {len(quads)} line{'s' * (len(quads) != 1)}"
    quads, readings = _read(engine, view.rgb, quads, lambda fraction: progress(0.5 + 0.5 * fraction, note))
    back = inverse(view.matrix)
    return Page([(carried(q, back), q, r) for q, r in zip(quads, readings, strict=True)], view.turned_deg, notes)


def _read(
    engine: Engine, rgb: RGB, quads: Sequence[Quad], progress: Callable[[float], None]
) -> tuple[list[Quad], list[Readings]]:
    """Lines and what they say.

    A line beside which a sign was left out is read with it too, one that stands upright is read the other way up too;
    the surer reading counts.
    """
    lines = list(quads)
    readings = engine.read([cut(rgb, tightened(quad, _TIGHT)) for quad in lines], progress)
    longer = reached(rgb, lines)
    lengthened = [number for number, quad in enumerate(longer) if quad is not lines[number]]
    again = engine.read([cut(rgb, tightened(longer[number], _TIGHT)) for number in lengthened])
    for number, reading in zip(lengthened, again, strict=True):
        if reading.free.score >= _AS_SURE * readings[number].free.score:
            lines[number], readings[number] = longer[number], reading
    standing = [number for number, quad in enumerate(lines) if on_its_side(quad)]
    turned = [np.rot90(cut(rgb, tightened(lines[number], _TIGHT)), 2) for number in standing]
    for number, reading in zip(standing, engine.read([np.ascontiguousarray(crop) for crop in turned]), strict=True):
        readings[number] = max(readings[number], reading, key=lambda one: one.free.score)
    return lines, readings


def _side(degrees: float) -> str:
    return "left" if degrees > 0 else "right"


def _stretched(rgb: RGB, notes: list[str]) -> RGB:
    """The picture over the whole range of grey levels, where it uses little of it."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    low, high = (float(level) for level in np.percentile(grey, (0.1, 99.9)))
    if not 4 <= high - low <= _FLAT:
        return rgb
    notes.append("It has little contrast, which was raised.")
    return np.asarray(((rgb.astype(np.float32) - low) * (255 / (high - low))).clip(0, 255), np.uint8)


def _find(engine: Engine, rgb: RGB) -> list[Quad]:
    """The lines in a picture; tiny ones, or where there seem to be none, are looked for in an enlarged picture."""
    largest = _LONGEST_SIDE_PX / max(rgb.shape[:2])
    factor = min(largest, _MOST_ENLARGED, max(1.0, _LEAST_SIDE_PX / min(rgb.shape[:2])))
    quads = _found_at(engine, rgb, factor)
    tiny = not quads or float(np.median([size_wh(quad)[1] for quad in quads])) * factor < _TINY_PX
    closer = min(largest, _ENLARGED * factor)
    if tiny and closer > _WORTH_IT * factor:
        found = _found_at(engine, rgb, closer)
        return found if len(found) > len(quads) else quads
    return quads


def _found_at(engine: Engine, rgb: RGB, factor: float) -> list[Quad]:
    """Lines found in the picture scaled by about that factor, in pixels of the picture."""
    height, width = rgb.shape[:2]
    scaled_wh = tuple(max(_STEP_PX, round(side * factor / _STEP_PX) * _STEP_PX) for side in (width, height))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(rgb, scaled_wh, interpolation=how), np.uint8)
    back = np.array([width / scaled_wh[0], height / scaled_wh[1]], np.float32)
    return [quad * back for quad in engine.find(scaled)]


def _upright(engine: Engine, view: _View, quads: Sequence[Quad]) -> _View:
    """The page turned so that its writing runs from left to right; the same view where it does."""
    witnesses = sorted(quads, key=lambda quad: -max(size_wh(quad)))[: 3 * _WITNESSES]
    lying = sum(on_its_side(quad) for quad in witnesses) > len(witnesses) / 2
    turned = view
    if lying:
        turned = _turned(view, -90.0)
        quads = _find(engine, turned.rgb)
    if quads and _on_its_head(engine, turned.rgb, quads, doubt=lying):
        half_turn, size = rotation(180.0, (turned.rgb.shape[1], turned.rgb.shape[0]))
        quads = [np.roll(carried(quad, half_turn), 2, axis=0) for quad in quads]
        turned = _View(
            warped(turned.rgb, half_turn, size, _ground(turned.rgb)),
            chained(turned.matrix, half_turn),
            turned.turned_deg + 180,
        )
    skew = _skew_deg(quads)
    if _LEVEL_DEG <= abs(skew) <= _MOST_SKEW_DEG:
        turned = _turned(turned, skew)
    return turned


def _turned(view: _View, degrees: float) -> _View:
    matrix, size = rotation(degrees, (view.rgb.shape[1], view.rgb.shape[0]))
    turned_deg = (view.turned_deg + degrees + 180) % 360 - 180
    return _View(warped(view.rgb, matrix, size, _ground(view.rgb)), chained(view.matrix, matrix), turned_deg)


def _ground(rgb: RGB) -> tuple[int, int, int]:
    """The colour of a page's edge."""
    edge = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    red, green, blue = (int(level) for level in np.median(edge, axis=0))
    return red, green, blue


def _skew_deg(quads: Sequence[Quad]) -> float:
    """The angle of wide lines, the longer ones counting more; 0 where there are none."""
    wide = [quad for quad in quads if size_wh(quad)[0] > _WIDE * size_wh(quad)[1]]
    if not wide:
        return 0.0
    angles = np.array([angle_deg(quad) for quad in wide])
    order = np.argsort(angles)
    weight = np.cumsum(np.array([size_wh(quad)[0] for quad in wide])[order])
    return float(angles[order][int(np.searchsorted(weight, weight[-1] / 2))])


def _on_its_head(engine: Engine, rgb: RGB, quads: Sequence[Quad], *, doubt: bool) -> bool:
    """Whether the page has to be turned by half: its longest lines are asked, then read both ways where it matters."""
    longest = sorted(quads, key=lambda quad: -size_wh(quad)[0])[:_WITNESSES]
    crops = [cut(rgb, quad) for quad in longest]
    if not doubt and float(np.mean(engine.turned(crops))) < 0.5:
        return False
    both = engine.read([*crops, *(np.ascontiguousarray(np.rot90(crop, 2)) for crop in crops)])
    scores = [reading.free.score * bool(reading.free.text) for reading in both]
    return sum(scores[len(crops) :]) > sum(scores[: len(crops)])
