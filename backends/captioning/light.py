"""How bright, how rich in contrast and how sharp a picture is, and where its detail lies."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import PIL.Image

from backends.captioning.colours import RGB, lab

_SIDE_PX = 512


@dataclass(frozen=True)
class Light:
    """Measures of a picture that is scaled to at most 512 px.

    Attributes:
        lightness: mean L* of CIELAB, 0 (black) to 100 (white).
        contrast: standard deviation of L*.
        sharpness: standard deviation of the Laplacian of the grey levels over the standard deviation of the levels
            themselves; a picture out of focus has little (Pech-Pacheco et al. 2000). None where nothing varies.
        detail_xy: centre of gravity of the edges, as shares of width and height; None without edges.
    """

    lightness: float
    contrast: float
    sharpness: float | None
    detail_xy: tuple[float, float] | None


def light(rgb: RGB) -> Light:
    """The measures of a picture, uint8 (H, W, 3)."""
    small = PIL.Image.fromarray(rgb)
    small.thumbnail((_SIDE_PX, _SIDE_PX), PIL.Image.Resampling.BOX)
    pixels = np.asarray(small)
    level = lab(pixels)[..., 0]
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float64)
    spread = float(grey.std())
    edges = np.hypot(cv2.Sobel(grey, cv2.CV_64F, 1, 0), cv2.Sobel(grey, cv2.CV_64F, 0, 1))
    total = float(edges.sum())
    height, width = grey.shape
    place = None
    if total > 0 and spread >= _LEAST_SPREAD:
        across = float((edges.sum(0) * (np.arange(width) + 0.5)).sum() / total / width)
        down = float((edges.sum(1) * (np.arange(height) + 0.5)).sum() / total / height)
        place = across, down
    return Light(
        lightness=float(level.mean()),
        contrast=float(level.std()),
        sharpness=float(cv2.Laplacian(grey, cv2.CV_64F).std()) / spread if spread >= _LEAST_SPREAD else None,
        detail_xy=place,
    )


#: Grey levels that vary less than this are one level with noise.
_LEAST_SPREAD = 2.0
