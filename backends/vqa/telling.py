"""Puts answers into words, boxes and tables; the same for every model of the family."""

from __future__ import annotations

from backends.vqa.answer import HUB, Answer
from backends.vqa.fields import QuestionOutputs
from backends.vqa.lines import BoxXyxy
from studio.media.image import Image
from studio.media.table import Table
from studio.results import Box, BoxedImage


def outputs(
    image: Image, questions: list[str], answers: list[Answer], steps: list[tuple[int, str, str]]
) -> QuestionOutputs:
    """The answers to questions about a picture.

    Args:
        steps: number of the question, what was done, what came of it.
    """
    best = next((answer for answer in answers if answer.answered), answers[0])
    asked_of: dict[BoxXyxy, list[str]] = {}  # several answers may rest on one thing
    for number, each in enumerate(answers, 1):
        for box in each.boxes:
            asked_of.setdefault(box, []).append(str(number))
    return QuestionOutputs(
        answer=best.text,
        answered=all(answer.answered for answer in answers),
        confidence=best.confidence,
        picture=BoxedImage(
            image=image, boxes=[Box(xyxy=box, label=", ".join(numbers)) for box, numbers in asked_of.items()]
        ),
        answers=_table(questions, answers),
        program=_program(steps),
        notes=_notes(questions, answers),
    )


def _notes(questions: list[str], answers: list[Answer]) -> list[str]:
    several = len(answers) > 1
    notes = []
    for number, (question, answer) in enumerate(zip(questions, answers, strict=True), 1):
        lead = f"Question {number}: " if several else ""
        if not answer.answered:
            notes.append(f"{lead}{answer.because or HUB}")
        elif several:
            notes.append(f"{question} {answer.text}")
    return notes


def _table(questions: list[str], answers: list[Answer]) -> Table:
    import pandas

    rows = [
        (
            number,
            question,
            answer.text,
            "yes" if answer.answered else "no",
            None if answer.confidence is None else round(answer.confidence, 3),
            answer.because,
        )
        for number, (question, answer) in enumerate(zip(questions, answers, strict=True), 1)
    ]
    columns = ["number", "question", "answer", "answered", "confidence", "because"]
    return Table(pandas.DataFrame(rows, columns=columns), "answers.csv")


def _program(steps: list[tuple[int, str, str]]) -> Table:
    import pandas

    return Table(pandas.DataFrame(steps, columns=["question", "step", "result"]), "program.csv")
