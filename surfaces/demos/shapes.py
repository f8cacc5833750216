"""A field of lines and zones: drawn by clicks over a picture, or the first frame of a video, and written as points."""

from __future__ import annotations

import functools
import html
import json
from typing import Any

import gradio as gr
import numpy as np
import PIL.Image
import PIL.ImageDraw
from pydantic import ValidationError

from studio.errors import AtelierError
from studio.fields import FieldSpec
from studio.media.base import Media
from studio.media.image import RGB, Image
from studio.media.video import Video
from studio.shapes import MOST_CORNERS, MOST_SHAPES, Shapes, arrow
from surfaces.demos.files import upload
from surfaces.drawing import ACCENT, PLATE_TEXT, load_font

_LONGEST_PX = 960  # of the picture that is drawn over
_NEAR = 0.03  # a click so near a zone's first corner, as a share of the picture's longer side, closes it
_LINE, _ZONE = "Line", "Zone"
_HINT = "A line: click its two ends. A zone: click its corners, then the first one again."
_EMPTY = "Choose {what} first: then draw here."


class ShapesBoard:
    """The components with which shapes are drawn.

    Attributes:
        points: what counts: the shapes as JSON.
    """

    def __init__(self, spec: FieldSpec) -> None:
        name = f"input-{spec.name}"
        self._spec = spec
        with gr.Column(elem_classes=["shapes"]):
            title, said = html.escape(spec.title), html.escape(spec.description)
            gr.HTML(f'<p class="shapes-title">{title}</p><p class="hint">{said}</p>', show_label=False)
            self._hint = gr.HTML(_said(_EMPTY.format(what=f"a {spec.ui.over}")), show_label=False)
            with gr.Row(visible=False) as self._tools:
                self._kind = gr.Radio(
                    [_LINE, _ZONE], value=_LINE, show_label=False, container=False, elem_id=f"{name}-kind", label="Draw"
                )
                self._undo = gr.Button("Undo", size="sm", min_width=70, elem_id=f"{name}-undo")
                self._clear = gr.Button("Clear", size="sm", min_width=70, elem_id=f"{name}-clear")
            self._board = gr.Image(
                visible=False,
                interactive=False,
                show_label=False,
                buttons=[],
                label=spec.title,
                elem_id=f"{name}-board",
                alt_text="The picture with the lines and zones that were drawn",
            )
            self.points = gr.Textbox(
                value=shapes_json(spec.default),
                lines=2,
                max_lines=6,
                label="As points (JSON)",
                placeholder='{"lines": [[[x, y], [x, y]]], "zones": [[[x, y], [x, y], [x, y]]]}',
                elem_id=name,
            )
        self._ground = gr.State(None)
        self._begun = gr.State([])

    def connect(self, over: Any, media: type[Media]) -> None:
        """Draw over the picture or the video that is chosen in that component."""
        name = self._spec.name
        common: dict[str, Any] = {
            "api_visibility": "undocumented",
            "show_progress": "hidden",
            "concurrency_limit": None,
        }
        shown = [self._board, self._hint]
        over.change(
            functools.partial(self._chosen, media),
            [over, self.points],
            [self._ground, self._begun, self._tools, *shown],
            preprocess=False,
            api_name=f"{name}_ground",
            **common,
        )
        self._board.select(
            _clicked,
            [self._ground, self._begun, self._kind, self.points],
            [self._begun, self.points, *shown],
            api_name=f"{name}_click",
            **common,
        )
        self._kind.change(
            lambda ground, points: ([], *_redrawn(ground, points, [])),
            [self._ground, self.points],
            [self._begun, *shown],
            api_name=f"{name}_kind",
            **common,
        )
        self._undo.click(
            _undone,
            [self._ground, self._begun, self.points],
            [self._begun, self.points, *shown],
            api_name=f"{name}_undo",
            **common,
        )
        self._clear.click(
            lambda ground: ([], shapes_json(Shapes()), *_redrawn(ground, "", [])),
            [self._ground],
            [self._begun, self.points, *shown],
            api_name=f"{name}_clear",
            **common,
        )
        self.points.input(  # not change: it would draw anew after each click, and might come after the next one's
            _redrawn,
            [self._ground, self.points, self._begun],
            shown,
            api_name=f"{name}_redraw",
            **common,
        )

    def _chosen(self, media: type[Media], payload: Any, points: str) -> tuple[Any, ...]:
        """Another picture or video: its frame small, with its full size, and the board with what is drawn so far."""
        ground = _ground(media, payload)
        visible = ground is not None
        picture, said = _redrawn(ground, points, [])
        if not visible:
            said = _said(_EMPTY.format(what=f"a {self._spec.ui.over}"))
        return ground, [], gr.update(visible=visible), gr.update(value=picture, visible=visible), said


Ground = tuple[RGB, float]
"""The picture that is drawn over, scaled down, and how many pixels of the original one of its pixels is."""

Points = list[tuple[float, float]]


def _ground(media: type[Media], payload: Any) -> Ground | None:
    """The picture, or the first frame; None where there is none, or none that can be read: the run says why."""
    if payload is None:
        return None
    try:
        chosen = media.load(upload(payload))
        rgb = next(chosen.frames()).rgb if isinstance(chosen, Video) else Image.load(chosen).rgb
    except AtelierError:
        return None
    picture = PIL.Image.fromarray(rgb)
    picture.thumbnail((_LONGEST_PX, _LONGEST_PX))
    return np.asarray(picture), rgb.shape[1] / picture.width


def _clicked(ground: Ground | None, begun: Points, kind: str, points: str, event: gr.SelectData) -> tuple[Any, ...]:
    """One more point: a second one ends a line, one beside a zone's first corner ends the zone."""
    if ground is None:
        return (gr.skip(),) * 4
    shapes, (rgb, scale) = _shapes(points), ground
    x, y = (round(float(side) * scale, 1) for side in event.index)
    shapes, begun = grown(shapes, [(left, top) for left, top in begun], kind, (x, y), _NEAR * max(rgb.shape) * scale)
    return begun, shapes_json(shapes), *_redrawn(ground, shapes_json(shapes), begun)


def grown(shapes: Shapes, begun: Points, kind: str, point: tuple[float, float], near: float) -> tuple[Shapes, Points]:
    """The shapes with one more point, and the points of the shape that is still being drawn.

    A zone counts from its third corner on, so that what is seen is what is run. What would be too many is left out.

    Args:
        kind: "Line" or "Zone".
        near: how near, in pixels, a zone's first corner a click closes it.
    """
    lines, zones = list(shapes.lines), list(shapes.zones)
    full = len(lines if kind == _LINE else zones) == MOST_SHAPES and not begun
    if full or len(begun) == MOST_CORNERS:
        return shapes, []
    if kind == _LINE:
        if not begun or begun[0] == point:
            return shapes, [point]
        return shapes.model_copy(update={"lines": [*lines, (begun[0], point)]}), []
    if len(begun) >= 3 and np.hypot(point[0] - begun[0][0], point[1] - begun[0][1]) <= near:
        return shapes, []
    corners = [*begun, point]
    if len(corners) >= 3:
        rest = zones[:-1] if len(begun) >= 3 else zones
        shapes = shapes.model_copy(update={"zones": [*rest, corners]})
    return shapes, corners


def _undone(ground: Ground | None, begun: Points, points: str) -> tuple[Any, ...]:
    """Without the shape that is being drawn, or without the latest one: zones before lines."""
    shapes = _shapes(points)
    whole = len(begun) >= 3  # a zone that is being drawn is among the shapes already
    if whole or not begun:
        part = "zones" if shapes.zones else "lines"
        shapes = shapes.model_copy(update={part: getattr(shapes, part)[:-1]})
    return [], shapes_json(shapes), *_redrawn(ground, shapes_json(shapes), [])


def _redrawn(ground: Ground | None, points: str, begun: Points) -> tuple[Any, Any]:
    """The board and what is said beside it."""
    if ground is None:
        return None, gr.skip()
    shapes, (rgb, scale) = _shapes(points), ground
    counted = [
        f"{len(part)} {noun}{'s' * (len(part) != 1)}"
        for part, noun in ((shapes.lines, "line"), (shapes.zones, "zone"))
        if part
    ]
    so_far = f" Drawn: {', '.join(counted)}." if counted else ""
    return drawn(rgb, scale, shapes, begun), _said(_HINT + so_far)


def drawn(rgb: RGB, scale: float, shapes: Shapes, begun: Points) -> PIL.Image.Image:
    """The picture (H, W, 3) with the shapes, and with the points of the one that is still being drawn.

    Args:
        scale: how many pixels of the shapes one of the picture is.
    """
    picture = PIL.Image.fromarray(rgb)
    canvas = PIL.ImageDraw.Draw(picture)
    line_px = max(2, round(max(picture.size) / 240))
    font = load_font(max(12, round(max(picture.size) / 36)))

    def at(point: tuple[float, float]) -> tuple[float, float]:
        return point[0] / scale, point[1] / scale

    def say(text: str, place: tuple[float, float]) -> None:
        box = canvas.textbbox(place, text, font=font)
        canvas.rectangle((box[0] - 3, box[1] - 2, box[2] + 3, box[3] + 2), fill=ACCENT)
        canvas.text(place, text, font=font, fill=PLATE_TEXT)

    for number, zone in enumerate(shapes.zones, 1):
        canvas.polygon([at(point) for point in zone], outline=ACCENT, width=line_px)
        say(f"zone {number}", at(zone[0]))
    for number, (first, second) in enumerate(shapes.lines, 1):
        canvas.line([at(first), at(second)], fill=ACCENT, width=line_px)
        stroke = arrow(np.array([at(first), at(second)]), 8 * line_px)
        canvas.line([(float(x), float(y)) for x, y in stroke], fill=ACCENT, width=line_px)
        say(f"line {number}", at(first))
    for x, y in map(at, begun):
        canvas.ellipse((x - 2 * line_px, y - 2 * line_px, x + 2 * line_px, y + 2 * line_px), fill=ACCENT)
    return picture


def _shapes(points: str | None) -> Shapes:
    """What the points say; nothing where they say nothing that can be read: the run names the field."""
    try:
        return Shapes.model_validate_json(points or "{}")
    except ValidationError:
        return Shapes()


def shapes_json(value: Any) -> str:
    """Shapes, or what they are validated from, as the text that counts; empty where there are none."""
    shapes = Shapes.model_validate(value or {})
    return json.dumps(shapes.model_dump(mode="json")) if shapes else ""


def _said(text: str) -> str:
    return f'<p class="hint">{text}</p>'
