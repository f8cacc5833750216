"""What is written in a picture or on a scanned page."""

from __future__ import annotations

from pathlib import Path

from backends.text import about
from backends.text.fields import TextInputs, TextOutputs
from studio.contract import Adapter, Example, Task

_EXAMPLES = Path(__file__).parent / "examples"
_SECTION = "Images"

_RAPIDOCR = Adapter(
    name="rapidocr",
    title="PP-OCRv6 small",
    entry="backends.text.rapid:RapidOcr",
    weights="rapidocr",
    memory_mb=250,
    licence="Apache-2.0",
    source="https://github.com/RapidAI/RapidOCR",
    kind="package",
    limits="Handwriting, ornamental lettering, curved writing, mathematics, text lower than about 8 px. Cyrillic, "
    "Korean, Arabic, Hebrew and Indian alphabets are not among its characters.",
)


text_recognition = Task(
    name="text_recognition",
    title="Text recognition",
    section=_SECTION,
    summary="A photograph, a screenshot or a scanned PDF: its text in reading order, and a PDF that can be searched.",
    inputs=TextInputs,
    outputs=TextOutputs,
    examples=(
        Example(title="A receipt", values={"file": _EXAMPLES / "receipt.png"}),
        Example(title="Two columns", values={"file": _EXAMPLES / "two_columns.png"}),
        Example(title="A scanned PDF, one page on its head", values={"file": _EXAMPLES / "scan.pdf"}),
        Example(title="A dark screen, small letters", values={"file": _EXAMPLES / "dark_screen.png"}),
    ),
    adapters=(_RAPIDOCR,),
    how_it_works=about.TEXT,
    keywords=("OCR", "scan", "PDF", "receipt", "document", "screenshot", "searchable"),
)


TASKS = (text_recognition,)
