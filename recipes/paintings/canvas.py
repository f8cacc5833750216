"""What the paintings share: noise, colours, the shapes of landscapes, brush strokes with bristles, paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

#: Height and width that is drawn at, in pixels; what ships is half of it.
SIDE = 1024

#: float32, or float64 in between.
Floats = npt.NDArray[Any]
Colour = tuple[float, float, float]
Generator = np.random.Generator


def hexes(*codes: str) -> Floats:
    """Colours (N, 3) in 0..1 from "rrggbb"."""
    return np.array([[int(code[n : n + 2], 16) / 255 for n in (0, 2, 4)] for code in codes], np.float32)


def grid() -> tuple[Floats, Floats]:
    """X and y of each pixel, (SIDE, SIDE), in 0..1."""
    axis = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE
    x, y = np.meshgrid(axis, axis)
    return x, y


def noise(rng: Generator, cells: int, octaves: int = 4, fall: float = 0.5) -> Floats:
    """Smooth noise (SIDE, SIDE), mean about 0, within about -1..1.

    Args:
        cells: of the coarsest octave, along each side.
        fall: amplitude of an octave, as a share of the one before.
    """
    total, weight = np.zeros((SIDE, SIDE), np.float32), 1.0
    for octave in range(octaves):
        side = min(SIDE, cells * 2**octave + 2)
        rough = rng.uniform(-1, 1, (side, side)).astype(np.float32)
        total += weight * cv2.resize(rough, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        weight *= fall
    return total


def ramp(values: Floats, stops: Sequence[float], colours: Floats) -> Floats:
    """Colours (..., 3) of values, between the colours (N, 3) of the stops."""
    return np.stack([np.interp(values, stops, colours[:, c]) for c in range(3)], -1).astype(np.float32)


def mixed(below: Floats, above: Floats | npt.NDArray[np.float32], share: Floats) -> Floats:
    """Two pictures (H, W, 3), or a picture and a colour (3), mixed; `share` (H, W) in 0..1 is that of the upper one."""
    return below + (above - below) * share[..., None]


def soft(values: Floats, width: float) -> Floats:
    """0 where values are negative, 1 where positive, with a soft edge of that width between."""
    return np.clip(values / width + 0.5, 0, 1)


def ridge(rng: Generator, height: float, rough: float, cells: int = 5) -> Floats:
    """The skyline of hills: y (SIDE) of each column, in 0..1."""
    line, weight = np.full(SIDE, height, np.float32), rough
    for octave in range(5):
        knots = rng.uniform(-1, 1, cells * 2**octave + 2)
        line += weight * np.interp(np.linspace(0, len(knots) - 1, SIDE), np.arange(len(knots)), knots)
        weight *= 0.45
    return np.asarray(cv2.GaussianBlur(line[None], (0, 0), 6)[0])


def blurred(values: Floats, sigma_px: float) -> Floats:
    """Blurred by a Gaussian."""
    return cv2.GaussianBlur(values, (0, 0), sigma_px)


def lit(height: Floats, strength: float) -> Floats:
    """Light from the upper left on a relief (H, W): a factor around 1."""
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3) + cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3)
    return np.asarray(np.clip(1 + strength * slope, 0.55, 1.5))


class Painter:
    """Brush strokes of several bristles on a canvas that remembers how thick the paint is.

    Attributes:
        rgb: the picture (SIDE, SIDE, 3) in 0..1.
        relief: thickness of the paint (SIDE, SIDE), about 0..1.
    """

    def __init__(self, ground: Floats, rng: Generator) -> None:
        self.rgb = np.ascontiguousarray(ground, np.float32)
        self.relief = np.zeros(self.rgb.shape[:2], np.float32)
        self._rng = rng

    def follow(self, scene: Floats, angle: Floats, *, count: int, length_px: float, width_px: float, jitter: float,
               bend: float = 0.0, where: Callable[[int, int], bool] | None = None) -> None:  # fmt: skip
        """Strokes of the scene's colours along an angle field (H, W) in radians.

        Args:
            jitter: how far the colours stray from the scene's.
            bend: how far a stroke turns along its length, in radians, to either side.
            where: whether a stroke may begin at (x, y).
        """
        for _ in range(count):
            x, y = self._rng.uniform(0, SIDE, 2)
            if where is not None and not where(int(x), int(y)):
                continue
            colour = scene[int(y), int(x)] + self._rng.normal(0, jitter, 3)
            length = length_px * self._rng.uniform(0.6, 1.3)
            self.stroke(self._path(x, y, angle, length, self._rng.normal(0, bend)), colour, width_px)

    def _path(self, x: float, y: float, angle: Floats, length: float, bend: float) -> Floats:
        """Points (N, 2) of a line through the field, begun at (x, y)."""
        steps = max(4, int(length / 6))
        points = []
        for step in range(steps):
            points.append((x, y))
            column, row = (min(SIDE - 1, max(0, int(value))) for value in (x, y))
            turned = angle[row, column] + bend * step / steps
            x, y = x + np.cos(turned) * length / steps, y + np.sin(turned) * length / steps
        return np.array(points, np.float32)

    def stroke(self, points: Floats, colour: Floats, width_px: float) -> None:
        """One stroke: bristles side by side along points (N, 2), each of its own shade and thickness."""
        ahead = np.gradient(points, axis=0)
        across = np.stack([-ahead[:, 1], ahead[:, 0]], 1) / (np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-6)
        taper = np.sqrt(np.clip(np.sin(np.linspace(0.25, np.pi - 0.1, len(points))), 0, 1))[:, None]
        bristles = max(3, int(width_px / 2))
        shades = self._rng.normal(0, 0.035, bristles)
        heights = self._rng.uniform(0.2, 1, bristles)
        heights[[0, -1]] += 0.3  # paint piles up at a stroke's sides
        for place, shade, high in zip(np.linspace(-0.5, 0.5, bristles), shades, heights, strict=True):
            line = np.rint((points + across * taper * place * width_px) * 16).astype(np.int32)
            thickness = max(2, round(width_px / bristles) + 1)
            tint = tuple(float(value) for value in np.clip(colour + shade, 0, 1))
            cv2.polylines(self.rgb, [line], False, tint, thickness, cv2.LINE_8, 4)
            cv2.polylines(self.relief, [line], False, float(high), thickness, cv2.LINE_8, 4)

    def finished(self, strength: float) -> Floats:
        """The picture, with light on its paint."""
        return self.rgb * lit(blurred(self.relief, 1.2), strength)[..., None]
