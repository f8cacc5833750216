from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from backends.faces.dlib_faces import DlibFaces
from backends.faces.fields import VerificationInputs
from backends.faces.task import TASKS
from backends.faces.verification import verify
from studio.errors import InvalidInput
from studio.media.base import Blob
from studio.media.image import Image
from studio.runtime import Runtime
from tests.backends.faces.conftest import EXAMPLES, Call


@pytest.mark.parametrize(
    ("second", "distance", "same"),
    [("hopper.jpg", 0.0, True), ("hopper_mirrored_darker.jpg", 0.180, True), ("collins.jpg", 0.706, False)],
)
def test_golden_distances(
    model: DlibFaces, call: Call, hopper: Image, second: str, distance: float, same: bool
) -> None:
    answer = verify(model, VerificationInputs(first=hopper, second=EXAMPLES / second), call)
    assert answer.distance == pytest.approx(distance, abs=0.005)
    assert answer.same_person is same
    assert answer.verdict == ("The same person" if same else "Different people")
    assert answer.notes == []


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (2, 300), (300, 3), (9, 9)])
def test_a_picture_too_small_for_any_face_has_none(model: DlibFaces, shape: tuple[int, int]) -> None:
    assert model.detect(np.zeros((*shape, 3), np.uint8)) == []


def test_default_thresholds_are_the_models_own(model: DlibFaces) -> None:
    thresholds = [t.inputs.model_fields["threshold"] for t in TASKS if "threshold" in t.inputs.model_fields]
    assert [field.default for field in thresholds] == [model.threshold] * 2


def test_through_the_runtime_with_boxes(runtime: Runtime) -> None:
    job = runtime.run("face_verification", runtime.example(runtime.catalogue.task("face_verification"), 2))
    assert job.outputs is not None
    answer = job.outputs.model_dump()
    assert [box["accent"] for box in answer["second_face"]["boxes"]] == [True, False]
    assert len(answer["first_face"]["boxes"][0]["points"]) == 5
    assert "2 faces in the second picture; the largest was compared." in answer["notes"]
    left, top, right, bottom = answer["second_face"]["boxes"][0]["xyxy"]
    assert left < 150 < right  # Hopper, on the left, is the larger face
    assert top < 150 < bottom


@pytest.mark.parametrize("field", ["first", "second"])
def test_no_face_names_the_picture(model: DlibFaces, call: Call, hopper: Image, nobody: Image, field: str) -> None:
    pictures = {"first": hopper, "second": hopper} | {field: nobody}
    with pytest.raises(InvalidInput) as caught:
        verify(model, VerificationInputs(**pictures), call)
    assert caught.value.field == field
    assert caught.value.message == f"No face was found in the {field} picture."
    assert caught.value.expected == "a picture with a face that is at least 40 px wide"


def test_close_to_the_threshold_is_said(model: DlibFaces, call: Call, hopper: Image, collins: Image) -> None:
    near = verify(model, VerificationInputs(first=hopper, second=collins, threshold=0.72), call)
    assert near.same_person
    assert near.verdict.startswith("Probably the same person: the distance is close to the threshold")
    below = verify(model, VerificationInputs(first=hopper, second=collins, threshold=0.69), call)
    assert below.verdict.startswith("Probably different people")


def test_grey_and_exif_rotated(model: DlibFaces, call: Call, hopper: Image) -> None:
    grey = hopper.pil().convert("L").rotate(90, expand=True)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    buffer = io.BytesIO()
    grey.save(buffer, "JPEG", quality=92, exif=exif)
    answer = verify(model, VerificationInputs(first=hopper, second=Blob(data=buffer.getvalue())), call)
    assert answer.second_face.image.resolution_wh == hopper.resolution_wh
    assert answer.distance < 0.2


def test_the_reference_is_searched_once(
    model: DlibFaces, call: Call, hopper: Image, collins: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify(model, VerificationInputs(first=hopper, second=collins), call)
    searched: list[int] = []
    detect = model.detect

    def counting(rgb: np.ndarray, *, every: bool = True, quick: bool = False) -> list:
        searched.append(rgb.shape[0])
        return detect(rgb, every=every, quick=quick)

    monkeypatch.setattr(model, "detect", counting)
    again = Image(hopper.rgb.copy())  # the same pixels in another object
    verify(model, VerificationInputs(first=again, second=collins), call)
    assert searched == [collins.rgb.shape[0]]


def test_a_live_frame_gets_one_quick_look(
    model: DlibFaces, call: Call, hopper: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "live", True)
    monkeypatch.setattr(model, "_search_cnn", lambda rgb, scale: pytest.fail("the slow second look"))
    empty = Image(np.full((480, 640, 3), 127, np.uint8))
    with pytest.raises(InvalidInput, match="second picture"):
        verify(model, VerificationInputs(first=hopper, second=empty), call)


def test_a_large_picture_gives_the_same_embedding(model: DlibFaces, collins: Image) -> None:
    large = Image.from_pil(collins.pil().resize((320 * 10, 330 * 10), PIL.Image.Resampling.BICUBIC))
    original, enlarged = (model.embed(i.rgb, model.detect(i.rgb, every=False)[0]) for i in (collins, large))
    assert model.distances(original, enlarged[None])[0] < 0.1
    assert model.detect(large.rgb)[0].width_px == pytest.approx(875, rel=0.15)


@pytest.mark.parametrize("face_px", [45, 60])
def test_small_faces_are_found(model: DlibFaces, collins: Image, face_px: int) -> None:
    scale = face_px / model.detect(collins.rgb)[0].width_px
    size = round(320 * scale), round(330 * scale)
    canvas = PIL.Image.new("RGB", (640, 480), (140, 140, 140))
    canvas.paste(collins.pil().resize(size, PIL.Image.Resampling.LANCZOS), (200, 150))
    faces = model.detect(Image.from_pil(canvas).rgb)
    assert len(faces) == 1
    assert faces[0].width_px == pytest.approx(face_px, rel=0.25)


def test_a_face_that_hog_misses_is_found_by_the_cnn(model: DlibFaces, hopper: Image) -> None:
    turned = Image.from_pil(hopper.pil().rotate(45, PIL.Image.Resampling.BICUBIC, fillcolor=(90, 90, 90)))
    assert not model._search_hog(turned.rgb, 1.0)
    assert len(model.detect(turned.rgb, every=False)) == 1


def test_the_package_with_the_weights_is_not_imported(model: DlibFaces) -> None:
    import sys

    assert "face_recognition_models" not in sys.modules


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.jpg")), ids=lambda path: path.name)
def test_examples_are_small(path: Path) -> None:
    assert path.stat().st_size <= 120_000
