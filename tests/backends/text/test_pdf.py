"""The unseen text of a searchable PDF: the right characters, at the right places."""

from __future__ import annotations

import io
import time

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
import pytest

from backends.text import pdf
from backends.text.geometry import Quad
from studio.errors import InvalidInput
from studio.media.image import Image
from studio.media.pdf import page_count, rendered


def box(left: float, top: float, right: float, bottom: float) -> Quad:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def opened(data: bytes) -> pypdfium2.PdfDocument:
    return pypdfium2.PdfDocument(data)


def blank(pages: int = 1, width: float = 144, height: float = 72, rotation: int = 0, text: str = "") -> bytes:
    """An empty PDF, or one with a text of its own on its first page."""
    document = pypdfium2.PdfDocument.new()
    for number in range(pages):
        page = document.new_page(width, height)
        page.set_rotation(rotation)
        if text and number == 0:
            shown = pdfium.FPDFPageObj_NewTextObj(document.raw, b"Helvetica", 12.0)
            wide = (text + "\0").encode("utf-16-le")
            pdfium.FPDFText_SetText(shown, (pdfium.FPDF_WCHAR * (len(wide) // 2)).from_buffer_copy(wide))
            pdfium.FPDFPageObj_Transform(shown, 1, 0, 0, 1, 20, 20)
            pdfium.FPDFPage_InsertObject(page.raw, shown)
            page.gen_content()
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("text", ["Zażółć gęślą jaźń, 5 €", "漢字とかな", "“quoted” \u2013 x² ½", "a" * 300])
def test_any_writing_is_found_again(text: str) -> None:
    data = pdf.of_picture(Image(np.full((400, 800, 3), 255, np.uint8)), [(text, box(100, 100, 700, 140))])
    page = opened(data)[0]
    assert page.get_textpage().get_text_range().replace("\r\n", "") == text
    assert page.get_size() == (842, 421)


def test_it_lies_where_the_writing_is_and_is_not_seen() -> None:
    rgb = np.full((400, 800, 3), 255, np.uint8)
    rgb[100:140, 100:700] = 0
    page = opened(pdf.of_picture(Image(rgb, lossless=True), [("words", box(100, 100, 700, 140))]))[0]
    text = page.get_textpage()
    assert text.count_rects() == 1
    scale = 842 / 800
    assert text.get_rect(0) == pytest.approx((100 * scale, 421 - 140 * scale, 700 * scale, 421 - 100 * scale), abs=1.2)
    shown = page.render(scale=1 / scale).to_numpy()[:, :, 0]
    assert abs(shown[150:, :].astype(int) - 255).max() < 20  # nothing beside the picture's own black


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_page_that_its_pdf_turns_has_it_in_the_right_place(rotation: int) -> None:
    rgb = rendered(blank(rotation=rotation), 1)
    height, width = rgb.shape[:2]
    quad = box(width * 0.1, height * 0.2, width * 0.5, height * 0.4)
    data, had_text = pdf.with_text(blank(rotation=rotation), {1: ((width, height), [("hello", quad)])})
    assert had_text == []
    text = opened(data)[0].get_textpage()
    assert text.count_rects() == 1
    left, bottom, right, top = text.get_rect(0)
    sides = {0: (0.1, 0.6, 0.5, 0.8), 180: (0.5, 0.2, 0.9, 0.4), 90: (0.2, 0.1, 0.4, 0.5), 270: (0.6, 0.5, 0.8, 0.9)}
    expected = np.array(sides[rotation]) * (144, 72, 144, 72)
    assert np.array([left, bottom, right, top]) == pytest.approx(expected, abs=1)


def test_a_page_with_text_of_its_own_keeps_it() -> None:
    data, had_text = pdf.with_text(
        blank(pages=2, text="mine"), {n: ((400, 200), [("read", box(50, 50, 150, 80))]) for n in (1, 2)}
    )
    assert had_text == [1]
    assert [page.get_textpage().get_text_range() for page in opened(data)] == ["mine", "read"]


def test_a_line_on_its_head_is_written_so() -> None:
    quad = np.roll(box(100, 100, 700, 140), 2, axis=0)
    page = opened(pdf.of_picture(Image(np.full((400, 800, 3), 255, np.uint8)), [("upside", quad)]))[0]
    text = page.get_textpage()
    assert text.get_text_range() == "upside"
    assert text.get_charbox(0)[0] > text.get_charbox(5)[0]


def test_a_page_that_is_not_there_is_a_fault_of_the_file() -> None:
    with pytest.raises(InvalidInput, match="damaged"):
        rendered(b"%PDF-1.4 nothing", 1)
    assert page_count(blank(pages=3)) == 3


def test_the_same_input_gives_the_same_file() -> None:
    image, lines = Image(np.full((40, 80, 3), 255, np.uint8)), [("The quick brown fox", box(10, 10, 70, 14))]
    first = pdf.of_picture(image, lines)
    document = blank()
    whole = pdf.with_text(document, {1: ((80, 40), lines)})
    time.sleep(1.1)  # the date in a PDF counts seconds
    assert pdf.of_picture(image, lines) == first
    assert pdf.with_text(document, {1: ((80, 40), lines)}) == whole
    assert pdf.of_picture(image, [("Another", box(10, 10, 70, 14))])[-120:] != first[-120:]
