"""What every face model offers, whichever library it comes from, and what the operations share."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

RGB = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float64]

_REFERENCES_KEPT = 8


@dataclass(frozen=True)
class Face:
    """A face found in a picture; all coordinates are pixels of that picture.

    Attributes:
        box_xyxy: left, top, right, bottom; may reach beyond the picture's edge.
        landmarks_xy: every landmark that the model gives, (x, y).
        left_eye_xy, right_eye_xy: centres of the eyes, left and right as seen in the picture.
        nose_xy: the tip or base of the nose.
        score: the detector's confidence, in its own unit; comparable within one model only.
    """

    box_xyxy: tuple[float, float, float, float]
    landmarks_xy: tuple[tuple[float, float], ...]
    left_eye_xy: tuple[float, float]
    right_eye_xy: tuple[float, float]
    nose_xy: tuple[float, float]
    score: float

    @property
    def width_px(self) -> float:
        """Width of the box."""
        return self.box_xyxy[2] - self.box_xyxy[0]

    @property
    def area_px(self) -> float:
        """Area of the box, in square pixels."""
        return self.width_px * (self.box_xyxy[3] - self.box_xyxy[1])


class FaceModel(Protocol):
    """A detector and an embedding network that belong together.

    Attributes:
        name: the adapter's name; embeddings are stored under it and never compared across models.
        threshold: the distance up to which two faces are taken for one person, as shipped.
        references: what was computed for recent reference photographs.
    """

    name: str
    threshold: float
    references: References

    def detect(self, rgb: RGB, *, every: bool = True, quick: bool = False) -> list[Face]:
        """The faces in a picture of shape (H, W, 3), largest first; none is an empty list.

        Args:
            every: look for small faces too. If not, the search may end at the first scale that shows a face: this
                is enough to find the largest one and several times faster.
            quick: take one quick look only, as for one of many frames of a webcam.
        """

    def embed(self, rgb: RGB, face: Face) -> Vector:
        """The face as a vector of shape (D,)."""

    def distances(self, embedding: Vector, others: Vector) -> Vector:
        """Distances from one embedding (D,) to others (N, D), shape (N,)."""

    def smallest_face_px(self, resolution_wh: tuple[int, int]) -> float:
        """The width of the smallest face that can be found in a picture of that size, roughly."""


@dataclass(frozen=True)
class Portrait:
    """A picture's faces, largest first, and the embedding of the largest. `embedding` is None where there is none."""

    faces: list[Face]
    embedding: Vector | None


def portrait(model: FaceModel, rgb: RGB, *, quick: bool = False) -> Portrait:
    """Find the faces of a picture and embed the largest."""
    faces = model.detect(rgb, every=False, quick=quick)
    return Portrait(faces, model.embed(rgb, faces[0]) if faces else None)


class References:
    """Portraits of recently used reference photographs, by the digest of their pixels.

    A webcam's frames are compared with one photograph over and over: it is searched and embedded once.
    """

    def __init__(self) -> None:
        self._portraits: OrderedDict[str, Portrait] = OrderedDict()

    def portrait(self, model: FaceModel, rgb: RGB) -> Portrait:
        """As the function `portrait`, remembered."""
        key = picture_digest(rgb)
        if key not in self._portraits:
            self._portraits[key] = portrait(model, rgb)
        self._portraits.move_to_end(key)
        while len(self._portraits) > _REFERENCES_KEPT:
            self._portraits.popitem(last=False)
        return self._portraits[key]


def picture_digest(rgb: RGB) -> str:
    """SHA-256 of a picture's pixels and shape."""
    digest = hashlib.sha256(repr(rgb.shape).encode())
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest()
