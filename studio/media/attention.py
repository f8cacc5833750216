"""Shows where a network looked: the picture, dark where it did not."""

from __future__ import annotations

from collections.abc import Sequence

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
    return [Image((shown * _bright(places, size)).astype(np.uint8), name) for name, places in looked]


def _bright(places: npt.NDArray[np.float32], size_wh: tuple[int, int]) -> npt.NDArray[np.float32]:
    """How much is left of each pixel, (H, W, 1)."""
    spread = float(places.max() - places.min()) or 1.0
    levels = PIL.Image.fromarray(((places - places.min()) / spread).astype(np.float32))
    bright = np.asarray(levels.resize(size_wh, PIL.Image.Resampling.BICUBIC), np.float32).clip(0, 1)[..., None]
    return np.asarray(_DIMMED + (1 - _DIMMED) * bright, np.float32)
