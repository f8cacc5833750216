"""EPUB books: the chapters in the order of the book's spine, each as HTML (EPUB 3.3, https://www.w3.org/TR/epub-33/).

Read from the archive directly, so that the studio's limits hold before anything is unpacked.
"""

from __future__ import annotations

import posixpath
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from backends.documents.parsers.parsed import MAX_PAGES, Page, Parsed, Reading, Writer, too_many_pages
from backends.documents.parsers.web import html_text, write_html
from studio.errors import InvalidInput
from studio.media.archive import Archive

_CONTAINER = "META-INF/container.xml"


def read_epub(data: bytes, reading: Reading) -> Parsed:
    """A page per chapter.

    Raises:
        InvalidInput: damaged, or its chapters are encrypted.
        TooLarge: see `Archive`.
    """
    book = Archive(data, limits=reading.limits)
    if "META-INF/encryption.xml" in book.names and b"xmlenc#aes" in book.read("META-INF/encryption.xml"):
        raise InvalidInput("The book is protected against copying.", expected="an EPUB without DRM")
    chapters = _spine(book)
    if len(chapters) > MAX_PAGES:
        raise too_many_pages(len(chapters))
    pages: list[Page] = []
    for name in chapters:
        reading.check()
        writer = Writer()
        write_html(html_text(book.read(name)), writer)
        page = writer.page(len(pages) + 1)
        if page.text:
            pages.append(page)
    return Parsed("epub", pages)


def _spine(book: Archive) -> list[str]:
    """The chapters' names in the archive, in reading order."""
    package = next((root.get("full-path") for root in _elements(_xml(book, _CONTAINER), "rootfile")), None)
    if package is None:
        raise _damaged()
    description = _xml(book, package)
    items = {item.get("id"): item for item in _elements(description, "item")}
    folder = posixpath.dirname(package)
    names = []
    for reference in _elements(description, "itemref"):
        item = items.get(reference.get("idref"))
        if item is not None and "html" in (item.get("media-type") or ""):
            name = posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "")))
            if name in book.names:
                names.append(name)
    if not names:
        raise _damaged()
    return names


def _xml(book: Archive, name: str) -> Element:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    if name not in book.names:
        raise _damaged()
    try:
        root: Element = fromstring(book.read(name))
    except (ParseError, DefusedXmlException) as fault:
        raise _damaged() from fault
    return root


def _elements(root: Element, tag: str) -> list[Element]:
    return [element for element in root.iter() if element.tag.rpartition("}")[2] == tag]


def _damaged() -> InvalidInput:
    return InvalidInput("The EPUB is damaged.", expected="a complete EPUB book")
