"""Word and PowerPoint files, by python-docx and python-pptx, after a look at the archive that they are."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from backends.documents.parsers.parsed import MAX_PAGES, Page, Parsed, Reading, Writer, too_many_pages
from studio.errors import AtelierError, InvalidInput
from studio.media.archive import Archive

if TYPE_CHECKING:
    from docx.table import Table as WordTable
    from docx.text.paragraph import Paragraph

_HEADING = re.compile(r"(?:heading|überschrift|titre) ?(\d)", re.IGNORECASE)


def read_docx(data: bytes, reading: Reading) -> Parsed:
    """The body in its order as one page: a Word file does not say where its pages end."""
    Archive(data, limits=reading.limits)  # sizes and ratio, before anything is unpacked
    try:
        from docx import Document

        writer = Writer()
        for number, item in enumerate(Document(io.BytesIO(data)).iter_inner_content()):
            if number % 200 == 0:
                reading.check()
            if hasattr(item, "rows"):
                _write_table(cast("WordTable", item), writer)
            else:
                _write_paragraph(item, writer)
    except AtelierError:
        raise
    except Exception as fault:
        raise _damaged("Word") from fault
    return Parsed("docx", [writer.page()])


def _write_paragraph(paragraph: Paragraph, writer: Writer) -> None:
    style = str(getattr(paragraph.style, "name", "") or "")
    heading = _HEADING.match(style)
    if style.lower() == "title":
        writer.heading(0, paragraph.text)
    elif heading:
        writer.heading(int(heading[1]), paragraph.text)
    elif style.lower().startswith("list"):
        writer.block(f"- {paragraph.text}" if paragraph.text.strip() else "", "\n")
    else:
        writer.block(paragraph.text)


def _write_table(table: WordTable, writer: Writer) -> None:
    for row in table.rows:
        writer.block(" | ".join(_distinct(cell.text.replace("\n", " ") for cell in row.cells)))


def _distinct(texts: Iterator[str]) -> list[str]:
    """Merged cells repeat their text."""
    kept: list[str] = []
    for text in texts:
        if not kept or kept[-1] != text:
            kept.append(text)
    return kept


def read_pptx(data: bytes, reading: Reading) -> Parsed:
    """A page per slide: its title, its texts and tables in reading order, its notes."""
    Archive(data, limits=reading.limits)
    try:
        from pptx import Presentation

        slides = Presentation(io.BytesIO(data)).slides
        if len(slides) > MAX_PAGES:
            raise too_many_pages(len(slides))
        pages = []
        for number, slide in enumerate(slides, 1):
            reading.check()
            pages.append(_slide(slide, number))
    except AtelierError:
        raise
    except Exception as fault:
        raise _damaged("PowerPoint") from fault
    return Parsed("pptx", pages)


def _slide(slide: Any, number: int) -> Page:
    writer = Writer()
    title = slide.shapes.title
    if title is not None and title.has_text_frame:
        writer.heading(1, title.text_frame.text)
    for shape in _shapes(slide.shapes):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if shape.has_text_frame:
            for paragraph in shape.text_frame.paragraphs:
                text = "".join(run.text for run in paragraph.runs)
                writer.block(f"- {text}" if paragraph.level else text, "\n")
        elif getattr(shape, "has_table", False):
            for row in shape.table.rows:
                writer.block(" | ".join(cell.text.replace("\n", " ") for cell in row.cells))
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        writer.block(slide.notes_slide.notes_text_frame.text)
    return writer.page(number)


def _shapes(shapes: Any) -> Iterator[Any]:
    """All shapes, those inside groups too."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        else:
            yield shape


def _damaged(program: str) -> InvalidInput:
    return InvalidInput(f"The {program} file is damaged.", expected=f"a complete {program} file")
