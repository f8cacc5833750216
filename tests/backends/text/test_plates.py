"""Plates found by a stand-in detector, and read by the real engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest

from backends.text.engine import Engine
from backends.text.fields import PlateInputs, PlateOutputs
from backends.text.geometry import RGB
from backends.text.plate_views import plate_views
from backends.text.plates import read_crop, read_plates
from studio.contract import Outputs
from studio.media.image import Image
from tests.backends.text.conftest import EXAMPLES, FakeRun


def plate(text: str, width: int = 200, degrees: float = 0.0) -> RGB:
    """A white plate with black letters on a grey car."""
    picture = PIL.Image.new("RGB", (width, round(width * 0.3)), (235, 235, 230))
    canvas = PIL.ImageDraw.Draw(picture)
    canvas.rectangle((1, 1, picture.width - 2, picture.height - 2), outline=(20, 20, 20), width=2)
    font = PIL.ImageFont.load_default(size=width * 0.2)
    canvas.text((picture.width / 2, picture.height / 2), text, font=font, fill=(15, 15, 20), anchor="mm")
    turned = picture.rotate(degrees, PIL.Image.Resampling.BICUBIC, expand=True, fillcolor=(110, 112, 116))
    return np.asarray(turned)


def street(*plates: RGB) -> tuple[Image, list[tuple[float, float, float, float]]]:
    """Plates beside each other in a grey picture, and their boxes."""
    picture = np.full((240, 320 * len(plates), 3), 112, np.uint8)
    boxes = []
    for number, rgb in enumerate(plates):
        height, width = rgb.shape[:2]
        left, top = 320 * number + 50, 90
        picture[top : top + height, left : left + width] = rgb
        boxes.append((float(left), float(top), float(left + width), float(top + height)))
    return Image(picture), boxes


class Found(Outputs):
    boxes: list[dict[str, Any]]


def detector(boxes: list[tuple[float, float, float, float]]) -> Any:
    """A detector that finds these boxes, the first one the surest."""

    def answer(image: Image, confidence: float, most: int) -> Found:
        found = [{"xyxy": box, "score": 0.9 - 0.2 * n, "label": "plate"} for n, box in enumerate(boxes)]
        return Found(boxes=[box for box in found if box["score"] >= confidence][:most])

    return answer


def read(engine: Engine, run: FakeRun, **values: Any) -> PlateOutputs:
    return read_plates(engine, PlateInputs.model_validate(values), run)


def test_several_plates_are_found_straightened_and_read(engine: Engine) -> None:
    image, boxes = street(plate("RK340AO"), plate("GWT2180", degrees=8))
    run = FakeRun(detector(boxes))
    outputs = read(engine, run, image=image)
    assert outputs.verdict == "2 plates: RK340AO, GWT2180"
    assert [(box.label, box.xyxy) for box in outputs.marked.boxes] == list(
        zip(["RK340AO", "GWT2180"], boxes, strict=True)
    )
    frame = outputs.plates.frame
    assert list(frame["text"]) == ["RK340AO", "GWT2180"]
    assert list(frame["form"]) == ["LLDDDLL", "LLLDDDD"]
    assert list(frame["found_score"]) == [0.9, 0.7]
    assert (frame["score"] > 0.5).all()
    assert outputs.steps is not None
    task, values, adapter, until = run.asked[0]
    assert (task, adapter, until) == ("object_detection", "plates", 0.4)
    assert values["image"] is image
    assert "Reading plate 2 of 2" in run.told


def test_a_slanted_plate_is_laid_flat(engine: Engine) -> None:
    flat, slanted = plate_views(engine, plate("GWT2180")), plate_views(engine, plate("GWT2180", degrees=8))
    for views in (flat, slanted):
        height, width = views.straightened.shape[:2]
        assert 3 < width / height < 7  # a row of seven letters
    assert len(slanted.read) == 5


def test_the_detector_is_not_asked_for_a_plate_that_was_cut_out(engine: Engine) -> None:
    run = FakeRun()
    outputs = read(engine, run, image=EXAMPLES / "plate.jpg", shows="one plate", country="United States")
    assert outputs.verdict == "5VCF203"
    assert run.asked == []
    assert outputs.plates.frame["found_score"].isna().all()


def test_no_plate(engine: Engine) -> None:
    image, _ = street(plate("RK340AO"))
    outputs = read(engine, FakeRun(detector([])), image=image)
    assert (outputs.verdict, outputs.steps, outputs.marked.boxes) == ("No plate was found.", None, [])
    assert len(outputs.plates.frame) == 0


def test_a_plate_without_letters_is_not_read(engine: Engine) -> None:
    image = Image(np.full((60, 200, 3), 200, np.uint8))
    outputs = read(engine, FakeRun(), image=image, shows="one plate")
    assert outputs.verdict == "No plate could be read."
    assert outputs.marked.boxes[0].label == "unreadable"
    assert list(outputs.plates.frame["text"]) == [""]


def test_a_plate_too_small_for_letters_is_passed_over(engine: Engine) -> None:
    image, boxes = street(plate("RK340AO"))
    speck = (10.0, 10.0, 14.0, 12.0)
    outputs = read(engine, FakeRun(detector([boxes[0], speck])), image=image)
    assert outputs.verdict == "RK340AO"


def test_a_narrow_plate_gets_a_note(engine: Engine) -> None:
    image, boxes = street(plate("RK340AO", width=44))
    outputs = read(engine, FakeRun(detector(boxes)), image=image)
    assert any("px wide" in note for note in outputs.notes)


@pytest.mark.parametrize("text", ["RK340AO", "PVX0095", "6MMD595"])
def test_a_plate_is_read(engine: Engine, text: str) -> None:
    best = read_crop(engine, plate(text))[0]
    assert best.text == text
    assert best.form
