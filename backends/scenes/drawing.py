"""Draws scenes: things with their patterns over a varied ground, seen askew, with uneven light and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from backends.scenes.scene import Scene, Thing
from backends.scenes.words import COLOURS, DIGITS

Rgb = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
#: The side at which the networks look at scenes.
SIDE_PX = 96
#: The side of the stencils from which things are made.
_STENCIL_PX = 64


@dataclass(frozen=True)
class Style:
    """How a scene is shown.

    Attributes:
        ground: two sRGB colours in 0..1 between which the ground varies.
        waves: how often it does so across the picture; 0 for an even slope.
        wave_deg: in which direction.
        askew: how far the picture's corners are moved, (4, 2), in shares of the side.
        light: brightness at the left and the right edge, as factors.
        noise: standard deviation, of 0..1.
        blur_px: standard deviation, for a side of 96 px.
        tints: how far each thing's colour is from its name's, sRGB (N, 3) for the N things.
    """

    ground: tuple[tuple[float, float, float], tuple[float, float, float]]
    waves: float
    wave_deg: float
    askew: npt.NDArray[np.float32]
    light: tuple[float, float]
    noise: float
    blur_px: float
    tints: npt.NDArray[np.float32]


def plain_style(things: int) -> Style:
    """An even grey ground, seen straight, without noise."""
    grey = (0.62, 0.62, 0.6)
    return Style((grey, grey), 0, 0, np.zeros((4, 2), np.float32), (1, 1), 0, 0, np.zeros((things, 3), np.float32))


def drawn_style(rng: np.random.Generator, things: int) -> Style:
    """A style by chance: grounds of little colour, so that every thing is seen on them."""
    middle = rng.uniform(0.38, 0.74)
    first, second = (
        tuple(np.clip(middle + rng.normal(0, 0.05) + rng.uniform(-0.05, 0.05, 3), 0.3, 0.82).tolist()) for _ in range(2)
    )
    return Style(
        ground=(first, second),
        waves=float(rng.choice((0, 0, rng.uniform(1, 9)))),
        wave_deg=float(rng.uniform(0, 180)),
        askew=rng.uniform(-0.045, 0.045, (4, 2)).astype(np.float32) * bool(rng.random() < 0.7),
        light=(float(rng.uniform(0.85, 1.1)), float(rng.uniform(0.85, 1.1))),
        noise=float(rng.uniform(0, 0.05)),
        blur_px=float(max(0, rng.uniform(-0.5, 0.7))),
        tints=rng.uniform(-0.05, 0.05, (things, 3)).astype(np.float32),
    )


def draw(scene: Scene, style: Style, rng: np.random.Generator, side_px: int = SIDE_PX) -> Rgb:
    """The scene as a picture (side, side, 3).

    Args:
        rng: for the noise.
    """
    canvas = _ground(style, side_px)
    for thing, tint in zip(scene.things, style.tints, strict=True):
        _paint(canvas, thing, tint)
    if style.askew.any():
        matrix = _askew(style, side_px)
        canvas = _plane(cv2.warpPerspective(canvas, matrix, (side_px, side_px), borderMode=cv2.BORDER_REPLICATE))
    left, right = style.light
    canvas = canvas * np.linspace(left, right, side_px, dtype=np.float32)[None, :, None]
    if style.blur_px:
        canvas = _plane(cv2.GaussianBlur(canvas, (0, 0), style.blur_px * side_px / SIDE_PX))
    if style.noise:
        canvas = canvas + _plane(rng.standard_normal(canvas.shape, np.float32)) * np.float32(style.noise)
    return np.asarray(np.clip(canvas * 255, 0, 255), np.uint8)


def centres(scene: Scene, style: Style) -> npt.NDArray[np.float32]:
    """Where the things' centres are in the picture, (N, 2): across and down, in shares of the side."""
    places = np.array([[(thing.across, thing.down) for thing in scene.things]], np.float32)
    return np.asarray(cv2.perspectiveTransform(places, _askew(style, 1))[0], np.float32)


def _plane(values: npt.NDArray[np.generic]) -> Plane:
    return np.asarray(values, np.float32)


def _askew(style: Style, side_px: int) -> npt.NDArray[np.float64]:
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners * side_px, (corners + style.askew) * side_px))


def _ground(style: Style, side_px: int) -> Plane:
    down, across = np.mgrid[0:side_px, 0:side_px].astype(np.float32) / side_px
    angle = math.radians(style.wave_deg)
    way = across * math.cos(angle) + down * math.sin(angle)
    share = 0.5 + 0.5 * np.sin(2 * math.pi * style.waves * way) if style.waves else way.clip(0, 1)
    first, second = (np.array(colour, np.float32) for colour in style.ground)
    return np.asarray(first + (second - first) * share[:, :, None], np.float32)


def _paint(canvas: Plane, thing: Thing, tint: npt.NDArray[np.float32]) -> None:
    """Lay a thing over the picture (H, W, 3) itself."""
    side_px = canvas.shape[0]
    scale = 2 * thing.radius * side_px / _STENCIL_PX
    matrix = np.asarray(cv2.getRotationMatrix2D((_STENCIL_PX / 2, _STENCIL_PX / 2), thing.turn_deg, scale))
    reach = math.ceil(thing.radius * side_px * 1.5) + 2  # a turned square reaches farther than its half side
    left, top = (round(place * side_px) - reach for place in (thing.across, thing.down))
    matrix[:, 2] += (thing.across * side_px - left - _STENCIL_PX / 2, thing.down * side_px - top - _STENCIL_PX / 2)
    ink = cv2.warpAffine(
        _stencil(thing.look.kind, thing.look.pattern), matrix, (2 * reach, 2 * reach), flags=cv2.INTER_AREA
    )
    rows, columns = (slice(max(0, start), min(side_px, start + 2 * reach)) for start in (top, left))
    ink = ink[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    colour = np.clip(np.array(COLOURS[thing.look.colour], np.float32) + tint, 0, 1)
    whole, second = ink[:, :, :1], ink[:, :, 1:]
    painted = colour + (_beside(colour) - colour) * second
    canvas[rows, columns] += (painted - canvas[rows, columns]) * whole


def _beside(colour: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The second colour of a pattern: the same hue, much lighter or much darker."""
    dark = float(colour @ np.array([0.3, 0.59, 0.11], np.float32)) < 0.5
    return np.asarray(colour + (1 - colour) * 0.7 if dark else colour * 0.35, np.float32)


@cache
def _stencil(kind: str, pattern: str) -> Plane:
    """Where a kind of thing is, and where in it the second colour of its pattern is: (64, 64, 2) in 0..1."""
    fine = 4 * _STENCIL_PX
    whole = PIL.Image.new("L", (fine, fine))
    pen = PIL.ImageDraw.Draw(whole)
    if kind in DIGITS:
        font = PIL.ImageFont.load_default(fine * 1.25)
        pen.text((fine / 2, fine / 2), kind, 255, font, anchor="mm", stroke_width=fine // 40)
    elif kind in ("circle", "ring"):
        pen.ellipse((0, 0, fine - 1, fine - 1), 255)
        if kind == "ring":
            pen.ellipse((fine * 0.27, fine * 0.27, fine * 0.73, fine * 0.73), 0)
    else:
        pen.polygon([((1 + x) * fine / 2, (1 + y) * fine / 2) for x, y in _outline(kind)], 255)
    down, across = np.mgrid[0:fine, 0:fine] / fine
    second = np.zeros((fine, fine))
    if pattern == "striped":
        second = (np.sin(2 * math.pi * 2.5 * (across + down)) > 0).astype(float)
    elif pattern == "dotted":
        second = (np.hypot((across * 3.4) % 1 - 0.5, (down * 3.4) % 1 - 0.5) < 0.32).astype(float)
    both = np.dstack([np.asarray(whole, np.float32) / 255, second]).astype(np.float32)
    return np.asarray(cv2.resize(both, (_STENCIL_PX, _STENCIL_PX), interpolation=cv2.INTER_AREA), np.float32)


def _outline(kind: str) -> list[tuple[float, float]]:
    """The corners of a shape, in -1..1, downwards positive."""
    if kind == "square":
        return [(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)]
    if kind == "diamond":
        return [(0, -1), (0.72, 0), (0, 1), (-0.72, 0)]
    if kind == "triangle":
        return [(0, -0.95), (1, 0.85), (-1, 0.85)]
    if kind == "cross":
        a, b = 0.33, 0.95
        return [
            (-a, -b),
            (a, -b),
            (a, -a),
            (b, -a),
            (b, a),
            (a, a),
            (a, b),
            (-a, b),
            (-a, a),
            (-b, a),
            (-b, -a),
            (-a, -a),
        ]
    if kind == "star":
        turns = [(math.pi * n / 5, 1 if n % 2 == 0 else 0.42) for n in range(10)]
        return [(r * math.sin(turn), 0.05 - r * math.cos(turn)) for turn, r in turns]
    if kind == "heart":
        turns = [(2 * math.pi * n / 60, 1.0) for n in range(60)]
        return [
            (
                math.sin(t) ** 3,
                -0.1 - (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16.5,
            )
            for t, _ in turns
        ]
    raise ValueError(kind)
