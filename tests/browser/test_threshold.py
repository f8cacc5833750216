"""Face threshold: figures, curve and table from a zip of pairs."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.visitor import FACES, Visitor


def test_a_zip_of_pairs_gives_a_threshold_a_curve_and_a_table(visitor: Visitor) -> None:
    visitor.open_task("face_threshold")
    visitor.give("pairs", FACES / "pairs.zip")
    expect(visitor.field("pairs")).to_contain_text(re.compile(r"pairs\s*\.zip"))
    visitor.run()
    expect(visitor.readout).to_contain_text("Threshold")
    expect(visitor.readout).to_contain_text("Equal error rate")
    expect(visitor.demo.locator("#output-distances").get_by_text("hopper_1.jpg").first).to_be_visible()
    field = visitor.demo.locator("#output-roc")
    curve = field.locator("canvas, svg.marks")
    expect(curve).to_be_visible()
    # a chart that takes its width from its place: where the place collapses, it is a few pixels wide
    assert curve.evaluate("chart => chart.clientWidth") > 0.8 * field.evaluate("field => field.clientWidth")
