"""Many files through one task: what is done is seen, what went wrong is named, all of it is taken away."""

from __future__ import annotations

import csv
import re
import zipfile
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.visitor import Visitor

DIGITS = Path(__file__).parents[2] / "backends" / "digits" / "examples"


def test_many_pictures_are_read_and_taken_away(visitor: Visitor, tmp_path: Path) -> None:
    bad = tmp_path / "words.png"
    bad.write_text("this is no picture")
    page = visitor.page
    page.goto("/digit_recognition")
    page.get_by_role("tab", name="Batch", exact=True).click()
    files = page.locator('[class*="st-key-batch-files-digit_recognition"] input[type=file]')
    files.set_input_files([DIGITS / "five.png", DIGITS / "eight_in_chalk.png", bad])
    page.get_by_role("button", name="Run 3", exact=True).click()
    expect(page.get_by_text("3 of 3, 1 failed")).to_be_visible()
    with page.expect_download() as table:
        page.get_by_role("button", name="Download the table").click()
    rows = list(csv.DictReader(table.value.path().read_text().splitlines()))
    assert [row["state"] for row in rows] == ["done", "done", "failed"]
    assert [row["input"] for row in rows] == ["five.png", "eight_in_chalk.png", "words.png"]
    assert rows[0]["digit"] == "5"
    assert "not a picture" in rows[2]["error"]
    with page.expect_download() as everything:
        page.get_by_role("button", name="Download all results").click()
    names = zipfile.ZipFile(everything.value.path()).namelist()
    assert {found[0] for name in names if (found := re.match(r"\d{4}", name))} == {"0001", "0002"}
