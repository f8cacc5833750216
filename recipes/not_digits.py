"""Pictures that are no digits: what the digit reader learns to refuse, and what its refusals are measured on.

Everything is drawn large, dark on light, and goes through the very preparation that a visitor's picture goes through.
The measured kinds are not those of the training: other fonts, other strokes, photographs that no training saw.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter
import PIL.ImageFont

from backends.digits.ink import Plane, find_ink
from recipes.data import Pictures

_CANVAS_PX = 112
#: What training teaches to refuse: no letter that could be a digit in somebody's hand.
_TRAINING_LETTERS = [c for c in string.ascii_letters if c not in "OoIlSsZzqgbBi"]
TRAINING_FONTS = ("DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf", "DejaVuSans-Oblique.ttf")
MEASURED_FONTS = ("STIXGeneral.ttf", "STIXGeneralItalic.ttf", "cmr10.ttf", "cmss10.ttf", "cmtt10.ttf", "cmmi10.ttf")

Rng = np.random.Generator


def training_set(digits: Pictures, count: int, seed: int) -> Pictures:
    """`count` prepared pictures (N, 28, 28): letters, scribbles, shapes, blobs, two digits in one picture.

    Args:
        digits: MNIST's training pictures (N, 28, 28), for the pairs.
    """
    rng = np.random.default_rng(seed)
    fonts = [font(name) for name in TRAINING_FONTS]
    kinds: list[tuple[float, Callable[[], Plane]]] = [
        (0.4, lambda: letter(rng, fonts, _TRAINING_LETTERS)),
        (0.25, lambda: scribble(rng)),
        (0.1, lambda: shape(rng)),
        (0.15, lambda: pair(rng, digits)),
        (0.1, lambda: blob(rng)),
    ]
    shares = [share for share, _ in kinds]
    chosen = rng.choice(len(kinds), count, p=shares)
    return prepared([kinds[kind][1]() for kind in chosen])


def prepared(pictures: Sequence[Plane]) -> Pictures:
    """Luminances to uint8 (N, 28, 28) as the network sees them; pictures without ink are left out."""
    found = [ink.plane for ink in map(find_ink, pictures) if ink is not None]
    return np.rint(np.stack(found) * 255).astype(np.uint8)


def font(name: str) -> PIL.ImageFont.FreeTypeFont:
    """A typeface that comes with matplotlib."""
    import matplotlib

    return PIL.ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, 72)


def letter(rng: Rng, fonts: Sequence[PIL.ImageFont.FreeTypeFont], letters: Sequence[str]) -> Plane:
    """One letter, slightly turned, of some weight."""
    canvas, draw = _canvas()
    face, character = fonts[int(rng.integers(len(fonts)))], letters[int(rng.integers(len(letters)))]
    weight_px = int(rng.integers(0, 4))
    draw.text((_CANVAS_PX / 2, _CANVAS_PX / 2), character, 0, font=face, anchor="mm", stroke_width=weight_px)
    return _finished(rng, canvas, turn_deg=12)


def scribble(rng: Rng, *, jagged: bool = False) -> Plane:
    """A few strokes this way and that: smooth ones, or with `jagged` straight ones with corners."""
    canvas, draw = _canvas()
    width_px = int(rng.integers(3, 10))
    for _ in range(int(rng.integers(1, 5))):
        knots = rng.uniform(8, _CANVAS_PX - 8, (int(rng.integers(5, 11)), 2))
        path = knots if jagged else _smooth(knots)
        draw.line([tuple(point) for point in path], fill=0, width=width_px, joint="curve")
    return _finished(rng, canvas)


def shape(rng: Rng) -> Plane:
    """A polygon, a star, a cross, stripes or a tick, in outline or filled."""
    canvas, draw = _canvas()
    width_px, middle = int(rng.integers(3, 10)), _CANVAS_PX / 2
    kind, radius = rng.integers(4), rng.uniform(25, 45)
    if kind == 0:
        corners = int(rng.integers(3, 7))
        fill = 0 if rng.random() < 0.4 else None
        draw.regular_polygon((middle, middle, radius), corners, int(rng.integers(360)), fill, 0, width_px)
    elif kind == 1:
        angles = np.linspace(0, 2 * np.pi, 11)[:-1]
        radii = np.where(np.arange(10) % 2, radius * rng.uniform(0.35, 0.6), radius)
        star = [(middle + r * np.sin(a), middle - r * np.cos(a)) for a, r in zip(angles, radii, strict=True)]
        draw.polygon(star, fill=0 if rng.random() < 0.5 else None, outline=0, width=width_px)
    elif kind == 2:
        for angle in rng.permutation([0, 45, 90, 135])[: rng.integers(2, 5)]:
            across = radius * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
            draw.line([tuple(middle - across), tuple(middle + across)], 0, width_px)
    else:
        for x in np.linspace(middle - radius, middle + radius, int(rng.integers(2, 6))):
            draw.line([(x, middle - radius), (x + rng.uniform(-9, 9), middle + radius)], 0, width_px)
    return _finished(rng, canvas, turn_deg=180)


def blob(rng: Rng) -> Plane:
    """Clouds: smoothed noise, whole or cut at a level, as photographs and stains look here."""
    side = int(rng.integers(3, 12))
    noise = PIL.Image.fromarray(rng.random((side, side)).astype(np.float32))
    clouds = np.asarray(noise.resize((_CANVAS_PX, _CANVAS_PX), PIL.Image.Resampling.BICUBIC), dtype=np.float32)
    if rng.random() < 0.5:
        clouds = (clouds > np.quantile(clouds, rng.uniform(0.3, 0.8))).astype(np.float32)
    return clouds.clip(0, 1)


def pair(rng: Rng, digits: Pictures) -> Plane:
    """Two digits side by side: the reader knows one at a time."""
    first, second = digits[rng.integers(len(digits), size=2)]
    apart = int(rng.integers(-6, 3))
    wide = np.zeros((28, 56 + max(apart, 0)), np.uint8)
    wide[:, :28] = first
    left = 28 + apart
    wide[:, left : left + 28] = np.maximum(wide[:, left : left + 28], second)
    return (1 - np.pad(wide, 6) / 255).astype(np.float32)


def _canvas() -> tuple[PIL.Image.Image, PIL.ImageDraw.ImageDraw]:
    canvas = PIL.Image.new("L", (_CANVAS_PX, _CANVAS_PX), 255)
    return canvas, PIL.ImageDraw.Draw(canvas)


def _finished(rng: Rng, canvas: PIL.Image.Image, turn_deg: float = 0) -> Plane:
    if turn_deg:
        canvas = canvas.rotate(rng.uniform(-turn_deg, turn_deg), PIL.Image.Resampling.BILINEAR, fillcolor=255)
    canvas = canvas.filter(PIL.ImageFilter.GaussianBlur(1))
    return np.asarray(np.asarray(canvas) / 255, dtype=np.float32)


def _smooth(knots: npt.NDArray[np.float64], per_knot: int = 12) -> npt.NDArray[np.float64]:
    """A Catmull-Rom curve through knots (K, 2)."""
    p0, p1, p2, p3 = knots[:-3], knots[1:-2], knots[2:-1], knots[3:]
    t = np.linspace(0, 1, per_knot)[:, None, None]
    curve = 0.5 * (
        2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )  # (T, K-3, 2)
    return curve.transpose(1, 0, 2).reshape(-1, 2)
