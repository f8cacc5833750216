"""Shows where a network looked: the picture, dark where it did not."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image

from studio.media.image import Image

_SHOWN_PX = 320
_DIMMED = 0.2  # brightness that is left where the network did not look


def spotlights(
    picture: PIL.Image.Image, looked: Sequence[tuple[str, npt.NDArray[np.float32]]], side_px: int = _SHOWN_PX
) -> list[Image]:
    """The picture once for each name, with its longer side at `side_px`, dark where there is little attention.

    Args:
        looked: name and places (h, w) of any scale, laid over the whole picture; the most is shown at full brightness.
    """
    width, height = picture.size
    share = side_px / max(width, height)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    shown = np.asarray(picture.convert("RGB").resize(size, PIL.Image.Resampling.LANCZOS))
    return [Image(_dimmed(shown, places), name) for name, places in looked]


def _dimmed(shown: npt.NDArray[np.uint8], places: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """A picture (H, W, 3) with as much left of each pixel as was looked there."""
    spread = float(places.max() - places.min()) or 1.0
    levels = ((places - places.min()) / spread).astype(np.float32)
    bright = cv2.resize(levels, (shown.shape[1], shown.shape[0]), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    left = np.round(255 * (_DIMMED + (1 - _DIMMED) * bright)).astype(np.uint8)
    return np.asarray(cv2.multiply(shown, cv2.merge([left] * 3), scale=1 / 255), np.uint8)
