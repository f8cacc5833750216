"""Shows a place in a document: a picture of the page with the passage marked, and the passage in its context."""

from __future__ import annotations

from backends.documents.fields import PageInputs, PageOutputs
from backends.documents.library import Document, Library
from backends.documents.parsers.parsed import Page
from backends.documents.parsers.pdf import page_picture
from studio.contract import Run
from studio.errors import InvalidInput
from studio.results import Box, BoxedImage

_CONTEXT_CHARACTERS = 600
#: Between the letters and the line around them.
_ROOM_PX = 4.0


def show_page(library: Library, document: Document, inputs: PageInputs, run: Run) -> PageOutputs:
    """The page that a citation names, with its span marked.

    Raises:
        InvalidInput: there is no such page or no such span on it.
    """
    pages = library.pages(document.id)
    if inputs.page_index >= len(pages):
        raise InvalidInput(
            "There is no such page.", field="page_index", expected=f"0 to {len(pages) - 1}", got=str(inputs.page_index)
        )
    page = pages[inputs.page_index]
    start, end = inputs.start, inputs.end or inputs.start
    if not start <= end <= len(page.text):
        raise InvalidInput(
            "There is no such place on the page.",
            field="end",
            expected=f"{start} to {len(page.text)}",
            got=str(end),
        )
    picture = _picture(library, document, inputs.page_index, start, end, run) if document.kind == "pdf" else None
    return PageOutputs(place=_place(document, page), page=picture, text=in_context(page.text, start, end))


def _picture(library: Library, document: Document, page_index: int, start: int, end: int, run: Run) -> BoxedImage:
    image, boxes = page_picture(library.data(document), page_index, start, end)
    if end > start and not boxes:
        run.note("The text of this page was read from a picture: the place on it is not known.")
    frames = [
        (left - _ROOM_PX, top - _ROOM_PX, right + _ROOM_PX, bottom + _ROOM_PX) for left, top, right, bottom in boxes
    ]
    return BoxedImage(image=image, boxes=[Box(xyxy=frame) for frame in frames])


def _place(document: Document, page: Page) -> str:
    return document.name if page.number is None else f"{document.name}, page {page.number} of {document.pages}"


def in_context(text: str, start: int, end: int) -> str:
    """Markdown of a span in bold with the text around it; nothing in the text itself is taken as Markdown."""
    before = text[max(0, start - _CONTEXT_CHARACTERS) : start]
    after = text[end : end + _CONTEXT_CHARACTERS]
    marked = " ".join(text[start:end].split())
    bold = f"**{escaped(marked)}**" if marked else ""
    left = ("… " if start > _CONTEXT_CHARACTERS else "") + escaped(before)
    right = escaped(after) + (" …" if end + _CONTEXT_CHARACTERS < len(text) else "")
    gap = "" if not before or not before[-1].isspace() else " "
    return f"{left.rstrip(' ')}{gap}{bold}{right}".strip()


_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>()#+-!|~&$"})


def escaped(text: str) -> str:
    """Text from a document as Markdown that shows it as it is: no link, picture or heading comes of it."""
    return text.translate(_MARKS)
