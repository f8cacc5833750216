"""The words around the numbers: names of classes, articles, verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from backends.pictures.model import Look, class_number, classify, verdict, with_article
from backends.pictures.overlay import RGB, Part
from backends.pictures.task import ClassificationInputs, ClassificationOutputs
from studio.errors import InvalidInput
from studio.media.image import Image

TEN = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MANY = (*(f"thing {number}" for number in range(30)), "tabby, tabby cat", "tiger cat", "Egyptian cat", "crane, bird")


@dataclass
class Sayer:
    """Answers what it is told to."""

    labels: Sequence[str]
    probabilities: list[float]
    likely: bool = True
    sure: float = 0.8
    least_familiarity: float | None = None
    unlikely: str = "None of them."
    advice: str = "Take another model."

    def look(self, rgb: RGB, *, quick: bool = False) -> Look:
        self.quick = quick

        def explain(number: int) -> list[Part]:
            heat = np.full((4, 4), self.probabilities[number], np.float32)
            return [Part(heat, (0, 0, rgb.shape[1], rgb.shape[0]))]

        return Look(np.array(self.probabilities), self.likely, np.zeros((32, 32, 3), np.uint8), explain)


class Call:
    live = False


def asked(model: Sayer, **more: object) -> ClassificationOutputs:
    picture = Image(np.full((40, 60, 3), 90, np.uint8))
    return classify(model, ClassificationInputs(image=picture, **more), Call())


def sayer(**probabilities: float) -> Sayer:
    rest = (1 - sum(probabilities.values())) / (len(TEN) - len(probabilities))
    return Sayer(TEN, [probabilities.get(label, rest) for label in TEN])


def test_a_sure_answer_names_one_class() -> None:
    outputs = asked(sayer(cat=0.9))
    assert (outputs.verdict, outputs.label, outputs.likely) == ("This is a cat.", "cat", True)
    assert outputs.notes == ["Colours: yellow places speak most for 'cat', violet ones not at all."]
    assert outputs.score == 0.9
    assert outputs.explained == "cat"
    assert outputs.overlay.resolution_wh == (60, 40)
    assert outputs.seen.resolution_wh == (448, 448)


def test_an_unsure_one_names_two_and_advises() -> None:
    outputs = asked(sayer(airplane=0.5, ship=0.4))
    assert outputs.verdict == "Probably an airplane, perhaps a ship."
    assert outputs.notes[0] == "Take another model."


def test_nothing_likely_is_said_whatever_the_scores() -> None:
    model = sayer(cat=0.9)
    model.likely = False
    outputs = asked(model)
    assert (outputs.verdict, outputs.likely, outputs.notes[0]) == ("None of them.", False, "Take another model.")
    assert outputs.label == "cat"


def test_the_list_is_as_long_as_asked_for_and_in_order() -> None:
    outputs = asked(sayer(dog=0.5, truck=0.3, bird=0.1), top_k=3)
    assert list(outputs.scores.root.items()) == [("dog", 0.5), ("truck", 0.3), ("bird", 0.1)]
    assert len(asked(sayer(cat=0.9)).scores.root) == 5


def test_another_class_is_explained_on_request() -> None:
    model = sayer(cat=0.9)
    best, other = asked(model, explain="  "), asked(model, explain=" Dog ")
    assert (best.explained, other.explained) == ("cat", "dog")
    assert other.notes == [
        "Colours: yellow places speak as much for 'dog' as any does for 'cat', violet ones not at all."
    ]
    yellow, violet = best.overlay.rgb[20, 30].astype(int), other.overlay.rgb[20, 30].astype(int)
    assert yellow[1] - yellow[2] > 50  # on one scale: there is little evidence for the dog
    assert violet[1] - violet[2] < 0


def test_an_unknown_class_is_an_error_that_lists_the_ten() -> None:
    with pytest.raises(InvalidInput, match="knows no 'lion'") as caught:
        asked(sayer(cat=0.9), explain="lion")
    shape = caught.value.shape()
    assert shape["field"] == "explain"
    assert shape["expected"] == f"one of {'; '.join(TEN)}"
    assert shape["got"] == "lion"


def test_classes_are_found_by_any_of_their_names() -> None:
    assert MANY[class_number(MANY, "Tabby")] == "tabby, tabby cat"
    assert MANY[class_number(MANY, "tabby, tabby cat")] == "tabby, tabby cat"
    assert MANY[class_number(MANY, "EGYPTIAN CAT")] == "Egyptian cat"


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [("cat", ["tabby, tabby cat", "tiger cat", "Egyptian cat"]), ("egiptian cat", ["Egyptian cat"]), ("zzz", None)],
)
def test_among_many_classes_like_ones_are_offered(wanted: str, offered: list[str] | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        class_number(MANY, wanted)
    expected = str(caught.value.expected)
    if offered is None:
        assert expected == "one of its 34 classes"
    else:
        assert all(label in expected for label in offered)


def test_a_name_of_two_classes_is_asked_about() -> None:
    with pytest.raises(InvalidInput, match="Several classes") as caught:
        class_number(("crane, bird", "crane, machine"), "crane")
    assert caught.value.expected == "one of crane, bird; crane, machine"


@pytest.mark.parametrize(
    ("label", "said"),
    [("airplane", "an airplane"), ("tabby, tabby cat", "a tabby"), ("umbrella", "an umbrella"),
     ("unicycle, monocycle", "a unicycle"), ("Egyptian cat", "an Egyptian cat")],
)  # fmt: skip
def test_articles(label: str, said: str) -> None:
    assert with_article(label) == said


def test_the_verdict_takes_the_first_names() -> None:
    model = Sayer(("tabby, tabby cat", "Egyptian cat"), [0.6, 0.4])
    assert verdict(model, np.array([0.6, 0.4])) == "Probably a tabby, perhaps an Egyptian cat."


def test_a_frame_of_a_webcam_is_looked_at_quickly() -> None:
    class Live:
        live = True

    model = sayer(cat=0.9)
    classify(model, ClassificationInputs(image=Image(np.zeros((9, 9, 3), np.uint8))), Live())
    assert model.quick
