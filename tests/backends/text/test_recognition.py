"""Documents: page by page, what is left out, what can be taken away."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import PIL.Image
import pypdfium2
import pytest

from backends.text import recognition
from backends.text.engine import Engine, Reading, Readings
from backends.text.examples.make import pdf_of
from backends.text.fields import TextInputs, TextOutputs
from backends.text.page import Page
from backends.text.recognition import Options, read_in_order, recognise
from studio.errors import Cancelled
from studio.media.base import Blob
from studio.media.image import Image
from studio.runtime import Runtime
from tests.backends.text.conftest import EXAMPLES, LINES, FakeRun, drawn

TIMES = "\u00d7"


def of(rgb: Any, name: str = "page.png") -> Blob:
    buffer = io.BytesIO()
    PIL.Image.fromarray(rgb).save(buffer, "PNG")
    return Blob(name, buffer.getvalue())


def scan(*pages: tuple[str, ...]) -> Blob:
    """A PDF of pictures of pages with these lines."""
    return Blob("scan.pdf", pdf_of([PIL.Image.fromarray(drawn(lines)).convert("L") for lines in pages], dpi=200))


def answers(engine: Engine, run: FakeRun | None = None, **values: Any) -> list[TextOutputs]:
    return list(recognise(engine, TextInputs.model_validate(values), run or FakeRun()))


def test_a_picture(engine: Engine) -> None:
    (outputs,) = answers(engine, file=of(drawn(), "holiday/../menu.png"))
    assert outputs.text.replace("\n\n", "\n") == "\n".join(LINES)
    assert outputs.summary == "3 lines of text."
    assert outputs.line_count == 3
    assert 0.9 < (outputs.mean_score or 0) <= 1
    frame = outputs.lines.frame
    assert list(frame["text"]) == list(LINES)
    assert list(frame["line"]) == [1, 2, 3]
    first = frame.iloc[0]
    assert 75 < first["x1"] < 95  # drawn from x = 85
    assert 80 < first["y1"] < 100  # and y = 85
    assert first["y4"] - first["y1"] > 25
    assert [file.name for file in outputs.downloads] == ["menu.txt", "menu.json", "menu_searchable.pdf"]


def test_the_downloads_say_the_same(engine: Engine) -> None:
    (outputs,) = answers(engine, file=of(drawn()))
    text, data, pdf = (file.data for file in outputs.downloads)
    assert text.decode() == outputs.text
    page = json.loads(data)["pages"][0]
    assert [line["text"] for line in page["lines"]] == list(LINES)
    assert (page["width"], page["height"]) == (640, 640)
    with pypdfium2.PdfDocument(pdf) as document:
        found = document[0].get_textpage().get_text_range()
    assert found.split("\r\n") == list(LINES)


def test_pages_come_one_by_one_and_a_choice_of_them_is_read(engine: Engine) -> None:
    document = scan(("First page here",), ("Second page here",), ("Third page here",))
    run = FakeRun()
    parts = answers(engine, run, file=document, pages="1, 3")
    assert [part.text for part in parts] == ["First page here", "First page here\n\nThird page here"]
    assert [part.summary for part in parts] == ["1 line of text on 1 page of 2.", "2 lines of text on 2 pages."]
    assert [len(part.further_pages) for part in parts] == [0, 1]
    assert list(parts[-1].lines.frame["page"]) == [1, 3]
    assert [bool(part.downloads) for part in parts] == [False, True]
    assert run.fractions == sorted(run.fractions)
    assert any(told.startswith("Page 3: reading") for told in run.told)


def test_a_run_is_cancelled_between_pages(engine: Engine) -> None:
    run = FakeRun(cancel_at=0.48)
    parts = recognise(engine, TextInputs.model_validate({"file": scan(("One",), ("Two",))}), run)
    assert next(parts).text == "One"
    with pytest.raises(Cancelled):
        next(parts)


def test_a_page_without_text_says_so(engine: Engine) -> None:
    (outputs,) = answers(engine, file=of(np.full((200, 300, 3), 250, np.uint8)))
    assert (outputs.summary, outputs.text, outputs.mean_score) == ("No text was found.", "", None)
    assert outputs.notes == ["No text was found."]
    assert len(outputs.lines.frame) == 0
    assert len(outputs.downloads) == 3


def test_what_is_not_sure_enough_is_left_out(engine: Engine) -> None:
    (outputs,) = answers(engine, file=of(drawn()), min_score=1.0)
    assert outputs.line_count == 0


@pytest.mark.parametrize(
    ("free", "writing", "text"),
    [
        (f"2 {TIMES} tea", "automatic", "2 x tea"),
        (f"2 {TIMES} tea", "any", f"2 {TIMES} tea"),
        ("漢字とかな", "automatic", "漢字とかな"),
        ("漢字とかな", "latin", "2 x tea"),
    ],
)
def test_a_latin_page_is_read_with_latin_characters(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, free: str, writing: str, text: str
) -> None:
    quad = np.array([[0, 0], [90, 0], [90, 20], [0, 20]], np.float32)
    found = [(quad, quad, Readings(Reading(free, 0.9), Reading("2 x tea", 0.8)))]
    monkeypatch.setattr(recognition, "read_page", lambda *_, **__: Page(found))
    image = Image(np.zeros((30, 100, 3), np.uint8))
    assert read_in_order(engine, image, Options(writing=writing)).text == text


def test_the_example_with_two_columns_is_read_column_by_column(engine: Engine) -> None:
    (outputs,) = answers(engine, file=EXAMPLES / "two_columns.png")
    text = " ".join(outputs.text.split())
    assert text.startswith("How a machine learned to read The first machines that read were built for the blind.")
    assert "type needed a wheel of its own. After 1950 figures on cheques were printed" in text
    assert text.endswith("much as we do when the print is poor.")


def test_the_example_receipt_keeps_its_rows(engine: Engine) -> None:
    (outputs,) = answers(engine, file=EXAMPLES / "receipt.png")
    assert "3 x Scone with jam\t11.40" in outputs.text
    assert "TOTAL\t32.28" in outputs.text


def test_the_example_scan_is_turned_and_can_be_searched(runtime: Runtime) -> None:
    outputs: Any = runtime.run("text_recognition", {"file": EXAMPLES / "scan.pdf"}).outputs
    assert "the lighthouse will be painted in the second week of July." in outputs.text
    assert "Together\t4,711.00" in outputs.text
    assert any(note.startswith("Page 2: It was turned by 180") for note in outputs.notes)
    with pypdfium2.PdfDocument(outputs.downloads[-1].data) as document:
        texts = [page.get_textpage().get_text_range() for page in document]
    assert "The lamp stays lit." in texts[0]
    assert "Scaffolding" in texts[1]
