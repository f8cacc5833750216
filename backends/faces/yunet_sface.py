"""The faces of OpenCV: the YuNet detector (Wu et al. 2023) and the SFace embedding (Zhong et al. 2021), as ONNX."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from backends.faces.model import RGB, Face, References, Vector
from backends.faces.operations import answer
from studio.contract import Inputs, Outputs, Run
from studio.weights import Weights

#: Below this score YuNet takes patterns for faces too often.
_SCORE = 0.7
#: Boxes that overlap more are one face (intersection over union).
_OVERLAP = 0.3
#: YuNet was trained for faces from about 10 to 300 px: small ones are looked for at the fine scale, large ones at the
#: coarse one. Pixels that are searched at each.
_COARSE_PIXELS = 320 * 240
_FINE_PIXELS = 1280 * 960
_SMALLEST_PX = 10
#: Two faces are one person from this cosine on (https://docs.opencv.org/4.x/d0/dd4/tutorial_dnn_face.html, LFW).
_PUBLISHED_COSINE = 0.363

#: x, y, width, height; right eye, left eye, nose, right and left corner of the mouth, each x, y; score
_Row = npt.NDArray[np.float32]


class YunetSface:
    """Detects at two scales with YuNet, aligns by five landmarks to 112 x 112 px, embeds with SFace.

    Distances are (1 - cosine), scaled so that the published threshold of SFace lies where that of the family's other
    model does: one slider then means about the same with either.

    OpenCV's objects must not be used by two threads at once: one call at a time per instance.

    Args:
        weights: files `detector` and `embedding`.
        device: not used; OpenCV's wheels are built for the CPU.
    """

    name = "yunet_sface"
    threshold = 0.53

    def __init__(self, weights: Weights, device: str) -> None:
        self._detector = cv2.FaceDetectorYN.create(str(weights.path("detector")), "", (320, 320), _SCORE, _OVERLAP)
        self._recognizer = cv2.FaceRecognizerSF.create(str(weights.path("embedding")), "")
        self.references = References()

    def __call__(self, inputs: Inputs, run: Run) -> Outputs | Iterator[Outputs]:
        """Answer any of the family's tasks that need a model."""
        return answer(self, inputs, run)

    def detect(self, rgb: RGB, *, every: bool = True, quick: bool = False) -> list[Face]:
        """See `FaceModel.detect`; the score is YuNet's, 0..1."""
        height, width = rgb.shape[:2]
        coarse, fine = (min(1.0, math.sqrt(p / (width * height))) for p in (_COARSE_PIXELS, _FINE_PIXELS))
        rows = self._search(rgb, coarse)
        if not quick and fine > coarse and (every or not rows):
            rows = _distinct(rows + self._search(rgb, fine))
        return sorted((_face(row) for row in rows), key=lambda face: face.area_px, reverse=True)

    def embed(self, rgb: RGB, face: Face) -> Vector:
        """128 numbers of length 1; see `FaceModel.embed`."""
        left, top, right, bottom = face.box_xyxy
        row = np.array([left, top, right - left, bottom - top, *np.ravel(face.landmarks_xy), face.score], np.float32)
        aligned = self._recognizer.alignCrop(_bgr(rgb), row)
        embedding = np.asarray(self._recognizer.feature(aligned), dtype=np.float64).ravel()  # (1, 128) -> (128,)
        unit: Vector = embedding / max(float(np.linalg.norm(embedding)), 1e-12)
        return unit

    def distances(self, embedding: Vector, others: Vector) -> Vector:
        """1 - cosine, scaled as said above."""
        scaled: Vector = (1 - others @ embedding) * (self.threshold / (1 - _PUBLISHED_COSINE))
        return scaled

    def smallest_face_px(self, resolution_wh: tuple[int, int]) -> float:
        """10 px at the scale of the full search."""
        return _SMALLEST_PX / min(1.0, math.sqrt(_FINE_PIXELS / (resolution_wh[0] * resolution_wh[1])))

    def _search(self, rgb: RGB, scale: float) -> list[_Row]:
        """The rows found at one scale, in pixels of the whole picture."""
        size_wh = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
        picture = _bgr(rgb)
        if scale != 1.0:
            picture = cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA)
        self._detector.setInputSize(size_wh)
        _, found = self._detector.detect(picture)
        if found is None:
            return []
        factors = np.array([rgb.shape[1] / size_wh[0], rgb.shape[0] / size_wh[1]] * 7 + [1.0], np.float32)  # (15,)
        return list(np.asarray(found, np.float32) * factors)


def _bgr(rgb: RGB) -> Any:
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _face(row: _Row) -> Face:
    """A person's right eye is the left one in the picture."""
    left, top, width, height = (float(value) for value in row[:4])
    points = [(float(x), float(y)) for x, y in row[4:14].reshape(5, 2)]
    return Face(
        box_xyxy=(left, top, left + width, top + height),
        landmarks_xy=tuple(points),
        left_eye_xy=points[0],
        right_eye_xy=points[1],
        nose_xy=points[2],
        score=float(row[14]),
    )


def _distinct(rows: list[_Row]) -> list[_Row]:
    """The rows without those that overlap one of a higher score."""
    if not rows:
        return []
    kept = cv2.dnn.NMSBoxes([row[:4].tolist() for row in rows], [float(row[14]) for row in rows], _SCORE, _OVERLAP)
    return [rows[int(index)] for index in np.ravel(kept)]
