"""The board on which lines and zones are drawn over a video."""

from __future__ import annotations

import json

from playwright.sync_api import Locator, expect

from tests.browser.visitor import Visitor

VIDEO_WH = (480, 360)  # of smear.mp4


def board(visitor: Visitor) -> Locator:
    return visitor.demo.locator("#input-shapes svg")


def at(visitor: Visitor, x: float, y: float) -> dict[str, float]:
    """Where on the board that pixel of the video is, however large it is shown."""
    expect(board(visitor)).to_be_visible()
    box = board(visitor).bounding_box()
    assert box
    scale = box["width"] / VIDEO_WH[0]
    assert abs(box["height"] - VIDEO_WH[1] * scale) < 2, "the picture is shown in another form"
    return {"x": x * scale, "y": y * scale}


def click_on_board(visitor: Visitor, x: float, y: float) -> None:
    """Click at that pixel of the video."""
    board(visitor).click(position=at(visitor, x, y))


def kind(visitor: Visitor, name: str) -> None:
    visitor.field("shapes").get_by_label(name, exact=True).check()


def said(visitor: Visitor) -> Locator:
    return visitor.field("shapes").get_by_role("status")


def drawn(visitor: Visitor, lines: int, zones: int) -> dict[str, list[list[list[float]]]]:
    """The shapes as they are sent, of which there are so many."""
    text = visitor.field("shapes").locator("textarea").input_value()
    shapes: dict[str, list[list[list[float]]]] = json.loads(text or '{"lines": [], "zones": []}')
    assert [len(shapes[name]) for name in ("lines", "zones")] == [lines, zones]
    return shapes
