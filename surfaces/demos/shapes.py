"""A field of lines and zones: drawn over a picture, or the first frame of a video, and sent as points."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import gradio as gr
import PIL.Image

from studio.errors import AtelierError
from studio.fields import FieldSpec
from studio.media.base import Media
from studio.media.image import Image
from studio.media.video import Video
from studio.shapes import MOST_CORNERS, MOST_SHAPES, Shapes
from surfaces.demos.files import upload

_LONGEST_PX = 960  # of the picture that is drawn over
_JS = Path(__file__).with_name("shapes.js").read_text(encoding="utf-8")
_HTML = """
<p class="shapes-title" data-part="title"></p>
<p class="hint" data-part="about"></p>
<div class="shapes-tools" data-part="tools" hidden>
  <fieldset>
    <legend>Draw</legend>
    <label><input type="radio" name="{name}-kind" value="line" checked> Line</label>
    <label><input type="radio" name="{name}-kind" value="zone"> Zone</label>
  </fieldset>
  <button type="button" data-part="undo">Undo</button>
  <button type="button" data-part="clear">Clear</button>
</div>
<svg class="shapes-board" data-part="board" role="img" tabindex="0" hidden
  aria-label="The picture over which lines and zones are drawn">
  <image data-part="image" /><g data-part="drawing"></g><g data-part="handles"></g>
</svg>
<p class="hint" data-part="said" role="status"></p>
<details>
  <summary>As points (JSON)</summary>
  <textarea data-part="text" rows="3" spellcheck="false"
    placeholder='{{"lines": [[[x, y], [x, y]]], "zones": [[[x, y], [x, y], [x, y]]]}}'></textarea>
</details>
"""


class ShapesBoard:
    """A board on which shapes are drawn, by shapes.js in the browser.

    Attributes:
        points: the board; its value is what counts: the shapes as JSON, empty where there are none.
    """

    def __init__(self, spec: FieldSpec) -> None:
        self._name = spec.name
        field = {
            "title": spec.title,
            "description": spec.description,
            "over": spec.ui.over,
            "most_shapes": MOST_SHAPES,
            "most_corners": MOST_CORNERS,
        }
        self.points = gr.HTML(
            value=shapes_json(spec.default),
            label=spec.title,
            html_template=_HTML.format(name=spec.name),
            js_on_load=f"const field = {json.dumps(field)};\n{_JS}",
            apply_default_css=False,
            elem_id=f"input-{spec.name}",
            elem_classes=["shapes"],
        )

    def connect(self, over: Any, media: type[Media]) -> None:
        """Draw over the picture or the video that is chosen in that component."""
        over.change(
            functools.partial(_chosen, media),
            over,
            self.points,
            preprocess=False,
            show_progress="hidden",
            api_visibility="undocumented",
            api_name=f"{self._name}_ground",
        )


def _chosen(media: type[Media], payload: Any) -> Any:
    """The board with what was chosen under it; without, where nothing is there or can be read: the run says why."""
    return gr.update(ground=ground(media, payload))


def ground(media: type[Media], payload: Any) -> dict[str, Any] | None:
    """What is drawn over: the picture, or the video's first frame, as a data URL, and its true size in pixels."""
    if payload is None:
        return None
    try:
        chosen = media.load(upload(payload))
        rgb = next(chosen.frames()).rgb if isinstance(chosen, Video) else Image.load(chosen).rgb
    except AtelierError:
        return None
    height, width = rgb.shape[:2]
    picture = PIL.Image.fromarray(rgb)
    picture.thumbnail((_LONGEST_PX, _LONGEST_PX))
    return {"picture": Image.from_pil(picture).data_url(), "width": width, "height": height}


def shapes_json(value: Any) -> str:
    """Shapes, or what they are validated from, as the text that counts; empty where there are none."""
    shapes = Shapes.model_validate(value or {})
    return json.dumps(shapes.model_dump(mode="json")) if shapes else ""
