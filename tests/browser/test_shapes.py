"""Lines and zones are drawn over a video's first frame, moved, taken back, typed and brought by an example."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from studio.shapes import MOST_SHAPES, arrow
from tests.browser.board import VIDEO_WH, at, board, click_on_board, drawn, kind, said
from tests.browser.visitor import Visitor

SMEAR = Path(__file__).parents[2] / "backends" / "detection" / "examples" / "smear.mp4"


@pytest.fixture
def video(visitor: Visitor) -> Visitor:
    """Somebody who has chosen a video."""
    visitor.open_task("video_detection")
    visitor.give("video", SMEAR)
    expect(board(visitor)).to_be_visible()
    return visitor


def test_a_video_must_be_chosen_first(visitor: Visitor) -> None:
    visitor.open_task("video_detection")
    expect(said(visitor)).to_contain_text("Choose a video first")
    expect(board(visitor)).to_be_hidden()
    visitor.give("video", SMEAR)
    expect(said(visitor)).to_contain_text("Click the line's two ends.")
    expect(board(visitor)).to_be_visible()


def test_every_click_counts_however_fast(video: Visitor) -> None:
    for x in (60, 120, 180, 240):
        for y in (30, 300):
            click_on_board(video, x, y)
    shapes = drawn(video, lines=4, zones=0)
    assert np.allclose(shapes["lines"], [[(x, 30), (x, 300)] for x in (60, 120, 180, 240)], atol=2)
    strokes = board(video).locator("polyline")
    line, picture = strokes.first.bounding_box(), board(video).bounding_box()
    assert line
    assert picture
    assert abs((line["x"] + line["width"] / 2 - picture["x"]) / picture["width"] - 60 / VIDEO_WH[0]) < 0.01
    assert abs((line["y"] - picture["y"]) / picture["height"] - 30 / VIDEO_WH[1]) < 0.02


def test_the_arrow_points_to_the_side_that_counts_as_in(video: Visitor) -> None:
    click_on_board(video, 100, 300)
    click_on_board(video, 300, 60)
    (line,) = drawn(video, lines=1, zones=0)["lines"]
    shown = board(video).locator("polyline").nth(1).get_attribute("points") or ""
    stroke = np.array([point.split(",") for point in shown.split()], float)
    length = float(np.linalg.norm(stroke[1] - stroke[0]))
    assert np.allclose(stroke, arrow(np.array(line), length), atol=0.01)


def test_a_zone_counts_from_its_third_corner_and_ends_at_its_first(video: Visitor) -> None:
    kind(video, "Zone")
    corners = [(60, 60), (200, 60), (200, 200), (60, 200)]
    for corner in corners[:2]:
        click_on_board(video, *corner)
    drawn(video, lines=0, zones=0)
    expect(said(video)).to_contain_text("next corner")
    for corner in corners[2:]:
        click_on_board(video, *corner)
    click_on_board(video, 62, 61)
    assert np.allclose(drawn(video, lines=0, zones=1)["zones"][0], corners, atol=2), "the last click ended the zone"
    for corner in ((300, 60), (400, 60), (400, 200)):
        click_on_board(video, *corner)
    drawn(video, lines=0, zones=2)
    board(video).press("Escape")
    click_on_board(video, 300, 300)
    assert len(drawn(video, lines=0, zones=2)["zones"][1]) == 3, "Escape ended the zone as it was"


def test_each_step_is_taken_back_in_its_turn(video: Visitor) -> None:
    kind(video, "Zone")
    for corner in ((60, 60), (200, 60), (200, 200), (60, 60)):
        click_on_board(video, *corner)
    kind(video, "Line")
    click_on_board(video, 300, 40)
    click_on_board(video, 300, 300)
    undo = video.field("shapes").get_by_role("button", name="Undo")
    drawn(video, lines=1, zones=1)
    undo.click()
    drawn(video, lines=0, zones=1)
    click_on_board(video, 400, 300)
    assert np.allclose(drawn(video, lines=1, zones=1)["lines"][0], [(300, 40), (400, 300)], atol=2)
    video.field("shapes").get_by_role("button", name="Clear").click()
    drawn(video, lines=0, zones=0)
    undo.click()
    drawn(video, lines=1, zones=1)


def test_a_point_is_moved(video: Visitor) -> None:
    click_on_board(video, 100, 50)
    click_on_board(video, 100, 300)
    box = board(video).bounding_box()
    assert box
    start, end = at(video, 100, 300), at(video, 340, 200)
    video.page.mouse.move(box["x"] + start["x"], box["y"] + start["y"])
    video.page.mouse.down()
    video.page.mouse.move(box["x"] + end["x"], box["y"] + end["y"], steps=4)
    video.page.mouse.up()
    assert np.allclose(drawn(video, lines=1, zones=0)["lines"][0], [(100, 50), (340, 200)], atol=2)
    video.field("shapes").get_by_role("button", name="Undo").click()
    assert np.allclose(drawn(video, lines=1, zones=0)["lines"][0], [(100, 50), (100, 300)], atol=2)


def test_a_point_is_moved_with_a_finger(video: Visitor) -> None:
    click_on_board(video, 100, 50)
    click_on_board(video, 100, 200)
    box = board(video).bounding_box()
    assert box
    hand = video.page.context.new_cdp_session(video.page)
    for number in range(6):
        place = at(video, 100 + 40 * number, 200 - 20 * number)
        points = [{"x": box["x"] + place["x"], "y": box["y"] + place["y"]}]
        hand.send("Input.dispatchTouchEvent", {"type": "touchMove" if number else "touchStart", "touchPoints": points})
    hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert np.allclose(drawn(video, lines=1, zones=0)["lines"][0], [(100, 50), (300, 100)], atol=2)
    click_on_board(video, 400, 50)
    click_on_board(video, 400, 200)
    drawn(video, lines=2, zones=0)


def test_points_may_be_typed(video: Visitor) -> None:
    field = video.field("shapes")
    field.get_by_text("As points").click()
    text = field.get_by_role("textbox")
    text.fill('{"zones": [[[10, 10], [200, 10], [200, 200]]]}')
    expect(said(video)).to_contain_text("1 zone")
    expect(board(video).locator("polygon")).to_have_count(1)
    text.fill('{"zones": [[[10, 10]')
    expect(said(video)).to_contain_text("cannot be read")
    alert = video.run_into_error()
    expect(alert).to_contain_text("Lines and zones")
    lines = [[[place, 0], [place, 100]] for place in range(MOST_SHAPES)]
    text.fill(json.dumps({"lines": lines}))
    click_on_board(video, 300, 300)
    click_on_board(video, 400, 300)
    drawn_lines = json.loads(text.input_value())["lines"]
    assert drawn_lines == lines, "no more are drawn than are accepted"
    expect(said(video)).to_contain_text(f"No more than {MOST_SHAPES}")


def test_an_example_shows_its_shapes(visitor: Visitor) -> None:
    visitor.open_task("video_detection")
    visitor.demo.get_by_role("button", name="cells across a line").click()
    expect(said(visitor)).to_contain_text("1 line, 1 zone")
    drawn(visitor, lines=1, zones=1)
    expect(board(visitor)).to_be_visible()
