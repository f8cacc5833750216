"""Lines and zones: what is accepted, and how clicks become points."""

from __future__ import annotations

import json
from typing import Annotated
from xml.etree import ElementTree

import pytest
from pydantic import Field, ValidationError

from studio.contract import Inputs, Task, Ui
from studio.fields import describe
from studio.shapes import MOST_SHAPES, Shapes
from surfaces.demos.shapes import Drawing, Points, drawn, grown, shapes_json
from tests.families.specimens.task import TASKS

NOTHING = Shapes()
LINE = ((10.0, 90.0), (10.0, 5.0))


def clicked(kind: str, *points: tuple[float, float], shapes: Shapes = NOTHING) -> tuple[Shapes, Points]:
    begun: Points = []
    for point in points:
        shapes, begun = grown(shapes, begun, kind, point, near=4)
    return shapes, begun


def test_two_clicks_are_a_line() -> None:
    assert clicked("Line", LINE[0]) == (Shapes(), [LINE[0]])
    assert clicked("Line", *LINE) == (Shapes(lines=[LINE]), [])
    assert clicked("Line", *LINE, (1, 1), (2, 2))[0].lines == [LINE, ((1, 1), (2, 2))]
    assert clicked("Line", (1, 1), (1, 1))[0] == Shapes(), "a line needs two different ends"


def test_a_zone_counts_from_its_third_corner_and_ends_at_its_first() -> None:
    corners = [(0.0, 0.0), (50.0, 0.0), (50.0, 40.0), (0.0, 40.0)]
    assert clicked("Zone", *corners[:2])[0] == Shapes()
    shapes, begun = clicked("Zone", *corners[:3])
    assert (shapes.zones, begun) == ([corners[:3]], corners[:3])
    assert clicked("Zone", *corners) == (Shapes(zones=[corners]), corners)
    assert clicked("Zone", *corners, (2, 3)) == (Shapes(zones=[corners]), [])
    again, _ = clicked("Zone", *corners, (2, 3), (60, 60), (70, 60), (70, 70))
    assert again.zones == [corners, [(60, 60), (70, 60), (70, 70)]]


def test_no_more_are_drawn_than_are_accepted() -> None:
    full = Shapes(lines=[((0, 0), (1, place + 1)) for place in range(MOST_SHAPES)])
    assert clicked("Line", (5, 5), (6, 6), shapes=full) == (full, [])


def test_what_is_drawn_is_what_is_sent() -> None:
    shapes = Shapes(lines=[LINE], zones=[[(1, 2), (3, 4), (5, 6)]])
    assert Shapes.model_validate_json(shapes_json(shapes)) == shapes
    assert json.loads(shapes_json({"lines": [LINE]}))["lines"] == [[[10, 90], [10, 5]]]
    assert shapes_json(Shapes()) == shapes_json(None) == ""


def test_they_are_drawn_at_the_scale_of_the_picture() -> None:
    shapes = Shapes(lines=[((20, 100), (20, 10))], zones=[[(60, 20), (140, 20), (140, 100)]])
    svg = ElementTree.fromstring(drawn(80, 60, 2.0, shapes, [(80, 60)]))
    assert svg.get("viewBox") == "0 0 80 60"
    points = [part.get("points") for part in svg if part.get("points")]
    assert points[:2] == ["30.00,10.00 70.00,10.00 70.00,50.00", "10.00,50.00 10.00,5.00"]
    assert len(points) == 3, "an arrow says which side of the line is in"
    assert [part.text for part in svg.iter("text")] == ["zone 1", "line 1"]
    assert [(part.get("cx"), part.get("cy")) for part in svg.iter("circle")] == [("40.00", "30.00")]


def test_a_text_of_before_the_last_click_is_known_again() -> None:
    first, second = Shapes(lines=[LINE]), Shapes(lines=[LINE, ((1, 1), (2, 2))])
    drawing = Drawing(NOTHING, [], ()).now("").then(first, []).then(second, [(3.0, 3.0)])
    for known in ("", shapes_json(first), shapes_json(second)):
        assert drawing.now(known) == drawing
    typed = drawing.now('{"zones": [[[1, 2], [3, 4], [5, 6]]]}')
    assert (typed.shapes.lines, typed.begun) == ([], []), "what was typed counts"
    assert drawing.now("{").shapes == NOTHING, "what cannot be read: the run says so"


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": [[[0, 0], [0, 0]]]},
        {"lines": [[[0, 0]]]},
        {"lines": [[[0, 0], [1, float("inf")]]]},
        {"zones": [[[0, 0], [1, 1]]]},
        {"zones": [[[place, 0] for place in range(51)]]},
        {"lines": [[[0, 0], [1, place + 1]] for place in range(MOST_SHAPES + 1)]},
        {"circles": []},
    ],
)
def test_what_is_no_line_or_zone_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Shapes.model_validate(wrong)


def test_shapes_are_drawn_over_a_field_that_is_there() -> None:
    class Over(Inputs):
        shapes: Annotated[Shapes, Field(title="Where"), Ui(over="film")] = Shapes()

    assert [(spec.kind, spec.ui.over) for spec in describe(Over)] == [("json", "film")]
    whole = {name: getattr(TASKS[1], name) for name in Task.model_fields}
    with pytest.raises(ValidationError, match="drawn over 'film', which is not there"):
        Task(**(whole | {"inputs": Over, "examples": ({"title": "None", "values": {}},)}))
