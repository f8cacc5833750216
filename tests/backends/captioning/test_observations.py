"""Observations: each sentence is what a task measured, and nothing is said that none did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas
import pytest

import backends.captioning
from backends.captioning.colours import colours, main_colours
from backends.captioning.facts import listed, number_word, place
from backends.captioning.fields import CaptionInputs, MeasuresInputs
from backends.captioning.light import light
from backends.captioning.measures import Measures, observe
from bench.bare import BareRun
from studio.errors import NotFound
from studio.media.image import Image
from studio.media.table import Table
from studio.results import Box, BoxedImage
from studio.runtime import Runtime

EXAMPLES = Path(backends.captioning.__file__).parent / "examples"
GREY = Image(np.full((90, 120, 3), 128, np.uint8))


class Answer:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


def line(text: str, score: float, top: float) -> dict[str, Any]:
    corners = {"x1": 10, "y1": top, "x2": 60, "y2": top, "x3": 60, "y3": top + 9, "x4": 10, "y4": top + 9}
    return {"text": text, "score": score, **corners}


class Call(BareRun):
    """Other tasks, with literal answers."""

    def __init__(self, **answers: Any) -> None:
        super().__init__()
        self.answers = {
            "faces": [],
            "lines": [],
            "text": "",
            "thing": ("cat", 0.99, 3.0),
            "boxes": [],
            "notes": [],
        } | answers
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)

    def call(self, task: str, payload: Any, adapter: str | None = None, until: float | None = None) -> Any:
        told = self.answers
        if told.get("missing") == task:
            raise NotFound(f"There is no task {task!r}.")
        match task:
            case "face_identification":
                boxes = [Box(xyxy=box, label="Grace Hopper 0.31") for box in told["faces"]]
                return Answer(image=BoxedImage(image=payload["image"], boxes=boxes))
            case "text_recognition":
                columns = ["text", "score", *(f"{axis}{n}" for n in range(1, 5) for axis in "xy")]
                return Answer(lines=Table(pandas.DataFrame(told["lines"], columns=columns), ""), text=told["text"])
            case "image_classification":
                label, score, familiarity = told["thing"]
                return Answer(label=label, score=score, familiarity=familiarity, least_familiarity=2.7, likely=True)
        assert task == "object_detection"
        boxes = told["boxes"] if adapter == "plates" else []
        counts = {"licence plate": len(boxes)}
        return Answer(boxes=[Answer(score=s, xyxy=b) for b, s in boxes], counts=counts, notes=told["notes"])


def kinds(outputs: Any) -> list[str]:
    return [fact.kind for fact in outputs.facts]


def test_a_picture_that_gives_nothing_says_so_and_offers_blip() -> None:
    outputs = observe(GREY, Call())
    assert (
        outputs.caption
        == "This is a wide picture. It is mostly grey. What it shows was not recognised. It has little contrast."
    )
    assert "BLIP" in outputs.notes[0]
    assert outputs.picture.boxes == []


def test_faces_are_counted_and_placed_but_not_named() -> None:
    one = observe(GREY, Call(faces=[(0, 0, 20, 20)]))
    assert "One face is seen, in the upper left." in one.caption
    three = observe(GREY, Call(faces=[(0, 40, 20, 60), (50, 40, 70, 60), (100, 40, 120, 60)]))
    assert "Three faces are seen, on the left, in the middle and on the right." in three.caption
    assert [box.label for box in three.picture.boxes] == ["3", "3", "3"]
    assert "Hopper" not in three.model_dump_json()
    assert one.notes == []


def test_text_is_quoted_where_it_was_read_surely() -> None:
    lines = [line("EXIT", 0.98, 10), line("米", 0.83, 30), line("faint", 0.6, 50)]
    outputs = observe(GREY, Call(lines=lines, text="EXIT\n米\nfaint"))
    assert "It reads “EXIT”." in outputs.caption
    assert [box.xyxy for box in outputs.picture.boxes] == [(10, 10, 60, 19)]
    many = [line(f"line {n}", 0.9, 10 * n) for n in range(14)]
    assert (
        "14 lines of text; the first read “line 0”, “line 1” and “line 2”." in observe(GREY, Call(lines=many)).caption
    )
    assert kinds(observe(GREY, Call(lines=[line("米", 0.83, 30)])))[2] == "nothing"


def test_a_thing_is_named_only_well_within_what_is_known() -> None:
    sure = observe(GREY, Call(thing=("automobile", 0.95, 3.6)))
    assert "The classifier of ten kinds of things takes it for an automobile." in sure.caption
    for unsure in (("cat", 0.95, 3.4), ("cat", 0.85, 4.5)):
        assert "thing" not in kinds(observe(GREY, Call(thing=unsure)))


def test_finds_count_only_where_the_picture_is_like_those_learned_from() -> None:
    boxes = [((1, 2, 30, 20), 0.9)]
    outputs = observe(GREY, Call(boxes=boxes))
    assert "The detector of licence plates finds 1 licence plate." in outputs.caption
    strange = "This picture is unlike those that the detector learned from: what it finds here is a guess"
    assert "found" not in kinds(observe(GREY, Call(boxes=boxes, notes=[strange])))


def test_each_sentence_has_its_evidence() -> None:
    lines = [line("EXIT", 0.98, 10)]
    outputs = observe(GREY, Call(lines=lines, faces=[(0, 0, 20, 20)], thing=("cat", 0.95, 3.9)))
    assert outputs.caption == " ".join(outputs.sentences.frame["sentence"])
    assert all(outputs.sentences.frame["evidence"])
    assert all(outputs.sentences.frame["measured by"])
    numbers = set(outputs.sentences.frame["number"].astype(str))
    assert {box.label for box in outputs.picture.boxes} <= numbers


def test_a_studio_without_a_task_says_what_is_missing() -> None:
    call = Call(missing="text_recognition")
    assert observe(GREY, call).text == ""
    assert call.said == ["The task text_recognition is not in this studio: what it would see is not said."]


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((255, 255, 255), "white"),
        ((0, 0, 0), "black"),
        ((255, 0, 0), "red"),
        ((0, 128, 0), "green"),
        ((0, 0, 255), "blue"),
        ((255, 255, 0), "yellow"),
        ((255, 165, 0), "orange"),
        ((139, 69, 19), "brown"),
        ((128, 0, 128), "purple"),
        ((255, 192, 203), "pink"),
        ((245, 245, 220), "white"),
        ((0, 0, 139), "dark blue"),
        ((135, 206, 235), "light blue"),
        ((64, 224, 208), "turquoise"),
    ],
)
def test_css_colours_have_their_plain_names(rgb: tuple[int, int, int], name: str) -> None:
    [colour] = colours(np.full((20, 30, 3), rgb, np.uint8))
    assert (colour.name, colour.share, colour.rgb) == (name, 1.0, rgb)


def test_shares_of_colours() -> None:
    rgb = np.full((100, 100, 3), 255, np.uint8)
    rgb[:, :30] = (220, 20, 20)
    rgb[:, 95:] = (40, 90, 210)
    found = colours(rgb)
    assert [(each.name, round(each.share, 2)) for each in found] == [("white", 0.65), ("red", 0.3), ("blue", 0.05)]
    assert [each.name for each in main_colours(found)] == ["white", "red"]


def test_light_of_plain_and_blurred_pictures() -> None:
    flat = light(GREY.rgb)
    assert (flat.sharpness, flat.detail_xy) == (None, None)
    assert flat.lightness == pytest.approx(53.6, abs=0.1)
    portrait = Image.open(EXAMPLES / "astronaut.jpg").rgb
    assert "not sharp" not in said(portrait)
    assert "not sharp" in said(cv2.GaussianBlur(portrait, (0, 0), 4))
    corner = np.zeros((90, 90, 3), np.uint8)
    corner[60:80, 65:85] = 255
    place_xy = light(corner).detail_xy
    assert place_xy is not None
    assert place_xy == pytest.approx((75 / 90, 70 / 90), abs=0.02)


def said(rgb: Any) -> str:
    return observe(Image(np.asarray(rgb, np.uint8)), Call()).caption


def test_words() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert (number_word(3), number_word(30)) == ("three", "30")
    assert place((40, 40, 60, 60), (100, 100)) == "in the middle"
    assert place((40, 90, 60, 100), (100, 100)) == "at the bottom"


def test_measures_of_a_picture() -> None:
    task: Any = Measures(None, "cpu")  # type: ignore[arg-type]
    outputs = task(MeasuresInputs(image=Image.open(EXAMPLES / "sign.png")), Call())
    assert outputs.names == ["dark turquoise"]
    assert outputs.summary == "Mostly dark turquoise."
    assert outputs.palette.resolution_wh == (480, 96)
    assert outputs.colours.frame["share"].sum() == pytest.approx(1, abs=0.05)
    assert task(CaptionInputs(image=GREY), Call()).caption


@pytest.mark.slow
def test_the_studios_own_tasks_are_asked(runtime: Runtime) -> None:
    sign = runtime.run("image_captioning", {"image": EXAMPLES / "sign.png"}).outputs
    assert "It reads “FERRY TO THE ISLAND” and “daily 9:30 and 17:00”." in sign.caption
    portrait = runtime.run("image_captioning", {"image": EXAMPLES / "astronaut.jpg"}).outputs
    assert "One face is seen" in portrait.caption
