"""The drawing pad: a digit drawn with the mouse is read, the pad is cleared, and a picture can be put on it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
from playwright.sync_api import Locator, expect

from tests.browser.visitor import Visitor

TASK = "digit_recognition"
EXAMPLES = Path(__file__).parents[2] / "backends" / "digits" / "examples"
#: the pad takes no strokes until a moment after it is there, and does not say from when on
_TRIES, _SHOWN_MS = 20, 500
#: from the middle of the pad, in parts of its height
SEVEN = [(-0.15, -0.27), (0.15, -0.27), (0.03, 0.0), (-0.06, 0.27)]
SCRIBBLE = [(-0.3, 0.2), (-0.1, -0.3), (0.0, 0.25), (0.15, -0.25), (0.1, 0.3), (0.3, -0.1), (-0.3, 0.0), (0.3, 0.2)]


def draw(visitor: Visitor, points: list[tuple[float, float]]) -> None:
    """One stroke through points, drawn again until it is seen."""
    pad = visitor.field("image").locator("canvas").first
    expect(pad).to_be_visible()
    pad.scroll_into_view_if_needed()
    for _ in range(_TRIES):
        box = pad.bounding_box()
        assert box
        places = [
            (box["x"] + box["width"] / 2 + x * box["height"], box["y"] + box["height"] * (0.5 + y)) for x, y in points
        ]
        mouse = visitor.page.mouse
        mouse.move(*places[0])
        mouse.down()
        for place in places[1:]:
            mouse.move(*place, steps=5)
        mouse.up()
        visitor.page.wait_for_timeout(_SHOWN_MS)
        if ink(pad) > 0.01:
            return
    raise AssertionError("nothing is seen on the pad")


def ink(pad: Locator) -> float:
    """Share of the pad's middle that is drawn on."""
    with PIL.Image.open(BytesIO(pad.screenshot())) as picture:
        grey = np.asarray(picture.convert("L"))
    height, width = grey.shape
    middle = grey[height // 6 : -height // 6, width // 4 : -width // 4]
    return float((middle < 64).mean())


def clear(visitor: Visitor) -> None:
    visitor.field("image").get_by_label("Clear canvas").click()
    pad = visitor.field("image").locator("canvas").first
    for _ in range(_TRIES):
        visitor.page.wait_for_timeout(_SHOWN_MS)
        if ink(pad) == 0:
            return
    raise AssertionError("the pad is not cleared")


def test_a_drawn_digit_is_read_without_picking_the_brush_and_a_scribble_is_none(visitor: Visitor) -> None:
    visitor.open_task(TASK)
    draw(visitor, SEVEN)
    visitor.run()
    expect(visitor.readout).to_contain_text("This is a 7.")
    clear(visitor)
    draw(visitor, SCRIBBLE)
    visitor.run()
    expect(visitor.readout).to_contain_text("This doesn't look like a digit.")


def test_an_empty_pad_and_an_example(visitor: Visitor) -> None:
    visitor.open_task(TASK)
    visitor.run()
    expect(visitor.readout).to_contain_text("There is nothing on this picture.")
    visitor.demo.get_by_role("button", name="An eight in chalk").click()
    expect(visitor.readout).to_contain_text("This is an 8.")
