"""PDF by PDFium: the text of each page with the place of each of its characters, and pictures of pages.

The text of a page is made of PDFium's characters by fixed rules (`_Lines`), so that a span of it is found again on the
page whenever somebody wants to see it: nothing about places has to be stored.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.documents.parsers.parsed import (
    MAX_CHARACTERS,
    MAX_PAGES,
    Heading,
    Page,
    Parsed,
    Reading,
    too_long,
    too_many_pages,
)
from studio.errors import InvalidInput
from studio.media.image import Image
from studio.pdfium import ONE_AT_A_TIME as PDFIUM

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

_SCAN_DPI = 200
_VIEW_WIDTH_PX = 1_000
_MAX_SIDE_PX = 4_000
_HYPHENS = "\x02\ufffe\xad"  # what PDFium gives for a hyphen at the end of a line
_HEADING_SCALE = 1.15
_OTHER_SIZE = 0.1
_HEADING_CHARACTERS = 120

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Text:
    """A page's text, the index in PDFium's characters of each of its own (-1: added by us), and line sizes.

    Attributes:
        lines: (start in text, height of the letters in points) of each line.
    """

    text: str
    index: list[int]
    lines: list[tuple[int, float]]


def read_pdf(data: bytes, reading: Reading) -> Parsed:
    """The pages' texts; a page without any is read from its picture, where the studio can.

    Raises:
        InvalidInput: encrypted, or damaged.
        TooLarge: too many pages or characters.
    """
    texts, notes, scanned = [], list[str](), list[int]()
    with _open(data) as document:
        with PDFIUM:
            count = len(document)
        if count > MAX_PAGES:
            raise too_many_pages(count)
        total = 0
        for number in range(count):
            reading.check()
            text = _text_of(document, number)
            if not text.text.strip() and _has_picture(document, number):
                text = _Text(_recognised(document, number, reading), [], [])
                scanned.append(number + 1)
            total += len(text.text)
            if total > MAX_CHARACTERS:
                raise too_long()
            texts.append(text)
    pages = _with_headings(texts)
    unread = [number for number in scanned if not texts[number - 1].text.strip()]
    if unread:
        notes.append(f"{_pages(unread)} only a picture, and no text was read in it.")
    if len(scanned) > len(unread):
        read = [number for number in scanned if number not in unread]
        notes.append(f"{_pages(read)} only a picture; the text was read from it and may have errors.")
    return Parsed("pdf", pages, notes)


def page_picture(data: bytes, page_index: int, start: int, end: int) -> tuple[Image, list[Box]]:
    """A picture of a page, and in its pixels the boxes (left, top, right, bottom) of a span of its text, by line.

    A page whose text was read from its picture has no boxes.
    """
    with _open(data) as document:
        text = _text_of(document, page_index)
        with PDFIUM:
            page = document[page_index]
            try:
                scale = min(_VIEW_WIDTH_PX, _MAX_SIDE_PX * page.get_width() / page.get_height()) / page.get_width()
                image = _rendered(page, scale)
                boxes = _boxes(page, text, start, end, scale)
            finally:
                page.close()
    return image, boxes


@contextmanager
def _open(data: bytes) -> Iterator[PdfDocument]:
    import pypdfium2
    import pypdfium2.raw as pdfium

    with PDFIUM:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as fault:
            locked = pdfium.FPDF_GetLastError() == pdfium.FPDF_ERR_PASSWORD or "password" in str(fault).lower()
            raise _locked() if locked else _damaged() from fault
    try:
        yield document
    except pypdfium2.PdfiumError as fault:
        raise _damaged() from fault
    finally:
        with PDFIUM:
            document.close()


def _text_of(document: PdfDocument, number: int) -> _Text:
    with PDFIUM:
        page = document[number]
        try:
            words = page.get_textpage()
            try:
                return _joined(*_characters(words))
            finally:
                words.close()
        finally:
            page.close()


def _characters(words: PdfTextPage) -> tuple[str, list[float]]:
    """PDFium's characters of a page, and the size of each in points."""
    import pypdfium2.raw as pdfium

    count = words.count_chars()
    codes = [pdfium.FPDFText_GetUnicode(words.raw, i) for i in range(count)]
    characters = "".join(
        chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd" for code in codes
    )
    sizes = [0.0] * count
    for i in range(count):
        if i == 0 or characters[i - 1] == "\n":  # one letter speaks for its line
            sizes[i] = float(pdfium.FPDFText_GetFontSize(words.raw, i)) * _scale(words, i)
    return characters, sizes


def _scale(words: PdfTextPage, index: int) -> float:
    """Vertical scale of a character's matrix: many writers set a font of size 1 and scale it."""
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFText_GetMatrix(words.raw, index, ctypes.byref(matrix)):
        return 1.0
    return float((matrix.c**2 + matrix.d**2) ** 0.5)


def _joined(characters: str, sizes: Sequence[float]) -> _Text:
    """Lines joined: a word broken at a line's end is made whole, a line break is kept as one."""
    out, index, lines = list[str](), list[int](), list[tuple[int, float]]()
    at_start, broken = True, False
    for i, character in enumerate(characters):
        if character == "\r":
            continue
        if character == "\n" and broken:
            broken = False
            continue
        if character == "\n":
            if out and out[-1] != "\n":
                out.append("\n")
                index.append(i)
            at_start = True
            continue
        if character in _HYPHENS:
            if _ends_line(characters, i):
                broken = True
                continue
            character = "-"
        if at_start and not (out and out[-1] != "\n"):
            size = sizes[i] or (lines[-1][1] if lines else 0.0)
            if lines and abs(size - lines[-1][1]) > _OTHER_SIZE * size:  # a heading, or what follows it
                out.append("\n")
                index.append(-1)
            lines.append((len(out), size))
        at_start = False
        if character in "\t\xa0 " and (not out or out[-1] in " \n"):
            continue
        out.append(" " if character in "\t\xa0" else character)
        index.append(i)
    return _Text("".join(out), index, lines)


def _ends_line(characters: str, i: int) -> bool:
    return characters[i + 1 : i + 2] in ("\r", "\n", "")


def _with_headings(texts: Sequence[_Text]) -> list[Page]:
    """Short lines in letters clearly larger than the most common size are headings; the size is the level."""
    letters: Counter[float] = Counter()
    for text in texts:
        for (start, size), end in zip(text.lines, _ends(text), strict=True):
            letters[round(size, 1)] += end - start
    body = letters.most_common(1)[0][0] if letters else 0.0
    levels: list[tuple[float, str]] = []
    pages = []
    for number, text in enumerate(texts, 1):
        headings = [Heading(0, tuple(title for _, title in levels))] if levels else []
        joined_until, joined_size = -1, 0.0
        for (start, size), end in zip(text.lines, _ends(text), strict=True):
            title = text.text[start:end].strip()
            size = round(size, 1)
            large = body > 0 and size >= _HEADING_SCALE * body and 1 < len(title) <= _HEADING_CHARACTERS
            if not large or not any(c.isalpha() for c in title):
                continue
            if start == joined_until and size == joined_size and levels:  # a heading of several lines
                levels[-1] = (size, f"{levels[-1][1]} {title}"[:_HEADING_CHARACTERS])
                headings[-1] = Heading(headings[-1].start, tuple(name for _, name in levels))
            else:
                levels = [(other, name) for other, name in levels if other > size] + [(size, title)]
                headings.append(Heading(start, tuple(name for _, name in levels)))
            joined_until, joined_size = end, size
        pages.append(Page(number, text.text, tuple(headings)))
    return pages


def _ends(text: _Text) -> list[int]:
    """Where each of its lines ends; none of a text that was read from a picture."""
    return [*(start for start, _ in text.lines), len(text.text)][1:]


def _boxes(page: PdfPage, text: _Text, start: int, end: int, scale: float) -> list[Box]:
    """One box per line that the span touches, in pixels of the picture."""
    wanted = [i for i in text.index[start:end] if i >= 0]
    words = page.get_textpage()
    try:
        boxes = [box for box in (_character_box(page, words, i, scale) for i in wanted) if box is not None]
    finally:
        words.close()
    lines: list[Box] = []
    for left, top, right, bottom in boxes:
        if lines and _same_line(lines[-1], (left, top, right, bottom)):
            last = lines[-1]
            lines[-1] = (min(last[0], left), min(last[1], top), max(last[2], right), max(last[3], bottom))
        else:
            lines.append((left, top, right, bottom))
    return lines


def _same_line(line: Box, box: Box) -> bool:
    middle = (box[1] + box[3]) / 2
    return line[1] <= middle <= line[3] and box[0] >= line[0] - 2 and box[0] - line[2] < 4 * (line[3] - line[1])


def _character_box(page: PdfPage, words: PdfTextPage, index: int, scale: float) -> Box | None:
    """In pixels of a picture of the page as it is shown, turned or not."""
    import pypdfium2.raw as pdfium

    rect = pdfium.FS_RECTF()
    if not pdfium.FPDFText_GetLooseCharBox(words.raw, index, ctypes.byref(rect)) or rect.left == rect.right:
        return None
    width, height = round(page.get_width() * scale), round(page.get_height() * scale)
    corners = []
    for x, y in ((rect.left, rect.top), (rect.right, rect.bottom)):
        px, py = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDF_PageToDevice(page.raw, 0, 0, width, height, 0, x, y, ctypes.byref(px), ctypes.byref(py))
        corners.append((px.value, py.value))
    (ax, ay), (bx, by) = corners
    return (float(min(ax, bx)), float(min(ay, by)), float(max(ax, bx)), float(max(ay, by)))


def _has_picture(document: PdfDocument, number: int) -> bool:
    import pypdfium2.raw as pdfium

    with PDFIUM:
        page = document[number]
        try:
            return any(True for _ in page.get_objects([pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3))
        finally:
            page.close()


def _recognised(document: PdfDocument, number: int, reading: Reading) -> str:
    """The text in the picture of a page; empty where nothing can read it."""
    if reading.recognise is None:
        return ""
    with PDFIUM:
        page = document[number]
        try:
            longest = max(page.get_width(), page.get_height())
            image = _rendered(page, min(_SCAN_DPI / 72, _MAX_SIDE_PX / longest))
        finally:
            page.close()
    return reading.recognise(image)


def _rendered(page: Any, scale: float) -> Image:
    bitmap = page.render(scale=scale, rev_byteorder=True, may_draw_forms=False)
    try:
        pixels = np.array(bitmap.to_numpy()[:, :, :3], dtype=np.uint8)
    finally:
        bitmap.close()
    return Image(pixels, lossless=True)


def _pages(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:8]) + (", ..." if len(numbers) > 8 else "")
    return f"Page {shown} is" if len(numbers) == 1 else f"Pages {shown} are"


def _locked() -> InvalidInput:
    return InvalidInput(
        "The PDF is locked with a password.",
        expected="a PDF that opens without a password",
        hint="Save it without the password, then add it again.",
    )


def _damaged() -> InvalidInput:
    return InvalidInput("The PDF is damaged.", expected="a complete PDF")
