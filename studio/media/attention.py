"""Shows where a network looked: the picture, dark where it did not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import PIL.Image

from studio.media.image import Image

_SHOWN_PX = 320
_DIMMED = 0.2  # brightness that is left where the network did not look


def spotlight(picture: PIL.Image.Image, places: npt.NDArray[np.float32], name: str, side_px: int = _SHOWN_PX) -> Image:
    """A picture with its longer side at `side_px`, dark where there is little attention.

    Args:
        places: (h, w) of any scale, laid over the whole picture; the most of it is shown at full brightness.
    """
    width, height = picture.size
    share = side_px / max(width, height)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    spread = float(places.max() - places.min()) or 1.0
    levels = PIL.Image.fromarray(((places - places.min()) / spread).astype(np.float32))
    bright = np.asarray(levels.resize(size, PIL.Image.Resampling.BICUBIC)).clip(0, 1)[..., None]
    shown = np.asarray(picture.convert("RGB").resize(size, PIL.Image.Resampling.LANCZOS))
    return Image((shown * (_DIMMED + (1 - _DIMMED) * bright)).astype(np.uint8), name)
