"""The faces of dlib: HOG and CNN detectors, five landmarks, a ResNet embedding (King 2009; github.com/davisking)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import dlib
import numpy as np
from PIL import Image

from backends.faces.model import RGB, Face, References, Vector
from backends.faces.operations import answer
from studio.contract import Inputs, Outputs, Run
from studio.weights import Weights

#: A face must be about this wide for the HOG detector, whose window is 80 px.
_WINDOW_PX = 80
#: Below this score the HOG detector takes patterns for faces too often; what it drops, the CNN may still find.
_HOG_SCORE = 0.2
_CNN_SCORE = 0.5
#: Pixels searched by the quick look (about 30 ms on one core), by the full one (up to 0.4 s), by the CNN (0.7 s).
_COARSE_PIXELS = 640 * 480
_FINE_PIXELS = 4_000_000
_CNN_PIXELS = 320 * 240
#: A picture with a shorter side is not given to the CNN: there is no face in it, and dlib fails on such.
_LEAST_PX = 20
_MAX_UPSCALE = 2.0


class DlibFaces:
    """Detects with the HOG detector and, where that finds nothing, with the CNN; aligns by five landmarks; embeds.

    The HOG detector (frontal faces) is fast and the CNN slow but better with turned faces, so the CNN is part of the
    method as the second look, not a fallback that would need saying. Pictures are scaled for the search only:
    landmarks and embedding are taken from the full picture.

    dlib's objects must not be used by two threads at once: one call at a time per instance.

    Args:
        weights: files `cnn_detector`, `landmarks` and `embedding`.
        device: not used; the wheels of dlib-bin are built for the CPU.
    """

    name = "dlib"
    threshold = 0.53

    def __init__(self, weights: Weights, device: str) -> None:
        self._hog = dlib.get_frontal_face_detector()
        self._cnn = dlib.cnn_face_detection_model_v1(str(weights.path("cnn_detector")))
        self._landmarks = dlib.shape_predictor(str(weights.path("landmarks")))
        self._embedding = dlib.face_recognition_model_v1(str(weights.path("embedding")))
        self.references = References()

    def __call__(self, inputs: Inputs, run: Run) -> Outputs | Iterator[Outputs]:
        """Answer any of the family's tasks that need a model."""
        return answer(self, inputs, run)

    def detect(self, rgb: RGB, *, every: bool = True, quick: bool = False) -> list[Face]:
        """See `FaceModel.detect`; the score is the HOG detector's margin, or the CNN's."""
        height, width = rgb.shape[:2]
        coarse, fine = _scale(width, height, _COARSE_PIXELS), _scale(width, height, _FINE_PIXELS)
        scales = [fine] if every or fine == coarse else [coarse, fine]
        found: list[tuple[Any, float]] = []
        for scale in [coarse] if quick else scales:
            if found := self._search_hog(rgb, scale):
                break
        if not found and not quick:
            found = self._search_cnn(rgb, _scale(width, height, _CNN_PIXELS))
        faces = [self._face(rgb, rectangle, score) for rectangle, score in found]
        return sorted(faces, key=lambda face: face.area_px, reverse=True)

    def embed(self, rgb: RGB, face: Face) -> Vector:
        """128 numbers, of the face aligned to 150 x 150 px; see `FaceModel.embed`."""
        shape = dlib.full_object_detection(
            _rectangle(face.box_xyxy, 1), [dlib.point(round(x), round(y)) for x, y in face.landmarks_xy]
        )
        return np.array(self._embedding.compute_face_descriptor(rgb, shape))

    def distances(self, embedding: Vector, others: Vector) -> Vector:
        """Euclidean."""
        difference: Vector = others - embedding  # (N, 128)
        distances: Vector = np.sqrt((difference**2).sum(axis=1))
        return distances

    def smallest_face_px(self, resolution_wh: tuple[int, int]) -> float:
        """80 px at the scale of the full search."""
        return _WINDOW_PX / _scale(*resolution_wh, _FINE_PIXELS)

    def _search_hog(self, rgb: RGB, scale: float) -> list[tuple[Any, float]]:
        rectangles, scores, _ = self._hog.run(_scaled(rgb, scale), 0, _HOG_SCORE)
        return [(_rectangle(_corners(r), 1 / scale), float(s)) for r, s in zip(rectangles, scores, strict=True)]

    def _search_cnn(self, rgb: RGB, scale: float) -> list[tuple[Any, float]]:
        small = _scaled(rgb, scale)
        if min(small.shape[:2]) < _LEAST_PX:
            return []
        found = self._cnn(small, 0)
        return [(_rectangle(_corners(f.rect), 1 / scale), f.confidence) for f in found if f.confidence >= _CNN_SCORE]

    def _face(self, rgb: RGB, rectangle: Any, score: float) -> Face:
        """Landmarks: corners (outer first) of the eye right in the picture, of the left one; base of the nose."""
        points = [(float(p.x), float(p.y)) for p in self._landmarks(rgb, rectangle).parts()]
        return Face(
            box_xyxy=_corners(rectangle),
            landmarks_xy=tuple(points),
            left_eye_xy=_middle(points[2], points[3]),
            right_eye_xy=_middle(points[0], points[1]),
            nose_xy=points[4],
            score=score,
        )


def _scale(width: int, height: int, pixels: int) -> float:
    """The factor that brings a picture to at most that many pixels, and enlarges it by at most two."""
    return min(_MAX_UPSCALE, math.sqrt(pixels / (width * height)))


def _scaled(rgb: RGB, scale: float) -> RGB:
    height, width = rgb.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return rgb
    return np.array(Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def _corners(rectangle: Any) -> tuple[float, float, float, float]:
    return rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()


def _rectangle(box_xyxy: tuple[float, float, float, float], factor: float) -> Any:
    return dlib.rectangle(*(round(value * factor) for value in box_xyxy))


def _middle(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
