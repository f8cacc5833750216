"""The text tasks: documents read, licence plates read."""

from __future__ import annotations

from pathlib import Path

from backends.text import about
from backends.text.fields import PlateInputs, PlateOutputs, TextInputs, TextOutputs
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

_PLATE_READER = _RAPIDOCR.model_copy(
    update={
        "quality": about.PLATES_QUALITY,
        "limits": "Plates narrower than about 60 px, of two rows, or in other writing than Latin. A letter O and a "
        "zero, an I and a one look alike on many plates: there the usual forms of plates decide, and can be wrong. "
        "Plates are found by the detector `plates` of object detection, whose limits add to these.",
    }
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

licence_plates = Task(
    name="licence_plates",
    title="Licence plates",
    section=_SECTION,
    summary="Finds the plates in a picture, straightens and reads them, and shows each step.",
    inputs=PlateInputs,
    outputs=PlateOutputs,
    examples=(
        Example(title="A car", values={"image": _EXAMPLES / "car.jpg"}),
        Example(title="Two cars", values={"image": _EXAMPLES / "two_cars.jpg", "country": "Europe"}),
        Example(title="A plate, already cut out", values={"image": _EXAMPLES / "plate.jpg", "shows": "one plate"}),
    ),
    adapters=(_PLATE_READER,),
    how_it_works=about.PLATES,
    keywords=("ANPR", "ALPR", "number plate", "car", "vehicle", "OCR"),
)

TASKS = (text_recognition, licence_plates)
