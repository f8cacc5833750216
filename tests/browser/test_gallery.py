"""The gallery: what it shows, and how a visitor finds a task in it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from studio.catalogue import Catalogue
from tests.browser.profiles import Profiles
from tests.browser.serve import PACKAGES
from tests.browser.traffic import outside
from tests.browser.visitor import Visitor

TASKS = [task for task in Catalogue.discover(PACKAGES) if task.part_of is None]


def test_every_task_is_a_card_with_a_picture_or_a_plate(visitor: Visitor) -> None:
    visitor.open_gallery()
    expect(visitor.cards).to_have_count(len(TASKS))
    for task in TASKS:
        card = visitor.page.locator(f".st-key-card-{task.name}")
        expect(card).to_contain_text(task.title)
        expect(card).to_contain_text(task.summary)
        expect(card.locator("img, .plate")).to_have_count(1)
    pictures = visitor.cards.locator("img")
    assert pictures.count() >= 3
    visitor.page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")


def test_search_narrows_the_gallery_and_says_when_nothing_is_found(visitor: Visitor) -> None:
    visitor.open_gallery()
    search = visitor.page.get_by_role("searchbox", name="Search")
    search.fill("same person")
    expect(visitor.cards).to_have_count(1)
    expect(visitor.cards).to_contain_text("Face verification")
    search.fill("a teapot")
    expect(visitor.page.get_by_text("Nothing matches “a teapot”")).to_be_visible()
    expect(visitor.cards).to_have_count(0)
    visitor.page.get_by_role("button", name="Clear the search").click()
    expect(visitor.cards).to_have_count(len(TASKS))
    expect(search).to_have_value("")


def test_the_kinds_of_input_filter_the_gallery(visitor: Visitor) -> None:
    visitor.open_gallery()
    visitor.page.get_by_role("button", name="File", exact=True).click()
    expect(visitor.page.locator(".st-key-card-face_verification")).to_have_count(0)
    expect(visitor.page.locator(".st-key-card-face_threshold")).to_be_visible()
    visitor.page.get_by_role("button", name="File", exact=True).click()
    expect(visitor.cards).to_have_count(len(TASKS))


def test_a_click_anywhere_on_a_card_opens_the_task(visitor: Visitor) -> None:
    visitor.open_gallery()
    visitor.page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    visitor.page.locator(".st-key-card-face_verification img").click(force=True)  # pictures no longer move it
    expect(visitor.page).to_have_url("/face_verification")
    expect(visitor.page.get_by_role("heading", name="Face verification")).to_be_visible()
    visitor.demo_is_ready()


def test_the_api_reference_is_served_by_the_studio_itself(visitor: Visitor) -> None:
    visitor.open_gallery()
    with visitor.page.context.expect_page() as opened:
        visitor.page.get_by_role("link", name="API reference").click()
    expect(opened.value.get_by_text("/api/v1/tasks/face_verification/run").first).to_be_visible()


def test_the_watch_sees_requests_that_leave_the_host_and_console_errors(profiles: Profiles) -> None:
    profile = profiles.take((640, 480), "light")
    page = profile.context.new_page()
    page.goto("about:blank")  # the studio's own pages may not even try
    page.evaluate("fetch('https://fonts.example.org/a.woff2').catch(() => console.error('no font'))")
    page.evaluate("new WebSocket('wss://example.org/').onerror = () => { document.title = 'over'; }")
    expect(page).to_have_title("over")
    assert profile.traffic.outside == ["https://fonts.example.org/a.woff2", "wss://example.org/"]
    assert any(fault.startswith("no font @") for fault in profile.traffic.faults)
    profiles.give_back(profile)


def test_the_watch_knows_other_hosts() -> None:
    ours = ["http://127.0.0.1:80/a", "ws://127.0.0.1:80/b", "blob:http://127.0.0.1:80/c", "data:image/png;base64,"]
    others = ["http://127.0.0.1/a", "https://fonts.example.org/a.woff2", "blob:https://example.org/c"]
    assert outside(ours + others, "127.0.0.1:80") == others


def test_a_model_s_row_opens_its_task_with_it(visitor: Visitor) -> None:
    visitor.page.goto("/models")
    row = visitor.page.locator(".st-key-row-model-object_detection-steel")
    row.get_by_role("link", name="Try it").click()
    expect(visitor.page).to_have_url(re.compile("/object_detection[?]model=steel$"))
    visitor.demo_is_ready()
    expect(visitor.page.get_by_role("combobox", name="Model")).to_have_value(re.compile("Steel"))
