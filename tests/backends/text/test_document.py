"""Documents: what is refused, with which words, before anything is read."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pypdfium2
import pytest

from backends.text.fields import TextInputs
from backends.text.pages import MOST_PAGES, chosen_pages
from studio.errors import AtelierError, InvalidInput, TooLarge
from studio.media.base import Blob, Limits
from studio.media.document import Document
from studio.runtime import Runtime


def pdf(pages: int, size: float = 200) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(size, size)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("L", (width, height), 255).save(buffer, "PNG")
    return buffer.getvalue()


ENCRYPTED = b"""%%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj
4 0 obj<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>endobj
trailer<</Root 1 0 R/Encrypt 4 0 R/ID[<00><00>]/Size 5>>
%%%%EOF""" % (b"ab" * 32, b"cd" * 32)


def load(data: bytes, limits: Limits | None = None) -> Document:
    return Document.load(Blob("upload", data), limits)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"Dear committee, this is a letter.", "neither a picture nor a PDF"),
        (b"", "empty"),
        (ENCRYPTED, "encrypted"),
        (b"%PDF-1.7 and nothing more", "damaged or cut off"),
        (pdf(0), "damaged or cut off|no pages"),
        (pdf(2)[:150], "damaged or cut off"),
        (png(1, 1), "too small to hold a letter"),
        (png(900, 3), "too small to hold a letter"),
        (png(40, 40)[:60], "damaged or cut off|neither a picture"),
    ],
)
def test_what_cannot_be_read_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        load(data)
    assert caught.value.status == 422
    assert caught.value.expected


def test_a_huge_picture_names_the_operators_limit() -> None:
    with pytest.raises(TooLarge, match="more than 0.01 million pixels"):
        load(png(200, 200), Limits(image_pixels=10_000))


def test_a_picture_and_a_pdf() -> None:
    picture, document = load(png(40, 30)), load(pdf(3))
    assert (picture.page_count, document.page_count) == (1, 3)
    assert picture.page(1).resolution_wh == (40, 30)
    assert document.page(2).resolution_wh == (556, 556)  # 200 points at 200 dpi
    assert document.image is None


def test_a_page_larger_than_a3_has_no_more_pixels() -> None:
    width, height = load(pdf(1, size=14_000)).page(1).resolution_wh
    assert 11_000_000 < width * height <= 12_100_000


@pytest.mark.parametrize(
    ("wanted", "pages"),
    [("", [1, 2, 3, 4]), ("2", [2]), ("3, 1-2", [1, 2, 3]), ("2\u20134,4", [2, 3, 4]), (" 1 ,, ", [1])],
)
def test_pages_are_named(wanted: str, pages: list[int]) -> None:
    assert chosen_pages(wanted, 4) == pages


@pytest.mark.parametrize("wanted", ["0", "5", "3-2", "one", "1-", "-1", "1;2", "1-999999"])
def test_pages_that_are_not_there(wanted: str) -> None:
    with pytest.raises(InvalidInput, match="not pages of the document") as caught:
        chosen_pages(wanted, 4)
    assert caught.value.field == "pages"
    assert "between 1 and 4" in (caught.value.expected or "")


def test_a_long_pdf_names_the_limit_before_a_page_is_rendered(runtime: Runtime, monkeypatch: Any) -> None:
    monkeypatch.setattr(Document, "page", lambda *_: pytest.fail("a page was rendered"))
    document = Blob("long.pdf", pdf(500))
    with pytest.raises(TooLarge, match=f"at most {MOST_PAGES} pages") as caught:
        runtime.submit("text_recognition", {"file": document})
    assert caught.value.shape() == {
        "error": "One run reads at most 50 pages.",
        "field": "pages",
        "expected": "at most 50 pages",
        "got": "500 pages",
        "hint": "Name the pages to read: 1-50, say.",
    }
    assert runtime.pool.residents() == []
    assert TextInputs.model_validate({"file": document, "pages": "480-490"}).file.page_count == 500


def test_a_fault_names_the_field(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "letter.jpg").write_bytes(b"Dear committee")
    with pytest.raises(AtelierError) as caught:
        runtime.submit("text_recognition", {"file": tmp_path / "letter.jpg"})
    assert caught.value.shape()["field"] == "file"


def test_transparency_and_sixteen_bits_are_pictures_too() -> None:
    deep = PIL.Image.fromarray(np.full((20, 20), 40_000, np.uint16))
    clear = PIL.Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    for picture, level in ((deep, 156), (clear, 255)):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        assert int(load(buffer.getvalue()).page(1).rgb[0, 0, 0]) == level
