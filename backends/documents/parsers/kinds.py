"""Finds out what format a file has, by its bytes and its name. Imports no parser."""

from __future__ import annotations

from pathlib import PurePosixPath

from backends.documents.endings import FORMATS
from studio.errors import InvalidInput, TooLarge
from studio.media.archive import Archive
from studio.media.base import Limits

_BINARY = frozenset({"pdf", "docx", "pptx", "epub"})
_NAMES = {"pdf": "PDF", "docx": "Word file", "pptx": "PowerPoint file", "epub": "EPUB"}
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def kind_of_file(data: bytes, name: str, limits: Limits) -> tuple[str, str]:
    """(format, note for its owner) of a file.

    Raises:
        InvalidInput: empty, of no format that is known, or not of the one that its name promises.
        TooLarge: it, or the archive that it is, is beyond the studio's limits.
    """
    if not data:
        raise InvalidInput("The file is empty.", expected="a document", got="0 bytes")
    if len(data) > limits.upload_bytes:
        raise TooLarge(
            f"The file is larger than {limits.upload_bytes / 1e6:g} MB.",
            expected=f"at most {limits.upload_bytes:,} bytes",
            got=f"{len(data):,} bytes",
            hint="The operator can raise ATELIER_MAX_UPLOAD_MB.",
        )
    ending = PurePosixPath(name).suffix.lower()
    claimed = FORMATS.get(ending)
    found = _by_content(data, limits)
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


def _by_content(data: bytes, limits: Limits) -> str | None:
    """The format that the bytes themselves show; None for texts, which show none."""
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return _kind_of_archive(data, limits)
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "html"
    return None


def _kind_of_archive(data: bytes, limits: Limits) -> str:
    names = set(Archive(data, limits=limits).names)
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
