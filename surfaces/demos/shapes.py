"""A field of lines and zones: drawn by clicks over a picture, or the first frame of a video, and written as points."""

from __future__ import annotations

import functools
import html
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
import PIL.Image
from pydantic import ValidationError

from studio.errors import AtelierError
from studio.fields import FieldSpec
from studio.media.base import Media
from studio.media.image import RGB, Image
from studio.media.video import Video
from studio.shapes import MOST_CORNERS, MOST_SHAPES, Shapes, arrow
from surfaces.demos.files import upload

_LONGEST_PX = 960  # of the picture that is drawn over
_NEAR = 0.03  # a click so near a zone's first corner, as a share of the picture's longer side, closes it
_MOST_TEXTS = 64  # of those the board wrote that are known again
_LINE, _ZONE = "Line", "Zone"
_HINT = "A line: click its two ends. A zone: click its corners, then the first one again."
_EMPTY = "Choose {what} first: then draw here."


Ground = tuple[RGB, float]
"""The picture that is drawn over, scaled down, and how many pixels of the original one of its pixels is."""

Points = list[tuple[float, float]]


class Drawing(NamedTuple):
    """What is drawn on a board.

    It is kept at the server because clicks may come faster than answers: a click sends the text of before the last one.

    Attributes:
        begun: the points of the shape that is still being drawn.
        written: the texts which the board wrote, newest last. Any other text was typed, or came with a link.
    """

    shapes: Shapes
    begun: Points
    written: tuple[str, ...]

    def now(self, points: str | None) -> Drawing:
        """What counts when that text is sent: what is drawn, unless the text is not the board's."""
        if (points or "") in self.written:
            return self
        return self.then(_shapes(points), [])

    def then(self, shapes: Shapes, begun: Points) -> Drawing:
        """What is drawn next; its text is known again."""
        return Drawing(shapes, begun, (*self.written, shapes_json(shapes))[-_MOST_TEXTS:])


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
                self._undo = gr.Button("Undo", size="sm", min_width=56, elem_id=f"{name}-undo")
                self._clear = gr.Button("Clear", size="sm", min_width=56, elem_id=f"{name}-clear")
            with gr.Column(visible=False, elem_classes=["board"]) as self._frame:
                self._board = gr.Image(
                    interactive=False,
                    show_label=False,
                    buttons=[],
                    label=spec.title,
                    elem_id=f"{name}-board",
                    alt_text="The picture over which lines and zones are drawn",
                )
                self._over = gr.HTML(show_label=False, elem_classes=["board-shapes"], elem_id=f"{name}-over")
            self.points = gr.Textbox(
                value=shapes_json(spec.default),
                lines=2,
                max_lines=6,
                label="As points (JSON)",
                placeholder='{"lines": [[[x, y], [x, y]]], "zones": [[[x, y], [x, y], [x, y]]]}',
                elem_id=name,
            )
        self._ground = gr.State(None)
        self._drawing = gr.State(Drawing(Shapes(), [], ()))

    def connect(self, over: Any, media: type[Media]) -> None:
        """Draw over the picture or the video that is chosen in that component."""
        name = self._spec.name
        common: dict[str, Any] = {
            "api_visibility": "undocumented",
            "show_progress": "hidden",
            "concurrency_id": f"{name}_board",  # one after the other: each goes on from what the one before drew
            "concurrency_limit": 1,
            "trigger_mode": "multiple",  # no click is dropped while another is answered
        }
        given = [self._ground, self._drawing, self.points]
        shown = [self._over, self._hint]
        over.change(
            functools.partial(self._chosen, media),
            [over, self._drawing, self.points],
            [self._ground, self._drawing, self._tools, self._frame, self._board, *shown],
            preprocess=False,
            api_name=f"{name}_ground",
            **common,
        )
        self._board.select(
            _clicked,
            [*given, self._kind],
            [self._drawing, self.points, *shown],
            api_name=f"{name}_click",
            **common,
        )
        self._kind.change(_put_down, given, [self._drawing, *shown], api_name=f"{name}_kind", **common)
        self._undo.click(_undone, given, [self._drawing, self.points, *shown], api_name=f"{name}_undo", **common)
        self._clear.click(_cleared, given, [self._drawing, self.points, *shown], api_name=f"{name}_clear", **common)
        self.points.input(  # not change: it would draw anew after each click, and might come after the next one's
            _typed, given, [self._drawing, *shown], api_name=f"{name}_redraw", **common
        )

    def _chosen(self, media: type[Media], payload: Any, drawing: Drawing, points: str) -> tuple[Any, ...]:
        """Another picture or video: its frame small, with its full size, and the board with what is drawn so far."""
        ground = _ground(media, payload)
        visible = ground is not None
        drawing = drawing.then(_shapes(points), [])
        over, said = _redrawn(ground, drawing)
        if not visible:
            said = _said(_EMPTY.format(what=f"a {self._spec.ui.over}"))
        shown = gr.update(visible=visible)
        return ground, drawing, shown, shown, ground and ground[0], over, said


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


def _clicked(ground: Ground | None, drawing: Drawing, points: str, kind: str, event: gr.SelectData) -> tuple[Any, ...]:
    """One more point: a second one ends a line, one beside a zone's first corner ends the zone."""
    if ground is None:
        return (gr.skip(),) * 4
    drawing, (rgb, scale) = drawing.now(points), ground
    x, y = (round(float(side) * scale, 1) for side in event.index)
    return _written(ground, drawing.then(*grown(*drawing[:2], kind, (x, y), _NEAR * max(rgb.shape) * scale)))


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


def _undone(ground: Ground | None, drawing: Drawing, points: str) -> tuple[Any, ...]:
    """Without the shape that is being drawn, or without the latest one: zones before lines."""
    drawing = drawing.now(points)
    shapes, begun = drawing.shapes, drawing.begun
    whole = len(begun) >= 3  # a zone that is being drawn is among the shapes already
    if whole or not begun:
        part = "zones" if shapes.zones else "lines"
        shapes = shapes.model_copy(update={part: getattr(shapes, part)[:-1]})
    return _written(ground, drawing.then(shapes, []))


def _cleared(ground: Ground | None, drawing: Drawing, _points: str) -> tuple[Any, ...]:
    """Without any shape."""
    return _written(ground, drawing.then(Shapes(), []))


def _put_down(ground: Ground | None, drawing: Drawing, points: str) -> tuple[Any, ...]:
    """The other kind of shape is chosen: the one that is being drawn ends as it is."""
    drawing = drawing.now(points)._replace(begun=[])
    return drawing, *_redrawn(ground, drawing)


def _typed(ground: Ground | None, drawing: Drawing, points: str) -> tuple[Any, ...]:
    """The text was changed by hand: it counts, even where it says what the board once wrote."""
    drawing = drawing.then(_shapes(points), [])
    return drawing, *_redrawn(ground, drawing)


def _written(ground: Ground | None, drawing: Drawing) -> tuple[Any, ...]:
    """The drawing, its text, the shapes over the board and what is said beside it."""
    return drawing, shapes_json(drawing.shapes), *_redrawn(ground, drawing)


def _redrawn(ground: Ground | None, drawing: Drawing) -> tuple[Any, Any]:
    """The shapes over the board, and what is said beside it."""
    if ground is None:
        return "", gr.skip()
    shapes, (rgb, scale) = drawing.shapes, ground
    height, width = rgb.shape[:2]
    counted = [
        f"{len(part)} {noun}{'s' * (len(part) != 1)}"
        for part, noun in ((shapes.lines, "line"), (shapes.zones, "zone"))
        if part
    ]
    so_far = f" Drawn: {', '.join(counted)}." if counted else ""
    return drawn(width, height, scale, shapes, drawing.begun), _said(_HINT + so_far)


def drawn(width: int, height: int, scale: float, shapes: Shapes, begun: Points) -> str:
    """The shapes, and the points of the one that is still being drawn, as SVG to be laid over a picture of that size.

    Laid over, not drawn into: for the moment in which a browser exchanges a picture, clicks on it have no place.

    Args:
        scale: how many pixels of the shapes one of the picture is.
    """
    line_px = max(2, round(max(width, height) / 240))
    text_px = max(14, round(max(width, height) / 28))

    def at(points: Iterable[Iterable[float]]) -> list[str]:
        return [",".join(f"{number / scale:.2f}" for number in point) for point in points]

    def text(said: str, place: str) -> str:
        x, y = place.split(",")
        return f'<text x="{x}" y="{y}" dx="{line_px}" dy="-{line_px}">{said}</text>'

    parts = []
    for number, zone in enumerate(shapes.zones, 1):
        corners = at(zone)
        parts += [f'<polygon points="{" ".join(corners)}" />', text(f"zone {number}", corners[0])]
    for number, line in enumerate(shapes.lines, 1):
        ends = at(line)
        stroke = at(arrow(np.array(line), 8 * line_px * scale).tolist())
        parts += [f'<polyline points="{" ".join(part)}" />' for part in (ends, stroke)]
        parts.append(text(f"line {number}", ends[0]))
    for point in at(begun):
        x, y = point.split(",")
        parts.append(f'<circle cx="{x}" cy="{y}" r="{2 * line_px}" />')
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" stroke-width="{line_px}"'
        f' font-size="{text_px}" aria-hidden="true">{"".join(parts)}</svg>'
    )


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
