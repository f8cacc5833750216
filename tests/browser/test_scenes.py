"""The scene editor: a scene is written, drawn and put into words while it is written."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.visitor import Visitor


def test_the_words_follow_what_is_written(visitor: Visitor) -> None:
    visitor.open_task("scene_editor")
    picture = visitor.demo.locator("#output-picture img").first
    visitor.type("things", "a large red star")
    expect(visitor.readout).to_contain_text("A large red star")
    expect(picture).to_be_visible()
    before = picture.get_attribute("src")
    visitor.type("things", "a large red star\ntwo small blue circl")  # half a word: what was shown stays
    visitor.page.wait_for_timeout(500)
    assert picture.get_attribute("src") == before
    expect(visitor.demo.locator("#run-status")).to_have_text("")
    visitor.type("things", "a large red star\ntwo small blue circles")
    expect(visitor.readout).to_contain_text("two small blue circles", ignore_case=True)
    expect(picture).not_to_have_attribute("src", str(before))


def test_a_word_that_is_unknown_is_told_when_the_field_is_left(visitor: Visitor) -> None:
    visitor.open_task("scene_editor")
    visitor.type("things", "a large red dtar")
    visitor.field("things").locator("textarea").blur()
    status = visitor.demo.locator("#run-status")
    expect(status).to_contain_text("This word is not known.")
    expect(status).to_contain_text("Did you mean star?")
    visitor.type("things", "a large red star")
    expect(visitor.readout).to_contain_text("A large red star")
    expect(status).to_have_text("")
