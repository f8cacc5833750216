"""Filters, counts, notes and files, on literal boxes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from io import BytesIO

import numpy as np
import pandas as pd
import pytest

from backends.detection.detector import Wanted
from backends.detection.drawing import COLOURS, labels
from backends.detection.fields import DetectionInputs, DetectionOutputs, FoundBox
from backends.detection.operations import answer, chosen
from studio.contract import Inputs
from studio.errors import InvalidInput
from studio.media.image import Image
from tests.backends.detection.conftest import Call, Fake

CAT = (10, 20, 50, 80, 0.9, 0)
DOG = (60, 30, 100, 90, 0.8, 1)
FAINT = (5, 5, 15, 15, 0.3, 0)
PICTURE = Image(np.full((100, 200, 3), 90, np.uint8), "yard.jpg")


def found(
    *rows: tuple[float, ...], run: Call | None = None, fake: Fake | None = None, **asked: object
) -> DetectionOutputs:
    outputs = answer(fake or Fake(*rows), DetectionInputs(image=PICTURE, **asked), run or Call())
    assert isinstance(outputs, DetectionOutputs)
    return outputs


def test_what_is_found_is_counted_listed_and_drawn() -> None:
    outputs = found(FAINT, DOG, CAT)
    assert outputs.summary == "3 found: 2 cat, 1 dog."
    assert outputs.counts == {"cat": 2, "dog": 1}
    assert outputs.boxes[0] == FoundBox(label="cat", score=0.9, xyxy=(10, 20, 50, 80))
    assert [box.score for box in outputs.boxes] == [0.9, 0.8, 0.3]
    assert outputs.table.frame.to_dict("records")[1] == {
        "class": "dog", "score": 0.8, "left": 60, "top": 30, "right": 100, "bottom": 90,
    }  # fmt: skip
    colour = tuple(int(COLOURS[1][place : place + 2], 16) for place in (1, 3, 5))
    assert tuple(outputs.picture.rgb[60, 60]) == colour, "the dog's left edge is in the colour of its class"
    assert (outputs.picture.rgb[60, 150] == 90).all()
    assert (PICTURE.rgb == 90).all(), "the picture that came in is as it was"
    assert outputs.notes == []


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"confidence": 0.5}, [0.9, 0.8]),
        ({"confidence": 0.3}, [0.9, 0.8, 0.3]),
        ({"classes": "Dog"}, [0.8]),
        ({"classes": "dog,  CAT ,"}, [0.9, 0.8, 0.3]),
        ({"most": 1}, [0.9]),
        ({"most": 1, "classes": "dog"}, [0.8]),
    ],
)
def test_what_is_not_wanted_is_left_out(asked: dict[str, object], kept: list[float]) -> None:
    assert [box.score for box in found(FAINT, DOG, CAT, **asked).boxes] == kept


def test_an_unknown_class_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as error:
        chosen(("cat", "red cup"), "cat, giraffe")
    assert (error.value.field, error.value.got) == ("classes", "giraffe")
    assert "cat, red cup" in error.value.expected
    assert chosen(("cat", "red cup"), "RED  cup") == {1}
    assert chosen(("cat",), " , ") is None


def test_nothing_found_says_what_the_specialist_knows_and_where_the_general_one_is() -> None:
    outputs = found()
    assert outputs.summary == "Nothing found."
    told = " ".join(outputs.notes)
    for part in (
        "knows cat, dog and red cup, and nothing else",
        "D-FINE N",
        "15 MB",
        "Apache-2.0",
        "confidence of 0.25",
    ):
        assert part in told
    assert len(outputs.table.frame) == 0
    general = " ".join(found(fake=Fake(specialist=False)).notes)
    assert "3 classes: cat, dog, red cup" in general
    assert "D-FINE" not in general


def test_a_strange_picture_is_said_to_be_one_even_where_boxes_were_found() -> None:
    told = " ".join(found(fake=Fake(CAT, strange=True)).notes)
    assert "unlike those that the detector learned from" in told
    assert "D-FINE N" in told


def test_a_cut_list_is_said_to_be_one() -> None:
    assert "only the best 2" in " ".join(found(CAT, DOG, FAINT, most=2).notes)
    assert found(CAT, DOG, most=3).notes == []


def test_the_files_hold_the_boxes_in_their_own_ways() -> None:
    files = {file.name: file.data for file in found(CAT, DOG).files}
    assert sorted(files) == [
        "classes.txt", "detections.coco.json", "detections.csv", "detections.voc.xml", "detections.yolo.txt",
    ]  # fmt: skip
    coco = json.loads(files["detections.coco.json"])
    assert coco["images"] == [{"id": 1, "file_name": "yard.jpg", "width": 200, "height": 100}]
    assert [category["name"] for category in coco["categories"]] == ["cat", "dog", "red cup"]
    first = coco["annotations"][0]
    assert (first["bbox"], first["area"], first["category_id"], first["score"]) == ([10, 20, 40, 60], 2400, 1, 0.9)
    assert files["classes.txt"].decode() == "cat\ndog\nred cup\n"
    rows = [[float(part) for part in line.split()] for line in files["detections.yolo.txt"].decode().splitlines()]
    assert np.allclose(rows, [[0, 0.15, 0.5, 0.2, 0.6], [1, 0.4, 0.6, 0.2, 0.6]])
    voc = ElementTree.fromstring(files["detections.voc.xml"].decode())
    assert [voc.findtext(path) for path in ("filename", "size/width", "size/height", "object/name")] == [
        "yard.jpg", "200", "100", "cat",
    ]  # fmt: skip
    assert voc.findtext("object/bndbox/xmin") in ("10", "11"), "Pascal VOC may count pixels from 1"
    table = pd.read_csv(BytesIO(files["detections.csv"]))
    assert table["class"].tolist() == ["cat", "dog"]


def test_files_of_nothing_are_whole_files() -> None:
    files = {file.name: file.data.decode() for file in found().files}
    assert json.loads(files["detections.coco.json"])["annotations"] == []
    assert files["detections.yolo.txt"] == ""
    assert ElementTree.fromstring(files["detections.voc.xml"]).find("object") is None


def test_a_hostile_name_stays_text_in_the_files() -> None:
    image = Image(PICTURE.rgb, '../<x>&"q".jpg')
    outputs = answer(Fake(CAT), DetectionInputs(image=image), Call())
    assert isinstance(outputs, DetectionOutputs)
    files = {file.name: file.data.decode() for file in outputs.files}
    assert ElementTree.fromstring(files["detections.voc.xml"]).findtext("filename") == image.name
    assert json.loads(files["detections.coco.json"])["images"][0]["file_name"] == image.name


def test_a_webcam_s_frame_has_no_files() -> None:
    assert found(CAT, run=Call(live=True)).files == []


def test_labels_get_shorter_in_a_crowd() -> None:
    def shown(count: int) -> list[str]:
        rows = [(i, 0, i + 5, 9, 0.9, 2) for i in range(count)]
        return labels(Fake(*rows).detect(PICTURE.rgb, Wanted()))

    assert shown(2) == ["red cup 0.90"] * 2
    assert shown(12) == ["red cup"] * 12


def test_inputs_of_another_family_are_refused() -> None:
    class Other(Inputs):
        pass

    with pytest.raises(TypeError, match="Other"):
        answer(Fake(), Other(), Call())
