"""Draws the example pictures of the digit task: `python -m backends.digits.examples.make`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter

_FOLDER = Path(__file__).parent
_SIDE_PX = 320

#: Points (x, y) in 0..1 through which a stroke passes.
Stroke = list[tuple[float, float]]

FIVE: list[Stroke] = [
    [(0.36, 0.24), (0.33, 0.46), (0.36, 0.48), (0.46, 0.43), (0.58, 0.47), (0.64, 0.6), (0.58, 0.75), (0.43, 0.8),
     (0.31, 0.74)],
    [(0.36, 0.24), (0.48, 0.23), (0.62, 0.22)],
]  # fmt: skip
EIGHT: list[Stroke] = [
    [(0.62, 0.27), (0.5, 0.2), (0.38, 0.27), (0.4, 0.39), (0.52, 0.47), (0.63, 0.58), (0.62, 0.72), (0.5, 0.8),
     (0.37, 0.72), (0.37, 0.59), (0.5, 0.47), (0.6, 0.38), (0.63, 0.3), (0.62, 0.27)]
]  # fmt: skip
FOUR: list[Stroke] = [[(0.4, 0.2), (0.34, 0.38), (0.28, 0.56), (0.5, 0.56), (0.68, 0.55)], [(0.57, 0.35), (0.55, 0.8)]]
TWO: list[Stroke] = [
    [(0.3, 0.32), (0.4, 0.21), (0.57, 0.22), (0.63, 0.36), (0.53, 0.54), (0.3, 0.78), (0.45, 0.75), (0.68, 0.77)]
]
SCRIBBLE: list[Stroke] = [
    [(0.2, 0.6), (0.4, 0.2), (0.45, 0.75), (0.62, 0.22), (0.5, 0.66), (0.8, 0.3), (0.66, 0.8), (0.3, 0.42),
     (0.85, 0.55), (0.25, 0.75), (0.7, 0.45)]
]  # fmt: skip


def main() -> None:
    """Write the four pictures."""
    drawn(FIVE, 14).save(_FOLDER / "five.png", optimize=True)
    scribble = drawn(SCRIBBLE, 9)
    scribble.save(_FOLDER / "scribble.png", optimize=True)
    pair = PIL.Image.new("L", (_SIDE_PX, _SIDE_PX), 255)
    for number, strokes in enumerate((FOUR, TWO)):
        half = drawn(strokes, 20).resize((_SIDE_PX // 2, _SIDE_PX // 2), PIL.Image.Resampling.LANCZOS)
        pair.paste(half, (number * _SIDE_PX // 2, _SIDE_PX // 4))
    pair.save(_FOLDER / "two_digits.png", optimize=True)
    chalk(EIGHT).save(_FOLDER / "eight_in_chalk.png", optimize=True)


def drawn(strokes: list[Stroke], width_px: int) -> PIL.Image.Image:
    """Black strokes with round ends on white."""
    large = 3
    canvas = PIL.Image.new("L", (_SIDE_PX * large, _SIDE_PX * large), 255)
    draw = PIL.ImageDraw.Draw(canvas)
    radius = width_px * large / 2
    for stroke in strokes:
        for x, y in _curve(np.array(stroke) * _SIDE_PX * large):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)
    return canvas.resize((_SIDE_PX, _SIDE_PX), PIL.Image.Resampling.LANCZOS)


def chalk(strokes: list[Stroke]) -> PIL.Image.Image:
    """Light, uneven strokes on a dark board, small and in a corner."""
    rng = np.random.default_rng(8)
    small = drawn(strokes, 20).resize((150, 150), PIL.Image.Resampling.LANCZOS)
    ink = np.zeros((_SIDE_PX, _SIDE_PX))
    ink[24:174, 150:300] = 1 - np.asarray(small) / 255
    coarse = PIL.Image.fromarray(rng.random((80, 80)).astype(np.float32)).resize((_SIDE_PX, _SIDE_PX))
    board = 38 + 8 * np.asarray(coarse)
    grey = board + ink * (150 + 45 * np.asarray(coarse))
    return PIL.Image.fromarray(grey.clip(0, 255).astype(np.uint8)).filter(PIL.ImageFilter.GaussianBlur(0.6))


def _curve(knots: np.ndarray) -> np.ndarray:
    """A Catmull-Rom curve through knots (K, 2), dense enough to be dotted."""
    points = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    p0, p1, p2, p3 = points[:-3], points[1:-2], points[2:-1], points[3:]
    t = np.linspace(0, 1, 120)[:, None, None]
    curve = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    return np.asarray(curve.transpose(1, 0, 2).reshape(-1, 2))


if __name__ == "__main__":
    main()
