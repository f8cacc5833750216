"""The inputs and outputs of the text tasks."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from backends.text.pages import MOST_PAGES, chosen_pages
from studio.contract import Inputs, Outputs, Ui
from studio.media.document import Document
from studio.media.file import File
from studio.media.image import Image
from studio.media.table import Table
from studio.results import BoxedImage


class TextInputs(Inputs):
    """A picture or a PDF."""

    file: Annotated[
        Document,
        Field(title="Picture or PDF", description="A photograph, a screenshot, a scan; a PDF page by page."),
        Ui(accept=(".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".pdf")),
    ]
    pages: Annotated[
        str,
        Field(
            title="Pages", description=f"Of a PDF: 1-3, 7. Empty: all of them; at most {MOST_PAGES}.", max_length=200
        ),
        Ui(placeholder="all"),
    ] = ""
    writing: Annotated[
        Literal["automatic", "latin", "any"],
        Field(
            title="Writing",
            description="latin reads letters, digits and signs of Latin alphabets only; any reads Chinese and "
            "Japanese too. automatic takes latin for a page that is nearly all Latin.",
        ),
        Ui(advanced=True),
    ] = "automatic"
    straighten: Annotated[
        bool,
        Field(title="Straighten", description="Turn a page that lies on its side, stands on its head or is askew."),
        Ui(advanced=True),
    ] = True
    min_score: Annotated[
        float,
        Field(title="Least confidence", description="Lines read less surely are left out.", ge=0, le=1),
        Ui(step=0.05, advanced=True),
    ] = 0.5

    @model_validator(mode="after")
    def _pages_are_there(self) -> Self:
        chosen_pages(self.pages, self.file.page_count)
        return self


class TextOutputs(Outputs):
    """What is written, where, and how sure that is."""

    summary: Annotated[str, Field(title="Summary", description="How much was read.")]
    line_count: Annotated[int, Field(title="Lines", description="Lines of text on all pages.")]
    mean_score: Annotated[
        float | None, Field(title="Mean confidence", description="Over the lines, 0 to 1; nothing without any.")
    ]
    page: Annotated[
        Image, Field(title="First page", description="With a frame around each line, numbered in reading order.")
    ]
    text: Annotated[
        str,
        Field(
            title="Text",
            description="In reading order: columns one after the other, rows of a table side by side with tabs.",
        ),
        Ui(lines=14),
    ]
    lines: Annotated[
        Table,
        Field(
            title="Lines",
            description="Page, number, text and score of each line, and its corners in pixels of the page: x1, y1 is "
            "where the writing begins on top, then clockwise.",
        ),
    ]
    downloads: Annotated[
        list[File],
        Field(title="Downloads", description="The text, the lines as JSON, and a PDF in which the text can be found."),
    ]
    further_pages: Annotated[
        list[Image], Field(title="Further pages", description="The other pages of a PDF, framed alike.")
    ]
    notes: Annotated[list[str], Field(title="Notes", description="What was done to a page, or is odd about it.")]


class PlateInputs(Inputs):
    """A picture with licence plates."""

    image: Annotated[
        Image,
        Field(title="Picture", description="A photograph of one or several vehicles, or of a single plate."),
        Ui(camera=False),
    ]
    shows: Annotated[
        Literal["vehicles", "one plate"],
        Field(title="It shows", description="one plate: the picture is a plate already cut out; nothing is searched."),
    ] = "vehicles"
    country: Annotated[
        Literal["unknown", "Europe", "United States", "Brazil"],
        Field(title="Country", description="Whose plates' usual forms are preferred where letters are in doubt."),
    ] = "unknown"
    min_score: Annotated[
        float,
        Field(
            title="Least confidence",
            description="Plates that the detector is less sure of are left out.",
            ge=0.01,
            le=0.99,
        ),
        Ui(step=0.05, advanced=True),
    ] = 0.25


class PlateOutputs(Outputs):
    """The plates, how they were read, and how sure that is."""

    verdict: Annotated[str, Field(title="Plates", description="What is written on them, the surest first.")]
    marked: Annotated[BoxedImage, Field(title="Picture", description="With a box around each plate.")]
    steps: Annotated[
        Image | None,
        Field(title="Steps", description="Each plate as it was cut out, straightened, and enhanced."),
        Ui(wide=True),
    ]
    plates: Annotated[
        Table,
        Field(
            title="Readings",
            description="Text, score, form it fits, second-best reading, the detector's score, and the box in pixels.",
        ),
    ]
    notes: Annotated[list[str], Field(title="Notes", description="What is odd about the picture or a plate.")]
