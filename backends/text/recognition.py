"""Reads documents: page by page, each page's lines in reading order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np

from backends.text.alphabet import mostly_latin
from backends.text.drawing import framed
from backends.text.engine import Engine
from backends.text.fields import TextInputs, TextOutputs
from backends.text.geometry import Quad
from backends.text.layout import reading_order, written
from backends.text.page import Progress, read_page
from backends.text.pages import chosen_pages
from studio.contract import Run
from studio.media.document import Document
from studio.media.file import File
from studio.media.image import Image
from studio.media.table import Table

_CORNERS = ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")
_FIRST_PX, _FURTHER_PX = 1_600, 1_000  # longest side of the pictures in the answer
_UNSURE = 0.75  # a mean score below which a page's text is called unsure


@dataclass(frozen=True)
class Line:
    """A line of a page, its corners in pixels of the page as it was given."""

    text: str
    score: float
    quad: Quad


@dataclass(frozen=True)
class Options:
    """How a page is to be read; see `TextInputs`."""

    writing: str = "automatic"
    straighten: bool = True
    min_score: float = 0.5


@dataclass(frozen=True)
class ReadPage:
    """A page that has been read.

    Attributes:
        lines: in reading order.
        text: of all lines, with tabs and blank lines where there are gaps.
        notes: what was done to the page, or is odd about it.
    """

    lines: list[Line]
    text: str
    notes: list[str]


@dataclass(frozen=True)
class _Numbered:
    """A page of a document that has been read.

    Attributes:
        number: from 1.
        resolution_wh: of the page as it was given, to which the lines' corners belong.
        framed: the page, small, with a frame around each line.
    """

    number: int
    resolution_wh: tuple[int, int]
    framed: Image
    page: ReadPage

    @property
    def lines(self) -> list[Line]:
        """In reading order."""
        return self.page.lines


@dataclass
class _Answer:
    """What is known so far."""

    document: Document
    count: int
    pages: list[_Numbered] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    downloads: list[File] = field(default_factory=list)

    def outputs(self) -> TextOutputs:
        lines = [line for page in self.pages for line in page.lines]
        return TextOutputs(
            summary=_summary(self.pages, lines, self.count),
            line_count=len(lines),
            mean_score=float(np.mean([line.score for line in lines])) if lines else None,
            page=self.pages[0].framed,
            text="\n\n".join(read.page.text for read in self.pages if read.page.text),
            lines=_table(self.pages),
            downloads=self.downloads,
            further_pages=[page.framed for page in self.pages[1:]],
            notes=self.notes,
        )


def recognise(engine: Engine, inputs: TextInputs, run: Run) -> Iterator[TextOutputs]:
    """Read the chosen pages, answering after each.

    Raises:
        InvalidInput: a page of the PDF is damaged.
    """
    numbers = chosen_pages(inputs.pages, inputs.file.page_count)
    answer = _Answer(inputs.file, len(numbers))
    options = Options(inputs.writing, inputs.straighten, inputs.min_score)
    for done, number in enumerate(numbers):

        def progress(fraction: float, note: str, done: int = done, number: int = number) -> None:
            where = f"Page {number}: " if len(numbers) > 1 else ""
            run.progress(0.95 * (done + fraction) / len(numbers), (where + note)[:1].upper() + (where + note)[1:])

        progress(0.0, "looking for text")
        image = inputs.file.page(number)
        page = read_in_order(engine, image, options, progress)
        shown = framed(image, [line.quad for line in page.lines], _FURTHER_PX if done else _FIRST_PX)
        answer.pages.append(_Numbered(number, image.resolution_wh, shown, page))
        where = f"Page {number}: " if inputs.file.page_count > 1 else ""
        answer.notes += [where + note for note in [*page.notes, *_doubts(page)]]
        if done + 1 < len(numbers):
            yield answer.outputs()
    run.progress(0.95, "Writing the files")
    answer.downloads = _downloads(inputs.file, answer)
    yield answer.outputs()


def read_in_order(
    engine: Engine, image: Image, options: Options = Options(), progress: Progress = lambda fraction, note: None
) -> ReadPage:
    """Read a page and put its lines, those that are sure enough, in order."""
    page = read_page(engine, image.rgb, straighten=options.straighten, progress=progress)
    latin = options.writing == "latin" or (
        options.writing == "automatic" and mostly_latin("".join(reading.free.text for *_, reading in page.found))
    )
    kept = []
    for quad, upright, readings in page.found:
        reading = readings.latin if latin else readings.free
        if reading.text and reading.score >= options.min_score:
            kept.append((Line(reading.text, reading.score, quad), upright))
    uprights = [upright for _, upright in kept]
    order = reading_order(uprights)
    text = written(order, uprights, [line.text for line, _ in kept])
    return ReadPage([kept[n][0] for n in order.numbers], text, page.notes)


def _doubts(page: ReadPage) -> list[str]:
    if not page.lines:
        return ["No text was found."]
    if float(np.mean([line.score for line in page.lines])) < _UNSURE:
        return ["The text was read unsurely: check it against the picture."]
    return []


def _summary(pages: list[_Numbered], lines: list[Line], count: int) -> str:
    said = f"{len(lines)} line{'s' * (len(lines) != 1)} of text" if lines else "No text was found"
    if count > 1:
        said += f" on {len(pages)} page{'s' * (len(pages) != 1)}" + (f" of {count}" if len(pages) < count else "")
    return f"{said}."


def _table(pages: list[_Numbered]) -> Table:
    import pandas

    rows = [
        (page.number, place, line.text, round(line.score, 4), *(round(float(x), 1) for x in line.quad.ravel()))
        for page in pages
        for place, line in enumerate(page.lines, start=1)
    ]
    return Table(pandas.DataFrame(rows, columns=["page", "line", "text", "score", *_CORNERS]), "lines.csv")


def _downloads(document: Document, answer: _Answer) -> list[File]:
    stem = PurePath(document.name).stem or "text"
    text = "\n\n".join(read.page.text for read in answer.pages)
    return [
        File(text.encode(), f"{stem}.txt"),
        File(json.dumps(_as_json(answer.pages), ensure_ascii=False, indent=1).encode(), f"{stem}.json"),
        File(_searchable(document, answer), f"{stem}_searchable.pdf"),
    ]


def _as_json(pages: list[_Numbered]) -> dict[str, object]:
    return {
        "pages": [
            {
                "page": page.number,
                "width": page.resolution_wh[0],
                "height": page.resolution_wh[1],
                "text": page.page.text,
                "lines": [
                    {
                        "text": line.text,
                        "score": round(line.score, 4),
                        "quad": [[round(float(x), 1), round(float(y), 1)] for x, y in line.quad],
                    }
                    for line in page.lines
                ],
            }
            for page in pages
        ]
    }


def _searchable(document: Document, answer: _Answer) -> bytes:
    """The document with its text as text; adds a note where pages had text before."""
    from backends.text import pdf

    lines = {page.number: [(line.text, line.quad) for line in page.lines] for page in answer.pages}
    if document.image is not None:
        return pdf.of_picture(document.image, lines[1])
    pages = {page.number: (page.resolution_wh, lines[page.number]) for page in answer.pages}
    data, had_text = pdf.with_text(document.data, pages)
    if had_text:
        named = ", ".join(str(number) for number in had_text)
        answer.notes.append(f"Has text of its own, which the searchable PDF keeps instead: page {named}.")
    return data
