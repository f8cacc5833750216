"""Programs run over literal answers of other tasks: what is answered, what it rests on, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import pytest

from backends.vqa.fields import QuestionInputs
from backends.vqa.tool_answers import ToolAnswers
from bench.bare import BareRun
from studio.errors import AtelierError, NotFound
from studio.media.image import Image
from studio.media.table import Table
from studio.results import Box, BoxedImage
from studio.runtime import Runtime

PICTURE = Image(np.full((90, 120, 3), 128, np.uint8))
RECEIPT = ("CAFE MIRADOR", "8 Mill Street", "21/03/2024", "2 x Coffee 5.60", "TOTAL 12.20", "Cash 20.00", "Change 7.80")


class Answer:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


class Call(BareRun):
    """Other tasks, with literal answers."""

    def __init__(self, **told: Any) -> None:
        super().__init__()
        self.told = {
            "lines": (),
            "faces": (),
            "boxes": (),
            "notes": [],
            "plates": (),
            "kind": ("cat", 0.99, True),
        } | told
        self.asked: list[str] = []

    def call(self, task: str, payload: Any, adapter: str | None = None, until: float | None = None) -> Any:
        self.asked.append(task)
        told = self.told
        if told.get("missing") == task:
            raise NotFound(f"There is no task {task!r}.")
        match task:
            case "text_recognition":
                return Answer(lines=Table(lines(told["lines"]), ""))
            case "face_identification":
                boxes = [Box(xyxy=box, label="Ada 0.2") for box in told["faces"]]
                return Answer(image=BoxedImage(image=payload["image"], boxes=boxes))
            case "object_detection":
                boxes = [Answer(xyxy=box, score=score, label=label) for box, score, label in told["boxes"]]
                return Answer(boxes=boxes, notes=told["notes"], summary=f"{len(boxes)} found")
            case "licence_plates":
                frame = pandas.DataFrame([{"text": text, "score": 0.8} for text in told["plates"]])
                boxes = [Box(xyxy=(1, 2, 30, 12)) for _ in told["plates"]]
                marked = BoxedImage(image=payload["image"], boxes=boxes)
                return Answer(verdict="...", plates=Table(frame, ""), marked=marked)
            case "image_classification":
                label, score, likely = told["kind"]
                return Answer(label=label, score=score, likely=likely, verdict=f"This is a {label}.")
            case "image_measures":
                height, width = payload["image"].rgb.shape[:2]
                colours = pandas.DataFrame({"colour": ["grey"], "share": [1.0]})
                said = f"Mostly grey, {width} x {height}."
                return Answer(summary=said, lightness=20.0, sharpness=0.5, colours=Table(colours, ""))
        assert task == "image_captioning"
        return Answer(caption="This is a picture.", facts=[1], picture=BoxedImage(image=payload["image"]))


def lines(texts: Any) -> Any:
    records = []
    for number, text in enumerate(texts):
        top = 20 * number
        corners = {"x1": 5, "y1": top, "x2": 90, "y2": top, "x3": 90, "y3": top + 12, "x4": 5, "y4": top + 12}
        records.append({"text": text, "score": 0.9 + number / 100, **corners})
    return pandas.DataFrame(records, columns=["text", "score", *(f"{axis}{n}" for n in range(1, 5) for axis in "xy")])


def ask(question: str, call: Call | None = None) -> Any:
    tools = ToolAnswers(None, "cpu")  # type: ignore[arg-type]
    return tools(QuestionInputs(image=PICTURE, question=question), call or Call())


def test_a_receipt_is_read_once_for_several_questions() -> None:
    call = Call(lines=RECEIPT)
    outputs = ask("What is the total?\nAnd the date?\nWhich company?\nHow much is the coffee?", call)
    assert list(outputs.answers.frame["answer"]) == ["12.20", "21/03/2024", "CAFE MIRADOR", "5.60"]
    assert outputs.answer == "12.20"
    assert outputs.answered
    assert outputs.confidence == pytest.approx(0.94)
    assert [(box.label, box.xyxy[1]) for box in outputs.picture.boxes] == [("1", 80), ("2", 40), ("3", 0), ("4", 60)]
    assert call.asked == ["text_recognition"]
    program = outputs.program.frame
    assert list(program["question"]) == [1, 1, 1, 2, 2, 3, 3, 4, 4]
    assert "text_recognition" in program["step"][1]


def test_text() -> None:
    call = Call(lines=("FERRY TO THE ISLAND", "daily 9:30"))
    assert ask("What does the sign say?", call).answer == "FERRY TO THE ISLAND\ndaily 9:30"
    assert ask('Does it say "the island"?', call).answer == "Yes."
    assert ask('Does it say "exit"?', call).answer.startswith("No")
    assert ask("How many words?", call).answer == "6"
    nothing = ask("What does the sign say?")
    assert (nothing.answered, nothing.answer) == (False, "No text was found in the picture.")
    assert not ask("What is the total?").answered


def test_people_are_faces_and_have_no_names() -> None:
    call = Call(faces=[(0, 0, 20, 20), (90, 40, 110, 60)])
    outputs = ask("How many people?\nWhere are the faces?\nWho is this?", call)
    answers = list(outputs.answers.frame["answer"])
    assert answers[0] == "2: so many faces are seen."
    assert answers[1] == "Top left, right."
    assert list(outputs.answers.frame["answered"]) == ["yes", "yes", "no"]
    assert "Ada" not in outputs.model_dump_json()
    assert ask("How many people?").answer == "No face is seen."


def test_specialists_count() -> None:
    boxes = [((0, 0, 9, 9), 0.9, "red cell"), ((9, 9, 20, 20), 0.7, "red cell"), ((50, 50, 60, 60), 0.6, "platelet")]
    call = Call(boxes=boxes)
    outputs = ask("How many red cells?\nHow many cells?", call)
    assert list(outputs.answers.frame["answer"]) == ["2", "3"]
    assert outputs.confidence == 0.7
    assert call.asked == ["object_detection"]
    strange = ask("How many cells?", Call(boxes=boxes, notes=["This picture is unlike those that it learned from."]))
    assert not strange.answered


def test_what_nothing_can_find_is_refused_and_the_hub_offered() -> None:
    for question in (
        "What colour is the car on the left?",
        "How many dogs?",
        "Where is the ball?",
        "Is it an elephant?",
    ):
        outputs = ask(question)
        assert not outputs.answered
        assert "Nothing here can" in outputs.answer
        assert "BLIP" in outputs.notes[0]


def test_plates() -> None:
    outputs = ask("What does the licence plate say?", Call(plates=["AB 123"]))
    assert (outputs.answer, outputs.confidence) == ("AB 123", 0.8)
    assert not ask("What does the licence plate say?").answered


def test_colours_and_light_are_measured_where_it_is_asked() -> None:
    assert ask("What colour is it?").answer == "Mostly grey, 120 x 90."
    left = ask("What colour is the left side?")
    assert left.answer == "Mostly grey, 40 x 90."
    assert left.picture.boxes[0].xyxy == (0, 0, 40, 90)
    faces = Call(faces=[(0, 0, 20, 20), (90, 40, 110, 50)])
    assert ask("What colour is the face on the right?", faces).answer == "Mostly grey, 20 x 10."
    assert ask("Is it dark?").answer == "Yes."
    assert ask("Is it blurred?").answer == "No."
    assert ask("What is the resolution?").answer == "120 x 90 pixels, landscape."


def test_things_are_named_where_the_classifier_is_sure() -> None:
    assert "a cat" in ask("What is this?").answer
    assert ask("Is it a cat?").answer == "Yes."
    assert ask("Is this a car?").answer == "No: rather a cat."
    for kind in (("cat", 0.99, False), ("cat", 0.6, True)):
        assert not ask("What is this?", Call(kind=kind)).answered


def test_unknown_forms_and_other_languages_are_refused() -> None:
    why = ask("Why is the sky blue?")
    assert (why.answered, why.answer) == (False, "This form of question is not known here.")
    assert "What is the total" in why.notes[0]
    assert ask("¿Qué dice el letrero?").answer == "Questions are understood in English only."


def test_a_studio_without_a_task_refuses() -> None:
    outputs = ask("What does it say?", Call(missing="text_recognition"))
    assert outputs.answer == "A task that this needs is not in this studio."


@pytest.mark.parametrize("question", ["", "  \n ", "x" * 10_000, "\n".join(["What is this?"] * 11)])
def test_questions_that_are_none(runtime: Runtime, question: str) -> None:
    with pytest.raises(AtelierError) as error:
        runtime.run("visual_question_answering", {"image": PICTURE, "question": question})
    assert getattr(error.value, "field", None) == "question"
