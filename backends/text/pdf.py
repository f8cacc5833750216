"""PDFs made searchable, by way of PDFium: by text that is there but not seen."""

from __future__ import annotations

import ctypes
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium

from backends.text.geometry import Quad
from studio.media.image import Image
from studio.media.pdf import opened
from studio.pdfium import ONE_AT_A_TIME

_A4_POINTS = 842  # the longer side of a page made of a picture

#: A font of one block for every character, made by `examples/make.py`: half an em wide, 0.8 above the line, 0.2 below.
_FONT = Path(__file__).parent / "block.ttf"
_ADVANCE_EM, _DESCENT_EM = 0.5, 0.2
_FONT_CODES = 0xFFFF

_TO_UNICODE = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{blocks}endcmap
CMapName currentdict /CMap defineresource pop
end
end"""
_BLOCK = 100  # entries that a block may have (PDF 32000-1, 9.10.3)

Written = Sequence[tuple[str, Quad]]
"""Lines and where they stand, in pixels of the picture or the rendered page."""


def with_text(data: bytes, pages: Mapping[int, tuple[tuple[int, int], Written]]) -> tuple[bytes, list[int]]:
    """A PDF with unseen text over those of its pages that have none; and the numbers of those that had.

    Args:
        pages: number of a page, from 1, to (width and height of its rendering, what was read on it).
    """
    with opened(data) as document:
        had_text = []
        font = _Font(document, [text for _, lines in pages.values() for text, _ in lines])
        for number, (resolution_wh, lines) in pages.items():
            page = document[number - 1]
            if page.get_textpage().count_chars():
                had_text.append(number)
                continue
            for text, quad in lines:
                font.write(page, text, _on_page(page, quad, resolution_wh))
            page.gen_content()
        font.close()
        return _saved(document), had_text


def of_picture(image: Image, lines: Written) -> bytes:
    """A PDF of one page: the picture, and what was read on it as unseen text."""
    width, height = image.resolution_wh
    scale = _A4_POINTS / max(width, height)
    with ONE_AT_A_TIME, pypdfium2.PdfDocument.new() as document:
        page = document.new_page(width * scale, height * scale)
        shown = pypdfium2.PdfImage.new(document)
        shown.load_jpeg(io.BytesIO(_jpeg(image)), inline=True)
        shown.set_matrix(pypdfium2.PdfMatrix().scale(width * scale, height * scale))
        page.insert_obj(shown)
        font = _Font(document, [text for text, _ in lines])
        for text, quad in lines:
            font.write(page, text, _on_page(page, quad, image.resolution_wh))
        page.gen_content()
        font.close()
        return _saved(document, new=True)


def _saved(document: Any, *, new: bool = False) -> bytes:
    """The document's bytes, the same for the same input: PDFium would draw its name by lot, and date a new one."""
    buffer = io.BytesIO()
    document.save(buffer)
    data = buffer.getvalue()
    if new:
        data = re.sub(rb"/CreationDate\s*\([^)]*\)", lambda date: b" " * len(date[0]), data, count=1)
    names = _NAMES.search(data, data.rfind(b"trailer"))
    if names is None:
        return data
    start, end = names.span(1) if new else names.span(2)
    name = hashlib.md5(data[:start], usedforsecurity=False).hexdigest().upper().encode()
    return data[:start] + (name + b"><" + name if new else name) + data[end:]


#: The names of a document as it was first made (in 1 with the other) and of this very version (PDF 32000-1, 14.4).
_NAMES = re.compile(rb"/ID\s*\[<([0-9A-Fa-f]*><([0-9A-Fa-f]{32}))>\]")


def _jpeg(image: Image) -> bytes:
    data, media_type = image.encode()
    if media_type != "image/jpeg":
        buffer = io.BytesIO()
        image.pil().save(buffer, "JPEG", quality=90)
        data = buffer.getvalue()
    return data


def _on_page(page: Any, quad: Quad, resolution_wh: tuple[int, int]) -> Quad:
    """Corners in points of the page, its rotation and cropping taken into account."""
    corners = []
    for x, y in quad:
        page_x, page_y = ctypes.c_double(), ctypes.c_double()
        pdfium.FPDF_DeviceToPage(page.raw, 0, 0, *resolution_wh, 0, round(float(x)), round(float(y)), page_x, page_y)
        corners.append((page_x.value, page_y.value))
    return np.array(corners, np.float32)


class _Font:
    """A font in a document for the characters of some texts: every one of them is the same block."""

    def __init__(self, document: Any, texts: Sequence[str]) -> None:
        self._document = document
        characters = sorted(set("".join(texts)))[: _FONT_CODES - 1]
        self._codes = {character: code for code, character in enumerate(characters, start=1)}
        glyphs = b"\0\1" * (len(characters) + 1)
        font = _FONT.read_bytes()
        self._font = pdfium.FPDFText_LoadCidType2Font(
            document.raw, _bytes(font), len(font), _to_unicode(self._codes).encode(), _bytes(glyphs), len(glyphs)
        )

    def write(self, page: Any, text: str, quad: Quad) -> None:
        """Put a text where its corners, in points, say; unseen."""
        codes = [self._codes[character] for character in text if character in self._codes]
        if not codes:
            return
        shown = pdfium.FPDFPageObj_CreateTextObj(self._document.raw, self._font, 1.0)
        pdfium.FPDFText_SetCharcodes(shown, (ctypes.c_uint32 * len(codes))(*codes), len(codes))
        pdfium.FPDFTextObj_SetTextRenderMode(shown, pdfium.FPDF_TEXTRENDERMODE_INVISIBLE)
        left_top, _, right_bottom, left_bottom = (corner.astype(float) for corner in quad)
        along = (right_bottom - left_bottom) / (_ADVANCE_EM * len(codes))
        up = left_top - left_bottom
        origin = left_bottom + _DESCENT_EM * up
        pdfium.FPDFPageObj_Transform(shown, *along, *up, *origin)
        pdfium.FPDFPage_InsertObject(page.raw, shown)

    def close(self) -> None:
        """Give it back; what was written stays."""
        pdfium.FPDFFont_Close(self._font)


def _bytes(data: bytes) -> Any:
    return (ctypes.c_uint8 * len(data)).from_buffer_copy(data)


def _to_unicode(codes: Mapping[str, int]) -> str:
    """The table by which a reader finds the characters again."""
    entries = [f"<{code:04X}> <{character.encode('utf-16-be').hex()}>" for character, code in codes.items()]
    blocks = [entries[start : start + _BLOCK] for start in range(0, len(entries), _BLOCK)]
    listed = [f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n" for block in blocks]
    return _TO_UNICODE.format(blocks="".join(listed))
