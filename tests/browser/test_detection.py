"""Detection: a picture's boxes, a line and a zone that are drawn over a video's first frame, a plate that is read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

BACKENDS = Path(__file__).parents[2] / "backends"
SMEARS = BACKENDS / "detection" / "examples"
VIDEO_WH = (480, 360)  # of smear.mp4


def click_on_board(visitor: Visitor, x: float, y: float) -> None:
    """Click at pixels of the video, wherever and however large it is shown; without waiting for the answer."""
    picture = visitor.demo.locator("#input-shapes-board img")
    expect(picture).to_be_visible()
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box
    scale = box["width"] / VIDEO_WH[0]
    assert abs(box["height"] - VIDEO_WH[1] * scale) < 2, "the picture is shown in another form"
    picture.click(position={"x": x * scale, "y": y * scale})


def drawn(visitor: Visitor, lines: int, zones: int) -> dict[str, list[list[list[float]]]]:
    """The shapes as they are sent, once there are so many: the picture may show a point before the text has it."""
    text = visitor.field("shapes").locator("textarea")
    for _ in range(100):
        shapes: dict[str, list[list[list[float]]]] = json.loads(text.input_value())
        if [len(shapes[name]) for name in ("lines", "zones")] == [lines, zones]:
            break
        visitor.page.wait_for_timeout(100)
    else:
        raise AssertionError(f"not {lines} lines and {zones} zones: {shapes}")
    return shapes


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


def test_what_crosses_a_drawn_line_and_stays_in_a_drawn_zone_is_counted(visitor: Visitor) -> None:
    visitor.open_task("video_detection")
    visitor.give("video", SMEARS / "smear.mp4")
    click_on_board(visitor, 240, 350)
    click_on_board(visitor, 240, 10)
    visitor.demo.locator("#input-shapes-kind").get_by_text("Zone").click()
    for corner in ((280, 40), (440, 40), (440, 320)):
        click_on_board(visitor, *corner)
    shapes = drawn(visitor, lines=1, zones=1)
    for (x, y), (wanted_x, wanted_y) in zip(shapes["lines"][0], [(240, 350), (240, 10)], strict=True):
        assert abs(x - wanted_x) < 3
        assert abs(y - wanted_y) < 3
    visitor.run()
    video = visitor.demo.locator("#output-video video")
    expect(video).to_be_visible()
    assert video.evaluate("video => video.play().then(() => video.videoWidth)") == VIDEO_WH[0]
    for shape in ("line 1", "zone 1"):
        expect(visitor.demo.get_by_role("gridcell", name=shape).first).to_be_visible()


def test_clicks_that_come_faster_than_answers_all_count(visitor: Visitor) -> None:
    visitor.open_task("video_detection")
    visitor.give("video", SMEARS / "smear.mp4")
    for x in (60, 120, 180, 240):
        for y in (30, 300):
            click_on_board(visitor, x, y)
    shapes = drawn(visitor, lines=4, zones=0)
    assert np.allclose(shapes["lines"], [[(x, 30), (x, 300)] for x in (60, 120, 180, 240)], atol=3)
    line = visitor.demo.locator("#input-shapes-over polyline").first.bounding_box()
    picture = visitor.demo.locator("#input-shapes-board img").bounding_box()
    assert line
    assert picture
    assert abs((line["x"] + line["width"] / 2 - picture["x"]) / picture["width"] - 60 / VIDEO_WH[0]) < 0.01
    assert abs((line["y"] - picture["y"]) / picture["height"] - 30 / VIDEO_WH[1]) < 0.02


def test_the_latest_shape_is_taken_back(visitor: Visitor) -> None:
    visitor.open_task("video_detection")
    visitor.give("video", SMEARS / "smear.mp4")
    for x in (100, 200):
        click_on_board(visitor, x, 50)
        click_on_board(visitor, x, 300)
    drawn(visitor, lines=2, zones=0)
    visitor.demo.locator("#input-shapes-undo").click()
    expect(visitor.demo.locator(".shapes .hint").last).to_contain_text("1 line.")
    drawn(visitor, lines=1, zones=0)


def test_an_example_shows_its_shapes(visitor: Visitor) -> None:
    visitor.open_task("video_detection")
    visitor.demo.get_by_role("button", name="cells across a line").click()
    expect(visitor.demo.locator(".shapes .hint").last).to_contain_text("1 line, 1 zone")
    drawn(visitor, lines=1, zones=1)


def test_a_plate_is_found_and_read(visitor: Visitor) -> None:
    visitor.open_task("licence_plates")
    visitor.give_picture("image", BACKENDS / "text" / "examples" / "car.jpg")
    visitor.run()
    expect(visitor.demo.locator("#output-steps img")).to_be_visible()
