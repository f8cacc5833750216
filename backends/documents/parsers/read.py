"""Reads any document: finds out what a file is by its bytes and its name, and gives it to its parser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from backends.documents.parsers.epub import read_epub
from backends.documents.parsers.kinds import kind_of_file
from backends.documents.parsers.markdown import read_markdown
from backends.documents.parsers.office import read_docx, read_pptx
from backends.documents.parsers.parsed import Page, Parsed, Reading
from backends.documents.parsers.pdf import read_pdf
from backends.documents.parsers.plain import read_plain
from backends.documents.parsers.rows import read_rows
from backends.documents.parsers.web import read_html
from studio.errors import InvalidInput

Parser = Callable[[bytes, Reading], Parsed]

_PARSERS: dict[str, Parser] = {
    "pdf": read_pdf,
    "docx": read_docx,
    "pptx": read_pptx,
    "epub": read_epub,
    "html": read_html,
    "markdown": read_markdown,
    "csv": read_rows,
    "text": read_plain,
}


def read_document(data: bytes, name: str, reading: Reading) -> Parsed:
    """A file as pages of text.

    Args:
        data: the file.
        name: the name its sender gave it; its ending decides between formats that are all text.
        reading: limits, and what reads pictures.

    Raises:
        InvalidInput: empty, damaged, encrypted, or of no format that is known; the message names which.
        TooLarge: beyond a limit, which the message names.
    """
    kind, note = kind_of_file(data, name, reading.limits)
    parsed = _PARSERS[kind](data, reading)
    if note:
        parsed.notes.insert(0, note)
    parsed.pages = [_clean(page) for page in parsed.pages]
    if not any(page.text.strip() for page in parsed.pages):
        raise InvalidInput(
            "There is no text in the file.", expected="a document with text", hint=" ".join(parsed.notes) or None
        )
    return parsed


def _clean(page: Page) -> Page:
    """Halves of characters, which SQLite and JSON do not take, replaced one by one so that spans stay right."""
    if page.text.isascii() or page.text.isprintable():
        return page
    return replace(page, text="".join("\ufffd" if "\ud800" <= c <= "\udfff" or c == "\0" else c for c in page.text))
