"""Detection: a picture's boxes, a line and a zone that are drawn over a video's first frame, a plate that is read."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.board import VIDEO_WH, click_on_board, drawn, kind
from tests.browser.visitor import Visitor

BACKENDS = Path(__file__).parents[2] / "backends"
SMEARS = BACKENDS / "detection" / "examples"


def test_cells_are_boxed_and_counted(visitor: Visitor) -> None:
    visitor.open_task("object_detection")
    visitor.give_picture("image", SMEARS / "smear.jpg")
    visitor.run()
    expect(visitor.readout).to_contain_text("red cell")
    expect(visitor.demo.locator("#output-picture img")).to_be_visible()


def test_an_example_brings_its_own_model(visitor: Visitor) -> None:
    visitor.open_task("object_detection")
    visitor.demo.get_by_role("button", name="A car: its licence plate").click()
    expect(visitor.status).to_contain_text("Licence plates of cars")
    expect(visitor.readout).to_contain_text("licence plate")


def test_the_model_that_was_picked_is_there_after_a_reload(visitor: Visitor) -> None:
    visitor.open_task("object_detection")
    model = visitor.page.get_by_role("combobox", name="Model")
    model.click()
    visitor.page.get_by_role("option", name="Steel").click()
    expect(visitor.page).to_have_url(re.compile("model=steel"))
    visitor.page.reload()
    visitor.demo_is_ready()
    expect(model).to_have_value(re.compile("Steel"))
    visitor.give_picture("image", SMEARS / "smear.jpg")
    visitor.run()
    expect(visitor.status).to_contain_text("Steel")


def test_what_crosses_a_drawn_line_and_stays_in_a_drawn_zone_is_counted(visitor: Visitor) -> None:
    visitor.open_task("video_detection")
    visitor.give("video", SMEARS / "smear.mp4")
    click_on_board(visitor, 240, 350)
    click_on_board(visitor, 240, 10)
    kind(visitor, "Zone")
    for corner in ((280, 40), (440, 40), (440, 320)):
        click_on_board(visitor, *corner)
    drawn(visitor, lines=1, zones=1)
    visitor.run()
    video = visitor.demo.locator("#output-video video")
    expect(video).to_be_visible()
    assert video.evaluate("video => video.play().then(() => video.videoWidth)") == VIDEO_WH[0]
    for shape in ("line 1", "zone 1"):
        expect(visitor.demo.get_by_role("gridcell", name=shape).first).to_be_visible()


def test_a_plate_is_found_and_read(visitor: Visitor) -> None:
    visitor.open_task("licence_plates")
    visitor.give_picture("image", BACKENDS / "text" / "examples" / "car.jpg")
    visitor.run()
    expect(visitor.demo.locator("#output-steps img")).to_be_visible()
