"""Lines and zones: what is accepted, and what they are drawn over; the drawing itself is tested in the browser."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Annotated

import PIL.Image
import pytest
from pydantic import Field, ValidationError

from studio.contract import Inputs, Task, Ui
from studio.fields import describe
from studio.media.image import Image
from studio.media.video import Video
from studio.shapes import MOST_SHAPES, Shapes
from surfaces.demos.shapes import ground, shapes_json
from tests.families.specimens.task import TASKS

EXAMPLES = Path(__file__).parents[2] / "backends" / "detection" / "examples"
LINE = ((10.0, 90.0), (10.0, 5.0))


def test_what_is_drawn_is_what_is_sent() -> None:
    shapes = Shapes(lines=[LINE], zones=[[(1, 2), (3, 4), (5, 6)]])
    assert Shapes.model_validate_json(shapes_json(shapes)) == shapes
    assert json.loads(shapes_json({"lines": [LINE]}))["lines"] == [[[10, 90], [10, 5]]]
    assert shapes_json(Shapes()) == shapes_json(None) == ""


def test_a_picture_is_drawn_over_small_but_in_its_own_pixels(tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    PIL.Image.new("RGB", (1920, 1080), "white").save(path)
    over = ground(Image, {"path": str(path)})
    assert over
    assert (over["width"], over["height"]) == (1920, 1080)
    assert PIL.Image.open(io.BytesIO(base64.b64decode(over["picture"].partition(",")[2]))).size == (960, 540)


def test_a_video_is_drawn_over_at_its_first_frame() -> None:
    over = ground(Video, {"path": str(EXAMPLES / "smear.mp4")})
    assert over
    assert (over["width"], over["height"]) == (480, 360)


def test_nothing_is_drawn_over_what_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "no.mp4"
    path.write_text("no video")
    assert ground(Video, {"path": str(path)}) is None
    assert ground(Video, None) is None


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
