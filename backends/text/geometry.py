"""Four-cornered lines: measured, cut out, and carried from one picture to another."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

RGB = npt.NDArray[np.uint8]  # (height, width, 3)

Quad = npt.NDArray[np.float32]
"""Corners (4, 2) of a line in pixels (x, y): left top, right top, right bottom, left bottom of its writing."""

Affine = npt.NDArray[np.float64]
"""A map of pixels, (2, 3): (x', y') = A (x, y, 1)."""

IDENTITY: Affine = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])

_UPRIGHT = 1.5  # a line this many times higher than wide is written from top to bottom, or lies on its side


def size_wh(quad: Quad) -> tuple[float, float]:
    """Width along the writing and height across it, in pixels."""
    width = max(float(np.linalg.norm(quad[0] - quad[1])), float(np.linalg.norm(quad[3] - quad[2])))
    height = max(float(np.linalg.norm(quad[0] - quad[3])), float(np.linalg.norm(quad[1] - quad[2])))
    return width, height


def on_its_side(quad: Quad) -> bool:
    """Whether a line is much higher than wide."""
    width, height = size_wh(quad)
    return height >= _UPRIGHT * width


def angle_deg(quad: Quad) -> float:
    """How much a line falls to the right, in degrees."""
    along = (quad[1] - quad[0]) + (quad[2] - quad[3])
    return float(np.degrees(np.arctan2(along[1], along[0])))


def bounds(quad: Quad) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def cut(rgb: RGB, quad: Quad) -> RGB:
    """A line cut out and laid flat (H, W, 3); one that lies on its side is turned to the left first."""
    width, height = (max(1, round(side)) for side in size_wh(quad))
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(np.ascontiguousarray(quad, np.float32), flat)
    crop = cv2.warpPerspective(rgb, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.rot90(crop) if on_its_side(quad) else crop, np.uint8)


def tightened(quad: Quad, share: float) -> Quad:
    """The same line with that share of its height, about its middle."""
    away = (1 - share) / 2
    down = np.stack([quad[3] - quad[0], quad[2] - quad[1]]) * away
    return np.asarray(quad + np.array([down[0], down[1], -down[1], -down[0]]), np.float32)


def carried(quad: Quad, matrix: Affine) -> Quad:
    """The same corners in the picture that the map leads to."""
    return np.asarray(quad @ matrix[:, :2].T + matrix[:, 2], np.float32)


def inverse(matrix: Affine) -> Affine:
    """The map back."""
    return np.asarray(cv2.invertAffineTransform(matrix), np.float64)


def chained(first: Affine, second: Affine) -> Affine:
    """The map that does the first, then the second."""
    whole = np.vstack([second, [0, 0, 1]]) @ np.vstack([first, [0, 0, 1]])
    return np.asarray(whole[:2], np.float64)


def rotation(degrees: float, resolution_wh: tuple[int, int]) -> tuple[Affine, tuple[int, int]]:
    """The map that turns a picture to the left by an angle, and the size that holds all of it."""
    width, height = resolution_wh
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0), np.float64)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    turned_wh = round(width * cosine + height * sine), round(width * sine + height * cosine)
    matrix[:, 2] += (turned_wh[0] - width) / 2, (turned_wh[1] - height) / 2
    return matrix, turned_wh


def warped(rgb: RGB, matrix: Affine, resolution_wh: tuple[int, int], ground: tuple[int, int, int]) -> RGB:
    """The picture where the map puts it, on a ground of one colour."""
    return np.asarray(cv2.warpAffine(rgb, matrix, resolution_wh, flags=cv2.INTER_CUBIC, borderValue=ground), np.uint8)
