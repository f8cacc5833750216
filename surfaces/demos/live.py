"""The webcam tab: what the model sees, as fast as it can see, with the frames per second; no frame is stored."""

from __future__ import annotations

import html
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any

import gradio as gr

from studio.contract import Task
from studio.errors import AtelierError, InvalidInput
from studio.fields import describe
from studio.media.base import Blob
from studio.media.image import Image
from studio.results import BoxedImage
from studio.runtime import Runtime
from surfaces.demos.inputs import InputField, collected
from surfaces.demos.outputs import readout_html
from surfaces.demos.signature import REQUIRED, name_parameters
from surfaces.demos.status import error_html
from surfaces.drawing import draw
from surfaces.identity import owner_of_headers

_SHORT = ("text", "boolean", "integer", "number")
_FRAME_BYTES = 5_000_000
#: Visitors whose form is remembered, and frames of all of them that are looked at or wait to be.
_VISITORS, _FRAMES_AT_ONCE = 256, 8
_JS = Path(__file__).with_name("camera.js").read_text(encoding="utf-8")
_HTML = """
<div class="live-tools">
  <button type="button" class="live-begin" data-part="begin">Start the camera</button>
  <button type="button" data-part="end" hidden>Stop the camera</button>
  <select data-part="which" aria-label="Camera" hidden></select>
  <p class="fps" data-part="fps"></p>
</div>
<p class="status failed" data-part="said" role="alert" hidden></p>
<div class="live-board">
  <div class="live-views">
    <p class="live-empty" data-part="empty">What the model sees appears here. No frame is stored.</p>
    <img data-part="seen" alt="The camera's picture with what was found" hidden>
  </div>
  <div class="live-beside">
    <div class="readout" data-part="readout"></div>
    <video data-part="video" aria-label="The camera's picture" muted playsinline hidden></video>
  </div>
</div>
"""


def build_live(runtime: Runtime, task: Task, adapter: gr.Textbox, inputs: list[InputField]) -> None:
    """The camera, and what the model sees of it; the other inputs are those of the task's form."""
    assert task.live is not None
    others = [field for field in inputs if field.spec.name != task.live.camera]
    if any(field.spec.media is not None for field in others):
        named = ", ".join(field.spec.title.lower() for field in others if field.spec.media is not None)
        gr.HTML(
            f'<p class="hint">Give the {named} in the Picture tab first, then start the camera.</p>',
            show_label=False,
            padding=False,
        )
    looking = Looking(runtime, task, others)

    def look(asked: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        return looking.at(asked, owner_of_headers(request.headers))

    def settle(*values: Any) -> Any:
        chosen, *shown, request = values
        return gr.update(session=looking.settle(owner_of_headers(request.headers), chosen or None, shown))

    components = [component for field in others for component in field.components]
    names = [f"value_{number}" for number in range(len(components))]
    name_parameters(settle, dict.fromkeys(["adapter", *names, "request"], REQUIRED))
    camera = gr.HTML(
        html_template=_HTML,
        js_on_load=f"const LONGEST_PX = {task.live.longest_px};\n{_JS}",
        server_functions=[look],
        apply_default_css=False,
        elem_id="live",
        elem_classes=["live-view"],
        label="Live",
        show_label=False,
        padding=False,
        session="",
    )
    camera.submit(
        settle,
        [adapter, *components],
        camera,
        preprocess=False,
        show_progress="hidden",
        trigger_mode="multiple",
        api_name="live",
        api_visibility="undocumented",
    )


@dataclass(frozen=True)
class _Form:
    """What a visitor has chosen beside the camera."""

    owner: str
    adapter: str | None
    values: dict[str, Any]


class Looking:
    """Looks at frames, each with what its visitor has chosen in the form."""

    def __init__(self, runtime: Runtime, task: Task, others: list[InputField]) -> None:
        self._runtime, self._task, self._others = runtime, task, others
        self._short = [spec for spec in describe(task.outputs) if spec.kind in _SHORT]
        self._forms: OrderedDict[str, _Form] = OrderedDict()
        self._lock = Lock()
        self._places = BoundedSemaphore(_FRAMES_AT_ONCE)

    def settle(self, owner: str, adapter: str | None, values: list[Any]) -> str:
        """Remember the values of the form's components; the name under which frames are sent."""
        session = secrets.token_urlsafe(16)
        with self._lock:
            self._forms[session] = _Form(owner, adapter, collected(self._others, values))
            while len(self._forms) > _VISITORS:
                self._forms.popitem(last=False)
        return session

    def at(self, asked: dict[str, Any], owner: str) -> dict[str, Any]:
        """Look at a frame.

        Args:
            asked: `session`, see `settle`, and `frame`, a data URL.

        Returns:
            `picture`, a data URL, or None for the frame itself, and `readout`, HTML; where nothing could be done,
            `failed` instead of the picture; `unknown` alone where the session is not known.
        """
        with self._lock:
            form = self._forms.get(str(asked.get("session")))
            if form is None or form.owner != owner:
                return {"unknown": True}
            self._forms.move_to_end(str(asked["session"]))
        if not self._places.acquire(timeout=10):
            return {"failed": True, "readout": _headline("Too many cameras are on at this moment.")}
        try:
            return self._seen(form, str(asked.get("frame")))
        except AtelierError as error:
            return {"failed": True, "readout": error_html(error, self._task)}
        finally:
            self._places.release()

    def _seen(self, form: _Form, frame: str) -> dict[str, Any]:
        live = self._task.live
        assert live is not None
        given = {live.camera: Blob.from_data_url(frame, limit_bytes=_FRAME_BYTES)}
        try:
            outputs = self._runtime.run_frame(self._task.name, given | form.values, form.adapter, form.owner)
        except InvalidInput as error:
            if error.field != live.camera:
                raise
            return {"picture": None, "readout": _headline(error.message)}  # nothing found in it is no fault
        value = getattr(outputs, live.show)
        picture = Image.from_pil(draw(value)) if isinstance(value, BoxedImage) else value
        return {"picture": picture.data_url(), "readout": readout_html(self._short, outputs)}


def _headline(text: str) -> str:
    return f'<div class="readout-body"><p class="headline">{html.escape(text)}</p></div>'
