"""Reads any document: finds out what a file is by its bytes and its name, and gives it to its parser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from backends.documents.endings import FORMATS
from backends.documents.parsers.epub import read_epub
from backends.documents.parsers.markdown import read_markdown
from backends.documents.parsers.office import read_docx, read_pptx
from backends.documents.parsers.parsed import Page, Parsed, Reading
from backends.documents.parsers.pdf import read_pdf
from backends.documents.parsers.plain import read_plain
from backends.documents.parsers.rows import read_rows
from backends.documents.parsers.web import read_html
from studio.errors import InvalidInput, TooLarge
from studio.media.archive import Archive

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
_BINARY = frozenset({"pdf", "docx", "pptx", "epub"})
_NAMES = {"pdf": "PDF", "docx": "Word file", "pptx": "PowerPoint file", "epub": "EPUB"}
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


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
    if not data:
        raise InvalidInput("The file is empty.", expected="a document", got="0 bytes")
    if len(data) > reading.limits.upload_bytes:
        raise TooLarge(
            f"The file is larger than {reading.limits.upload_bytes / 1e6:g} MB.",
            expected=f"at most {reading.limits.upload_bytes:,} bytes",
            got=f"{len(data):,} bytes",
            hint="The operator can raise ATELIER_MAX_UPLOAD_MB.",
        )
    kind, note = _kind(data, PurePosixPath(name).suffix.lower(), reading)
    parsed = _PARSERS[kind](data, reading)
    if note:
        parsed.notes.insert(0, note)
    parsed.pages = [_clean(page) for page in parsed.pages]
    if not any(page.text.strip() for page in parsed.pages):
        raise InvalidInput(
            "There is no text in the file.", expected="a document with text", hint=" ".join(parsed.notes) or None
        )
    return parsed


def _kind(data: bytes, ending: str, reading: Reading) -> tuple[str, str]:
    """(format, note for its owner) of a file."""
    claimed = FORMATS.get(ending)
    found = _by_content(data, reading)
    if found is not None:
        if claimed == found or (found == "html" and claimed not in _BINARY and claimed is not None):
            return claimed or found, ""
        if claimed is None and not ending:
            return found, ""
        return found, f"The file's name ends in {ending or 'nothing'}, but it is a {_NAMES.get(found, found.upper())}."
    if data.startswith(_OLD_OFFICE):
        raise InvalidInput(
            "Files of old Office versions (.doc, .ppt, .xls) are not read.",
            expected="DOCX or PPTX",
            hint="Save it in the new format, then add it again.",
        )
    if claimed in _BINARY:
        raise InvalidInput(
            f"The file's name ends in {ending}, but it is no {_NAMES[claimed]}.",
            expected=f"a {_NAMES[claimed]}",
            got="something else",
        )
    return claimed or "text", ""


def _by_content(data: bytes, reading: Reading) -> str | None:
    """The format that the bytes themselves show; None for texts, which show none."""
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return _kind_of_archive(data, reading)
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "html"
    return None


def _kind_of_archive(data: bytes, reading: Reading) -> str:
    names = set(Archive(data, limits=reading.limits).names)
    if "word/document.xml" in names:
        return "docx"
    if "ppt/presentation.xml" in names:
        return "pptx"
    if "META-INF/container.xml" in names:
        return "epub"
    raise InvalidInput(
        "The file is an archive, but no document.",
        expected="DOCX, PPTX or EPUB",
        hint="Unpack it and add the files that are in it.",
    )


def _clean(page: Page) -> Page:
    """Halves of characters, which SQLite and JSON do not take, replaced one by one so that spans stay right."""
    if page.text.isascii() or page.text.isprintable():
        return page
    return replace(page, text="".join("\ufffd" if "\ud800" <= c <= "\udfff" or c == "\0" else c for c in page.text))
