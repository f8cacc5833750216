from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
from PIL import ImageEnhance, ImageFilter

from backends.faces.dlib_faces import DlibFaces
from backends.faces.model import Face
from backends.faces.quality import face_notes, sharpness, turn
from studio.media.image import Image


def notes_after(model: DlibFaces, clean: Image, degraded: PIL.Image.Image) -> list[str]:
    """The face's place is that of the clean picture, scaled: it may not be found in the degraded one."""
    face = model.detect(clean.rgb, every=False)[0]
    scale = degraded.width / clean.rgb.shape[1]
    box = tuple(value * scale for value in face.box_xyxy)
    moved = Face(box, face.landmarks_xy, face.left_eye_xy, face.right_eye_xy, face.nose_xy, face.score)  # type: ignore[arg-type]
    return face_notes(np.asarray(degraded), moved)


@pytest.mark.parametrize("name", ["hopper", "collins"])
def test_good_portraits_get_no_note(model: DlibFaces, request: pytest.FixtureRequest, name: str) -> None:
    portrait: Image = request.getfixturevalue(name)
    assert notes_after(model, portrait, portrait.pil()) == []


@pytest.mark.parametrize("name", ["hopper", "collins"])
@pytest.mark.parametrize(
    ("degrade", "note"),
    [
        (lambda p, px: p.filter(ImageFilter.GaussianBlur(0.05 * px)), "is blurred"),
        (lambda p, px: ImageEnhance.Brightness(p).enhance(0.12), "is too dark"),
        (lambda p, px: p.point(lambda value: min(255, value + 170)), "is too bright"),
        (lambda p, px: p.resize((round(p.width * 30 / px), round(p.height * 30 / px))), "is small (30 px wide"),
    ],
    ids=["blurred", "dark", "bright", "small"],
)
def test_degraded_portraits_are_noted(
    model: DlibFaces, request: pytest.FixtureRequest, name: str, degrade: object, note: str
) -> None:
    portrait: Image = request.getfixturevalue(name)
    face_px = model.detect(portrait.rgb, every=False)[0].width_px
    assert callable(degrade)
    notes = notes_after(model, portrait, degrade(portrait.pil(), face_px))
    assert len(notes) == 1
    assert notes[0].startswith(note)


def test_sharpness_does_not_depend_on_the_light() -> None:
    grey = np.random.default_rng(0).uniform(0, 200, (80, 80))
    assert sharpness(grey * 0.4) == pytest.approx(sharpness(grey), rel=0.01)


@pytest.mark.parametrize(("nose_xy", "expected"), [((50.0, 60.0), 0.0), ((60.0, 60.0), 0.25), ((30.0, 60.0), -0.5)])
def test_turn(nose_xy: tuple[float, float], expected: float) -> None:
    face = Face((0, 0, 100, 100), (), left_eye_xy=(30.0, 40.0), right_eye_xy=(70.0, 40.0), nose_xy=nose_xy, score=1)
    assert turn(face) == pytest.approx(expected)
    rgb = np.random.default_rng(0).integers(60, 200, (100, 100, 3), dtype=np.uint8)
    assert ("is turned away from the camera" in face_notes(rgb, face)) == (abs(expected) > 0.2)


def test_a_box_beyond_the_edge() -> None:
    rgb = np.random.default_rng(0).integers(60, 200, (100, 100, 3), dtype=np.uint8)
    outside = Face((-40, -20, 60, 80), (), (10, 20), (40, 20), (25, 40), 1)
    assert face_notes(rgb, outside) == []
