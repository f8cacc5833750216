"""What tasks answer with, beside media: boxes over a picture, scores, marked-up text and plots."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, SerializeAsAny

from studio.media.image import Image


class Box(BaseModel):
    """A labelled rectangle in a picture, in pixels of that picture.

    Attributes:
        xyxy: left, top, right, bottom.
        label: what it is.
        score: the model's confidence in 0..1, where it gives one.
        points: marked places that belong to it (x, y), such as a face's landmarks.
        accent: whether to draw it in the accent colour: the box that the answer is about.
    """

    xyxy: tuple[float, float, float, float]
    label: str = ""
    score: float | None = None
    points: list[tuple[float, float]] = Field(default_factory=list)
    accent: bool = True


class BoxedImage(BaseModel):
    """A picture and the boxes found in it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    image: Image
    boxes: list[Box] = Field(default_factory=list)


class Scores(RootModel[dict[str, float]]):
    """Label to score, best first; a probability unless the field says otherwise."""


class Plot(RootModel[dict[str, Any]]):
    """A Vega-Lite 5 or 6 specification with its data inside."""


class Source(BaseModel):
    """Something that an answer cites by its number; a family says where it is by overriding the properties.

    Attributes:
        number: as the answer cites it, from 1.
        quote: the words that the answer rests on.
    """

    number: int
    quote: str

    @property
    def title(self) -> str:
        """Where it is, in a line: a document and its page."""
        return ""

    @property
    def place(self) -> dict[str, Any]:
        """The inputs of the task that shows it; see `studio.contract.Chat`."""
        return {}


class Message(BaseModel):
    """One message of a conversation; a field of `list[Message]` is a chat. `sources` are what an answer cites."""

    role: Literal["user", "assistant"]
    content: str
    sources: list[SerializeAsAny[Source]] = Field(default_factory=list)


class Kind:
    """Marks a field as a kind that its Python type alone does not tell."""

    def __init__(self, name: str) -> None:
        self.name = name


Markdown = Annotated[str, Kind("markdown")]
