"""What visual question answering takes and answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from backends.vqa.questions import MOST_QUESTIONS, questions_in
from studio.contract import Inputs, Outputs, Ui
from studio.errors import InvalidInput, TooLarge
from studio.media.image import Image
from studio.media.table import Table
from studio.results import BoxedImage


def _some(text: str) -> str:
    asked = questions_in(text)
    if not asked:
        raise InvalidInput("Ask something.", expected="a question in English", got="nothing")
    if len(asked) > MOST_QUESTIONS:
        raise TooLarge(
            "These are too many questions for one run.",
            expected=f"at most {MOST_QUESTIONS}, one a line",
            got=f"{len(asked)}",
        )
    return text


class QuestionInputs(Inputs):
    """A picture and what is asked about it."""

    image: Annotated[Image, Field(title="Picture", description="A photograph, a scan or a drawing.")]
    question: Annotated[
        str,
        Field(
            title="Question",
            description=f"In English. Several about the same picture: one a line, at most {MOST_QUESTIONS}.",
            min_length=1,
            max_length=2_000,
        ),
        AfterValidator(_some),
        Ui(lines=3, placeholder="What does the sign say?"),
    ]


class QuestionOutputs(Outputs):
    """The answers and what they rest on."""

    answer: Annotated[str, Field(title="Answer", description="Of the first question that was answered.")]
    answered: Annotated[
        bool, Field(title="Answered", description="Whether all questions were; a refusal is not an answer.")
    ]
    confidence: Annotated[
        float | None,
        Field(
            title="Confidence",
            description="0 to 1, of what the answer rests on: how surely the text was read, say. Nothing where no task "
            "gives one.",
        ),
    ]
    picture: Annotated[
        BoxedImage, Field(title="Evidence", description="What the answers rest on, by the number of the question.")
    ]
    answers: Annotated[
        Table, Field(title="Answers", description="Each question with its answer, its confidence and the reason.")
    ]
    program: Annotated[
        Table,
        Field(title="Program", description="What was done for the answers, step by step, and what came out of it."),
    ]
    notes: Annotated[list[str], Field(title="Notes", description="What the answers leave open.")]
