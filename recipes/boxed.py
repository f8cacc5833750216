"""A picture with boxes, as the detectors' data sets have them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import PIL.Image


@dataclass(frozen=True)
class Scene:
    """A picture and what is in it.

    Attributes:
        jpeg: the picture's file, as it was published.
        boxes_xyxy: float64 (N, 4) in pixels of the picture.
        classes: int64 (N), places in the set's names.
    """

    name: str
    jpeg: bytes
    boxes_xyxy: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]

    @property
    def rgb(self) -> npt.NDArray[np.uint8]:
        """The picture (H, W, 3)."""
        return np.asarray(PIL.Image.open(io.BytesIO(self.jpeg)).convert("RGB"))


Scenes = Sequence[Scene]
