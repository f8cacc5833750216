"""What the tasks about drawn scenes take and answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studio.contract import Inputs, Outputs, Ui
from studio.media.image import Image
from studio.media.table import Table
from studio.results import BoxedImage

Ground = Literal["plain", "sloping", "waved"]
_SEED = Annotated[
    int, Field(title="Seed", description="The same seed draws the same.", ge=0, le=2**31 - 1), Ui(advanced=True)
]


class Manner(Inputs):
    """How a network is to write."""

    beams: Annotated[
        int,
        Field(title="Beams", description="How many beginnings of a sentence are followed at once.", ge=1, le=8),
        Ui(advanced=True),
    ] = 1
    most_words: Annotated[
        int,
        Field(title="Longest", description="The network stops after so many words.", ge=5, le=42),
        Ui(unit="words", advanced=True),
    ] = 42
    sampling: Annotated[
        bool,
        Field(title="Draw the words", description="Words are drawn by chance, by their probability; beams are off."),
        Ui(advanced=True),
    ] = False
    temperature: Annotated[
        float,
        Field(title="Temperature", description="Of the drawing: higher is more varied.", ge=0.1, le=2),
        Ui(step=0.1, advanced=True),
    ] = 1.0
    seed: _SEED = 0


class CompositionInputs(Inputs):
    """A scene in words, and how it is shown."""

    things: Annotated[
        str,
        Field(
            title="Things",
            description="One a line, at most seven in all: number, size, colour, pattern, kind, place. Kinds: circle, "
            "ring, square, triangle, star, cross, diamond, heart, and the figures 0 to 9.",
            min_length=1,
            max_length=1_000,
        ),
        Ui(lines=5, placeholder="a large striped red star, top left\nthree small blue circles"),
    ]
    ground: Annotated[
        Ground, Field(title="Ground", description="What lies behind the things: even, sloping or waved.")
    ] = "plain"
    askew: Annotated[
        float, Field(title="Askew", description="How far the picture is seen from the side.", ge=0, le=1), Ui(step=0.05)
    ] = 0.0
    noise: Annotated[
        float,
        Field(title="Noise", description="1 is the most that the network has learned from.", ge=0, le=3),
        Ui(step=0.1),
    ] = 0.0
    seed: _SEED = 0


class CompositionOutputs(Outputs):
    """The scene, the words for it, and the network's."""

    picture: Annotated[Image, Field(title="Scene", description="480 px; the network sees 96.")]
    caption: Annotated[str, Field(title="The network's words", description="Written from the picture alone.")]
    truth: Annotated[str, Field(title="What is in it", description="By the rules of the grammar.")]
    right: Annotated[bool, Field(title="All things right", description="Whether the network names them all.")]
    words: Annotated[Table, Field(title="Word by word", description="The network's words with their probabilities.")]
    notes: Annotated[list[str], Field(title="Notes", description="What the network got wrong, and what is strange.")]


class DescriptionInputs(Manner):
    """A picture of a drawn scene."""

    image: Annotated[Image, Field(title="Picture", description="A drawn scene; its middle square is looked at.")]


class DescriptionOutputs(Outputs):
    """A caption, and how the network came to it."""

    caption: Annotated[str, Field(title="Caption", description="What the network writes.")]
    score: Annotated[float | None, Field(title="Score", description="The mean probability of its words, 0 to 1.")]
    words: Annotated[Table, Field(title="Words", description="Each with its probability.")]
    attention: Annotated[
        list[Image], Field(title="Attention", description="The picture, dark where the network did not look.")
    ]
    strangeness: Annotated[
        float,
        Field(
            title="Strangeness",
            description="How far the picture is from drawn scenes; above 1 it is farther than 99 % of them.",
        ),
    ]


class SceneQuestionInputs(Inputs):
    """A picture of a drawn scene, and a question."""

    image: Annotated[Image, Field(title="Picture", description="A drawn scene; its middle square is looked at.")]
    question: Annotated[
        str,
        Field(title="Question", description="In English, of the forms that are shown.", min_length=1, max_length=200),
        Ui(placeholder="How many red things are there?"),
    ]


class SceneAnswerOutputs(Outputs):
    """An answer, or why there is none."""

    answer: Annotated[str, Field(title="Answer", description="Empty if the question is not understood.")]
    confidence: Annotated[float | None, Field(title="Confidence", description="The answer's probability, 0 to 1.")]
    unknown: Annotated[list[str], Field(title="Unknown words", description="Words that the network never learned.")]
    picture: Annotated[
        BoxedImage, Field(title="Evidence", description="The things without which the answer would be less likely.")
    ]
    strangeness: Annotated[
        float,
        Field(
            title="Strangeness",
            description="How far the picture is from drawn scenes; above 1 it is farther than 99 % of them.",
        ),
    ]
