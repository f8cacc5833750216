"""Damaged documents: they are read, or refused as what they are; nothing else is ever raised."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

import docx
import pptx
import pytest
from hypothesis import given, seed

from backends.documents.parsers.parsed import Reading
from backends.documents.parsers.pdf import page_picture
from backends.documents.parsers.read import read_document
from studio.errors import InvalidInput
from studio.media.base import Limits
from tests.backends.documents.conftest import EXAMPLES
from tests.backends.documents.test_parsers import pdf
from tests.fuzz import ANY_BYTES, damaged, fuzz

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]


def _office() -> dict[str, bytes]:
    letter, slides = docx.Document(), pptx.Presentation()
    letter.add_heading("A letter", 1)
    letter.add_paragraph("With a paragraph.")
    slides.slides.add_slide(slides.slide_layouts[0]).shapes.title.text = "A slide"
    files = {}
    for name, document in (("letter.docx", letter), ("slides.pptx", slides)):
        buffer = io.BytesIO()
        document.save(buffer)
        files[name] = buffer.getvalue()
    return files


FILES = sorted(
    path
    for path in Path(EXAMPLES).iterdir()
    if path.suffix in (".txt", ".pdf", ".md", ".csv") and path.stat().st_size < 500_000
)
WHOLE = (
    {path.name: path.read_bytes() for path in FILES}
    | {"small.pdf": pdf([(12, "A page.")], [(20, "Another.")])}
    | _office()
)
ENDINGS = sorted({Path(name).suffix for name in WHOLE} | {".docx", ".pptx", ".epub", ".html", ".pdf", ".csv"})
READING = Reading(limits=Limits(upload_bytes=4_000_000, image_pixels=4_000_000, table_rows=10_000))


@pytest.mark.parametrize("name", WHOLE)
def test_a_damaged_document(name: str) -> None:
    @seed(19)
    @fuzz
    @given(data=damaged(WHOLE[name]))
    def check(data: bytes) -> None:
        with suppress(InvalidInput):
            read_document(data, name, READING)
        if name.endswith(".pdf"):
            with suppress(InvalidInput):
                page_picture(data, 0, 0, 20)

    check()


@pytest.mark.parametrize("ending", ENDINGS)
def test_any_bytes_under_any_name(ending: str) -> None:
    @seed(23)
    @fuzz
    @given(data=ANY_BYTES)
    def check(data: bytes) -> None:
        with suppress(InvalidInput):
            read_document(data, f"file{ending}", READING)

    check()


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_document_of_another_kind(ending: str) -> None:
    for data in WHOLE.values():
        with suppress(InvalidInput):
            read_document(data, f"file{ending}", READING)
