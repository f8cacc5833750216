"""What the captioning tasks take and answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from backends.captioning.facts import Fact
from studio.contract import Inputs, Outputs, Ui
from studio.media.image import Image
from studio.media.table import Table
from studio.results import BoxedImage, Kind

#: How much is written: a sentence, a few, or a paragraph.
Detail = Literal["sentence", "sentences", "paragraph"]


class CaptionInputs(Inputs):
    """A picture, and how a network from the hub is to write about it."""

    image: Annotated[Image, Field(title="Picture", description="A photograph or a drawing of any size.")]
    detail: Annotated[
        Detail,
        Field(
            title="Detail",
            description="How much Florence-2 is asked to write; a paragraph needs over 40 words. Others ignore it.",
        ),
        Ui(advanced=True),
    ] = "sentence"
    beams: Annotated[
        int,
        Field(
            title="Beams",
            description="How many beginnings of a sentence a network follows at once. Observations ignore it.",
            ge=1,
            le=8,
        ),
        Ui(advanced=True),
    ] = 3
    most_words: Annotated[
        int,
        Field(title="Longest", description="A network stops after so many word pieces.", ge=5, le=200),
        Ui(unit="tokens", advanced=True),
    ] = 40
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
    seed: Annotated[
        int,
        Field(title="Seed", description="The same seed draws the same words.", ge=0, le=2**31 - 1),
        Ui(advanced=True),
    ] = 0


class CaptionOutputs(Outputs):
    """What is said about the picture, and what it rests on."""

    caption: Annotated[str, Field(title="Caption", description="All sentences.")]
    score: Annotated[
        float | None,
        Field(
            title="Score",
            description="A network's mean probability of its words, 0 to 1; observations have one for each sentence.",
        ),
    ]
    picture: Annotated[
        BoxedImage,
        Field(title="Evidence", description="Boxes with the numbers of the sentences that rest on them."),
    ]
    sentences: Annotated[
        Table, Field(title="Sentences", description="Each with what was measured, by which task, and how sure it is.")
    ]
    attention: Annotated[
        list[Image],
        Field(title="Attention", description="Where a network looked for each word; none for observations."),
    ]
    text: Annotated[
        str, Field(title="Text in the picture", description="All that was read; empty for networks."), Ui(advanced=True)
    ]
    facts: Annotated[
        list[Fact],
        Field(title="Sentences as data", description="With their boxes, for programs."),
        Kind("json"),
        Ui(advanced=True),
    ]
    notes: Annotated[list[str], Field(title="Notes", description="What could not be said, and what would help.")]


class MeasuresInputs(Inputs):
    """A picture."""

    image: Annotated[Image, Field(title="Picture", description="A photograph or a drawing of any size.")]


class MeasuresOutputs(Outputs):
    """What can be measured without knowing what is shown."""

    summary: Annotated[str, Field(title="Colours", description="The main colours by name.")]
    names: Annotated[
        list[str], Field(title="Names", description="The main colours, the largest first."), Ui(advanced=True)
    ]
    lightness: Annotated[float, Field(title="Lightness", description="Mean L* of CIELAB: 0 is black, 100 is white.")]
    contrast: Annotated[float, Field(title="Contrast", description="Standard deviation of the lightness.")]
    sharpness: Annotated[
        float | None,
        Field(
            title="Sharpness",
            description="Strength of the finest edges over the spread of the grey levels; nothing for an even picture.",
        ),
    ]
    palette: Annotated[Image, Field(title="Palette", description="Each colour as broad as its share.")]
    colours: Annotated[
        Table, Field(title="Table", description="Each colour with the mean of its pixels and its share of the area.")
    ]
