"""Music: a piece that is composed, heard, seen and taken away; a melody that is typed."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.visitor import Visitor


def test_a_piece_is_composed_heard_and_seen(visitor: Visitor) -> None:
    visitor.open_task("music_generation")
    visitor.set_number("bars", 2)
    visitor.run()
    expect(visitor.readout).to_contain_text(re.compile(r"2 bars in [A-G]"))
    expect(visitor.demo.locator("#output-roll img")).to_be_visible()
    score = visitor.demo.locator("#output-score img")
    expect(score).to_be_visible()
    assert score.evaluate("picture => picture.naturalWidth") > 400
    expect(visitor.demo.locator("#output-audio")).to_contain_text(re.compile(r"0:(0[7-9]|1\d)"))
    expect(visitor.demo.locator("#output-midi")).to_contain_text("chorale")


def test_a_typed_melody_is_harmonised_and_what_is_no_melody_is_said(visitor: Visitor) -> None:
    visitor.open_task("melody_harmonisation")
    visitor.write("abc", "L:1/4\nK:G\nG A B G | d2 B2")
    visitor.run()
    expect(visitor.readout).to_contain_text("2 bars in ")
    visitor.write("abc", "these are words, no notes!")
    expect(visitor.run_into_error()).to_contain_text("ABC")
