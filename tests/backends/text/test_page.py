"""Pages in every state that people hand in: each is read like the same page upright."""

from __future__ import annotations

from typing import Any

import numpy as np
import PIL.Image
import pytest

from backends.text.engine import Engine
from backends.text.geometry import RGB
from backends.text.layout import reading_order, written
from backends.text.page import Page, read_page
from tests.backends.text.conftest import LINES, drawn


def said(page: Page) -> str:
    """The text in reading order, blank lines left out."""
    quads = [upright for _, upright, _ in page.found]
    text = written(reading_order(quads), quads, [readings.latin.text for *_, readings in page.found])
    return "\n".join(line for line in text.split("\n") if line)


def turned(rgb: RGB, degrees: float) -> RGB:
    """Turned to the left, on paper of its own."""
    paper = tuple(int(level) for level in rgb[0, 0])
    return np.asarray(
        PIL.Image.fromarray(rgb).rotate(degrees, PIL.Image.Resampling.BICUBIC, expand=True, fillcolor=paper)
    )


UPRIGHT = "\n".join(LINES)


def test_an_upright_page_is_left_as_it_is(engine: Engine) -> None:
    page = read_page(engine, drawn(), straighten=True)
    assert said(page) == UPRIGHT
    assert (page.turned_deg, page.notes) == (0.0, [])


@pytest.mark.parametrize("degrees", [90, 180, -90, 5, -8, 93])
def test_a_page_that_was_turned_reads_the_same(engine: Engine, degrees: float) -> None:
    page = read_page(engine, turned(drawn(), degrees), straighten=True)
    assert said(page) == UPRIGHT
    assert abs((page.turned_deg + degrees + 180) % 360 - 180) < 1
    assert any("was turned by" in note for note in page.notes)


def test_the_corners_are_those_of_the_page_as_it_was_given(engine: Engine) -> None:
    upright = read_page(engine, drawn(), straighten=True)
    page = read_page(engine, turned(drawn(), 180), straighten=True)
    first = min(upright.found, key=lambda found: found[1][0, 1])[0]
    turned_first = min(page.found, key=lambda found: found[1][0, 1])[0]
    assert np.abs((640 - first) - turned_first).max() < 4  # the writing begins at the right bottom now


def test_without_straightening_a_page_stays_on_its_head(engine: Engine) -> None:
    page = read_page(engine, turned(drawn(), 180), straighten=False)
    assert (page.turned_deg, page.notes) == (0.0, [])
    assert said(page) != UPRIGHT


@pytest.mark.parametrize(
    ("looks", "noted"),
    [
        ({"ink": 225, "paper": 205}, True),
        ({"ink": 186, "paper": 200}, True),
        ({"ink": (220, 220, 220), "paper": (28, 28, 30)}, False),
        ({"ink": (106, 153, 85), "paper": (30, 30, 30)}, False),
        ({"ink": (240, 80, 60), "paper": (40, 90, 200)}, True),
    ],
    ids=["faint, light on dark", "faint", "dark mode", "dark mode, green", "red on blue"],
)
def test_contrast_and_colour_do_not_matter(engine: Engine, looks: dict[str, Any], noted: bool) -> None:
    page = read_page(engine, drawn(**looks), straighten=True)
    assert said(page) == UPRIGHT
    assert any("contrast" in note for note in page.notes) == noted


@pytest.mark.parametrize("size_px", [12, 90])
def test_small_and_large_letters(engine: Engine, size_px: int) -> None:
    resolution_wh = (240, 120) if size_px == 12 else (1600, 900)
    page = read_page(engine, drawn(size_px=size_px, resolution_wh=resolution_wh), straighten=True)
    assert said(page) == UPRIGHT


def test_tiny_letters_in_a_wide_page_are_looked_for_closer(engine: Engine) -> None:
    rows = tuple(f"{line} {number}" for number, line in enumerate(LINES * 5))
    page = read_page(engine, drawn(rows, size_px=10, resolution_wh=(1000, 740)), straighten=True)
    read = said(page).split("\n")
    assert len(read) == len(rows)
    plain = [[character for character in text if character.isalnum()] for text in (*read, *rows)]
    assert sum(line == row for line, row in zip(plain[:15], plain[15:], strict=True)) >= 13  # commas are 1 px large


def test_a_page_without_text(engine: Engine) -> None:
    blank = np.full((300, 400, 3), 240, np.uint8)
    slope = np.tile(np.linspace(0, 255, 400, dtype=np.uint8)[None, :, None], (300, 1, 3))
    for rgb in (blank, slope, np.zeros((8, 8, 3), np.uint8)):
        assert read_page(engine, rgb, straighten=True).found == []
