"""The webcam tab: frames go out as answers come in, and only while somebody looks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.visitor import FACES, Visitor

TASK = "face_verification"
HOPPER = FACES / "hopper.jpg"
COLLINS = FACES / "collins.jpg"
LOOK = re.compile("/gradio_api/component_server")


def start(visitor: Visitor) -> None:
    visitor.demo.get_by_role("button", name="Start the camera").click()


def live(visitor: Visitor) -> Locator:
    return visitor.demo.locator("#live")


def seen(visitor: Visitor) -> Locator:
    return live(visitor).get_by_role("img", name="The camera's picture with what was found")


@pytest.mark.parametrize(
    ("reference", "verdict"), [(HOPPER, "The same person"), (COLLINS, "Different people")], ids=["same", "different"]
)
def test_the_camera_is_compared_with_the_reference(visitor: Visitor, reference: Path, verdict: str) -> None:
    visitor.open_task(TASK)
    visitor.give_picture("first", reference)
    visitor.choose_tab("Live")
    start(visitor)
    expect(visitor.readout).to_contain_text(verdict)
    expect(live(visitor).locator(".fps")).to_contain_text("frames/s")
    expect(seen(visitor)).to_have_attribute("src", re.compile("^data:image/jpeg"))
    visitor.demo.get_by_role("button", name="Stop the camera").click()
    expect(visitor.demo.get_by_role("button", name="Start the camera")).to_be_visible()
    last = seen(visitor).get_attribute("src")
    visitor.page.wait_for_timeout(1000)
    assert seen(visitor).get_attribute("src") == last


def test_what_is_missing_in_the_form_is_said_and_may_be_given_while_the_camera_is_on(visitor: Visitor) -> None:
    visitor.open_task(TASK, tab="Live")
    start(visitor)
    expect(visitor.demo.get_by_role("alert").locator("visible=true")).to_contain_text("First picture")
    visitor.choose_tab("Picture")
    visitor.give_picture("first", HOPPER)
    visitor.choose_tab("Live")
    expect(visitor.readout).to_contain_text("The same person")


def test_nothing_is_sent_from_another_tab(visitor: Visitor) -> None:
    visitor.open_task("object_detection", tab="Live")
    start(visitor)
    expect(seen(visitor)).to_be_visible()
    visitor.choose_tab("Picture")
    visitor.page.wait_for_timeout(1500)
    sent: list[str] = []
    visitor.page.on("request", lambda request: sent.append(request.url) if "component_server" in request.url else None)
    visitor.page.wait_for_timeout(1500)
    assert sent == []
    visitor.choose_tab("Live")
    expect(live(visitor).locator(".fps")).to_contain_text("frames/s")
    with visitor.page.expect_request(LOOK):
        pass


def test_no_more_than_two_frames_wait_for_their_answers(visitor: Visitor) -> None:
    visitor.open_task("object_detection", tab="Live")
    waiting: list[Route] = []

    def keep(route: Route) -> None:
        waiting.append(route)

    visitor.page.route(LOOK, keep)
    start(visitor)
    visitor.page.wait_for_timeout(3000)
    assert len(waiting) == 2


def test_a_studio_that_does_not_answer_is_said_and_tried_again(visitor: Visitor) -> None:
    visitor.open_task("object_detection", tab="Live")
    page = visitor.demo.locator("body")
    page.evaluate("""() => {
        window.theirs = window.fetch;
        window.fetch = (address, ...rest) => String(address).includes("component_server")
            ? Promise.reject(new TypeError("no way there")) : window.theirs(address, ...rest);
    }""")
    start(visitor)
    said = visitor.demo.get_by_role("alert").locator("visible=true")
    expect(said).to_contain_text("does not answer")
    page.evaluate("() => { window.fetch = window.theirs }")
    expect(seen(visitor)).to_be_visible()
    expect(said).to_have_count(0)


def test_a_camera_that_is_not_allowed_is_said(visitor: Visitor) -> None:
    visitor.open_task("object_detection", tab="Live")
    visitor.demo.locator("body").evaluate(
        "() => (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError')))"
    )
    start(visitor)
    expect(visitor.demo.get_by_role("alert").locator("visible=true")).to_contain_text("does not let this page")
    expect(visitor.demo.get_by_role("button", name="Start the camera")).to_be_enabled()
