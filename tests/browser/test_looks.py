"""How the pages look and can be used: dark and light, on a phone, by keyboard, by somebody who sees no pictures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from surfaces.theme import DARK, LIGHT, Tokens
from tests.browser.visitor import Visitor

#: (path, the demo's own tabs to look behind)
PAGES = (
    ("/", ()),
    ("/system", ()),
    ("/face_verification", ("Live",)),
    ("/face_identification", ("Live", "Enrol a person", "Your gallery")),
    ("/face_threshold", ()),
    ("/specimen_echo", ("Live",)),
)
PHONE_WH = (390, 844)
MOST_TABS = 60


def rgb(colour: str) -> str:
    """A token as a browser computes it: "#FAF7F1" is "rgb(250, 247, 241)"."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"rgb({red}, {green}, {blue})"


def open_page(visitor: Visitor, path: str) -> None:
    if path == "/":
        visitor.open_gallery()
    elif path == "/system":
        visitor.page.goto(path)
        expect(visitor.page.get_by_text("Versions")).to_be_visible()
    else:
        visitor.open_task(path.strip("/"))


@pytest.mark.parametrize(("scheme", "tokens"), [("light", LIGHT), ("dark", DARK)])
def test_page_and_demo_have_the_colours_of_the_theme(
    visitors: Callable[..., Visitor], scheme: str, tokens: Tokens
) -> None:
    visitor = visitors(scheme=scheme)
    visitor.open_task("face_verification")
    for ground in (visitor.page.get_by_test_id("stApp"), visitor.demo.locator("body")):
        expect(ground).to_have_css("background-color", rgb(tokens.background))
        expect(ground).to_have_css("color", rgb(tokens.text))
    expect(visitor.run_button).to_have_css("background-color", rgb(tokens.accent))


def test_the_demo_follows_when_the_visitor_switches_to_dark(visitor: Visitor) -> None:
    visitor.open_task("specimen_stream")
    visitor.set_number("steps", 7)
    visitor.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    expect(visitor.demo.locator("body")).to_have_css("background-color", rgb(DARK.background))
    expect(visitor.field("steps").locator("input[type=number]")).to_have_value("7")


@pytest.mark.parametrize(("path", "tabs"), PAGES, ids=[path for path, _ in PAGES])
def test_a_phone_shows_each_page_without_scrolling_sideways(
    visitors: Callable[..., Visitor], path: str, tabs: tuple[str, ...]
) -> None:
    visitor = visitors(*PHONE_WH)
    open_page(visitor, path)
    assert overflow_px(visitor.page.locator("html")) <= 0
    assert overflow_px(visitor.page.get_by_test_id("stMain")) <= 0
    if path in ("/", "/system"):
        return
    assert overflow_px(visitor.demo.locator("html")) <= 0
    for tab in tabs:
        visitor.choose_tab(tab)
        assert overflow_px(visitor.demo.locator("html")) <= 0, tab


def overflow_px(box: Locator) -> int:
    """By how much the content is wider than its box."""
    return int(box.evaluate("box => box.scrollWidth - box.clientWidth"))


@pytest.mark.parametrize("path", ["/", "/face_verification", "/specimen_echo"])
def test_every_picture_has_an_alternative_text(visitor: Visitor, path: str) -> None:
    open_page(visitor, path)
    # Gradio's webcam field keeps an <img> without a source, which nobody meets.
    places = [visitor.page.locator("img[src]")]
    if path == "/":
        tasks = [task for task in visitor.page.request.get("/api/v1/tasks").json()["tasks"] if task["part_of"] is None]
        expect(visitor.cards).to_have_count(len(tasks))
        expect(visitor.cards.locator("img, .plate")).to_have_count(len(tasks))
    else:
        visitor.demo.locator("button.example").first.click()
        expect(visitor.demo.locator('[id^="output-"] img[src]')).not_to_have_count(0)
        places.append(visitor.demo.locator("img[src]"))
    pictures = [picture for place in places for picture in place.all()]
    assert len(pictures) >= 3
    assert [picture.get_attribute("src") for picture in pictures if not picture.get_attribute("alt")] == []


def test_the_search_is_used_by_keyboard_alone(visitor: Visitor) -> None:
    visitor.open_gallery()
    reach(visitor, visitor.page.get_by_role("searchbox", name="Search"))
    visitor.page.keyboard.type("threshold")
    expect(visitor.cards).to_have_count(1)
    reach(visitor, visitor.cards.get_by_role("link"))
    visitor.page.keyboard.press("Enter")
    expect(visitor.page).to_have_url("/face_threshold")


def test_a_run_is_started_by_keyboard_alone(visitor: Visitor) -> None:
    visitor.open_task("specimen_stream")
    reach(visitor, visitor.run_button)
    visitor.page.keyboard.press("Enter")
    expect(visitor.readout).to_contain_text("1 2 3 4 5")


def reach(visitor: Visitor, target: Locator) -> None:
    """Press Tab until the target has the focus."""
    for _ in range(MOST_TABS):
        visitor.page.keyboard.press("Tab")
        if target.evaluate(
            "element => element === element.ownerDocument.activeElement && element.ownerDocument.hasFocus()"
        ):
            return
    pytest.fail(f"{target} cannot be reached by Tab")
