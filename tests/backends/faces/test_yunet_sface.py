"""YuNet and SFace without their weights: how their rows become faces, and embeddings distances.

Where the weights are on this machine (`python -m surfaces.cli pull yunet_sface`), the real pictures are compared too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from backends.faces.model import Face, Vector
from backends.faces.yunet_sface import YunetSface
from studio.media.image import Image
from studio.runtime import EMBEDDED
from studio.weights import Shelf, Weights
from tests.backends.faces.conftest import FAMILY

HIGH, WIDE = 960, 1280
#: box of 160 x 200 px at (400, 300), landmarks, score
ROW = [400, 300, 160, 200, 440, 370, 520, 372, 480, 420, 450, 460, 515, 462, 0.9]


class Detector:
    """Finds the given rows of the whole picture at whatever scale it is asked."""

    def __init__(self, *rows: list[float]) -> None:
        self.rows = np.array(rows, np.float32).reshape(-1, 15)
        self.sizes_wh: list[tuple[int, int]] = []

    def setInputSize(self, size_wh: tuple[int, int]) -> None:  # noqa: N802 - as OpenCV names it
        self.sizes_wh.append(size_wh)

    def detect(self, bgr: Any) -> tuple[int, Any]:
        height, width = bgr.shape[:2]
        assert (width, height) == self.sizes_wh[-1]
        if not len(self.rows):
            return 1, None
        return 1, self.rows * np.array([width / WIDE, height / HIGH] * 7 + [1], np.float32)


class Recognizer:
    """Remembers what it is given; the embedding is the mean colour."""

    def alignCrop(self, bgr: Any, row: Any) -> Any:  # noqa: N802 - as OpenCV names it
        self.row = row
        return bgr

    def feature(self, bgr: Any) -> Any:
        return bgr.reshape(-1, 3).mean(axis=0, dtype=np.float32)[None]


@pytest.fixture
def picture() -> Any:
    return np.full((HIGH, WIDE, 3), (200, 100, 50), np.uint8)


def made(monkeypatch: pytest.MonkeyPatch, *rows: list[float]) -> tuple[YunetSface, Detector, Recognizer]:
    detector, recognizer = Detector(*rows), Recognizer()
    asked: list[str] = []

    def create_detector(path: str, *more: Any) -> Detector:
        asked.append(path)
        return detector

    monkeypatch.setattr(cv2.FaceDetectorYN, "create", create_detector)
    monkeypatch.setattr(cv2.FaceRecognizerSF, "create", lambda path, config: recognizer)
    model = YunetSface(Weights({"detector": Path("d.onnx"), "embedding": Path("e.onnx")}), "cpu")
    assert asked == ["d.onnx"]
    return model, detector, recognizer


def test_a_row_becomes_a_face_in_pixels_of_the_picture(monkeypatch: pytest.MonkeyPatch, picture: Any) -> None:
    model, detector, _ = made(monkeypatch, ROW)
    (face,) = model.detect(picture)  # found at both scales: one face
    assert detector.sizes_wh == [(320, 240), (1280, 960)]
    assert face.box_xyxy == pytest.approx((400, 300, 560, 500), abs=1)
    assert face.left_eye_xy == pytest.approx((440, 370), abs=1)
    assert face.right_eye_xy == pytest.approx((520, 372), abs=1)
    assert face.nose_xy == pytest.approx((480, 420), abs=1)
    assert len(face.landmarks_xy) == 5
    assert face.score == pytest.approx(0.9)


def test_how_far_it_looks(monkeypatch: pytest.MonkeyPatch, picture: Any) -> None:
    model, detector, _ = made(monkeypatch, ROW)
    model.detect(picture, every=False)
    model.detect(picture, quick=True)
    assert detector.sizes_wh == [(320, 240), (320, 240)]
    model, detector, _ = made(monkeypatch)
    assert model.detect(picture, every=False) == []
    assert detector.sizes_wh == [(320, 240), (1280, 960)]
    assert model.smallest_face_px((1280, 960)) == 10
    assert model.smallest_face_px((2560, 1920)) == 20


def test_the_largest_face_comes_first(monkeypatch: pytest.MonkeyPatch, picture: Any) -> None:
    larger = [800, 200, 320, 400, *ROW[4:14], 0.8]
    model, _, _ = made(monkeypatch, ROW, larger)
    assert [round(face.width_px) for face in model.detect(picture)] == [320, 160]


def test_the_embedding_has_length_one_and_the_row_is_as_yunet_gave_it(
    monkeypatch: pytest.MonkeyPatch, picture: Any
) -> None:
    model, _, recognizer = made(monkeypatch, ROW)
    embedding = model.embed(picture, model.detect(picture)[0])
    assert np.linalg.norm(embedding) == pytest.approx(1)
    assert embedding == pytest.approx(
        np.array([50, 100, 200]) / np.linalg.norm([50, 100, 200])
    )  # BGR, as OpenCV has it
    assert recognizer.row == pytest.approx(np.array(ROW, np.float32), abs=1)


def test_the_published_threshold_lies_at_that_of_the_family(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _, _ = made(monkeypatch)
    angle = np.arccos(0.363)
    others: Vector = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)], [-1.0, 0.0]])
    distances = model.distances(np.array([1.0, 0.0]), others)
    assert distances == pytest.approx([0, model.threshold, 2 * 0.53 / 0.637])


def test_opencv_has_what_it_needs() -> None:
    assert callable(cv2.FaceDetectorYN.create)
    assert callable(cv2.FaceRecognizerSF.create)


@pytest.mark.skipif(Shelf(EMBEDDED).state(FAMILY, "yunet_sface").name != "ready", reason="its weights are not here")
def test_the_real_models_tell_people_apart(hopper: Image, collins: Image, both: Image) -> None:
    model = YunetSface(Shelf(EMBEDDED).resolve(FAMILY, "yunet_sface"), "cpu")

    def embedding(image: Image, face: Face) -> Vector:
        return model.embed(image.rgb, face)

    first, second = model.detect(hopper.rgb)[0], model.detect(collins.rgb)[0]
    pair = model.detect(both.rgb)
    assert len(pair) == 2
    references = np.array([embedding(hopper, first), embedding(collins, second)])
    assert model.distances(references[0], references)[1] > model.threshold
    for face in pair:
        assert model.distances(embedding(both, face), references).min() < model.threshold
