"""The webcam tab: the newest frame wins, the achieved frames per second are shown, no frame is stored."""

from __future__ import annotations

import html
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import gradio as gr

from studio.contract import Task
from studio.errors import AtelierError, InvalidInput
from studio.fields import describe
from studio.media.image import Image
from studio.results import BoxedImage
from studio.runtime import Runtime
from surfaces.demos.files import upload
from surfaces.demos.inputs import InputField, collected
from surfaces.demos.outputs import readout_html
from surfaces.demos.signature import REQUIRED, name_parameters
from surfaces.demos.status import error_html
from surfaces.drawing import draw
from surfaces.identity import owner_of_headers

_WINDOW = 12
_EMPTY = '<div class="live-empty">What the model sees appears here. No frame is stored.</div>'
_SHORT = ("text", "boolean", "integer", "number")


def build_live(runtime: Runtime, task: Task, adapter: gr.Textbox, inputs: list[InputField]) -> None:
    """The camera on the left, what the model sees on the right; the other inputs are those of the task's form."""
    live = task.live
    assert live is not None
    others = [field for field in inputs if field.spec.name != live.camera]
    if any(field.spec.media is not None for field in others):
        named = ", ".join(field.spec.title.lower() for field in others if field.spec.media is not None)
        gr.HTML(
            f'<p class="hint">Give the {named} in the Picture tab first, then start the camera.</p>',
            show_label=False,
            padding=False,
        )
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            camera = gr.Image(
                sources=["webcam"],
                streaming=True,
                image_mode=None,
                height=340,
                label="Camera",
                webcam_options=gr.WebcamOptions(mirror=False, constraints={"video": {"width": 640, "height": 480}}),
                alt_text="The camera's picture",
                elem_id="camera",
            )
        with gr.Column(min_width=300):
            seen = gr.HTML(
                _EMPTY,
                elem_id="live",
                elem_classes=["live-view"],
                label="What the model sees",
                show_label=False,
                padding=False,
            )
            readout = gr.HTML(
                elem_id="live-readout", elem_classes=["readout"], label="Read-out", show_label=False, padding=False
            )
    times = gr.State([])
    components = [component for field in others for component in field.components]
    camera.stream(
        _handler(runtime, task, others),
        [camera, adapter, times, *components],
        [seen, readout, times],
        preprocess=False,
        stream_every=1 / live.max_fps,
        time_limit=600,
        concurrency_limit=4,
        show_progress="hidden",
        api_name="live",
        api_visibility="undocumented",
    )


def _handler(runtime: Runtime, task: Task, others: list[InputField]) -> Callable[..., tuple[Any, ...]]:
    assert task.live is not None
    camera_field, shown_field = task.live.camera, task.live.show
    short = [spec for spec in describe(task.outputs) if spec.kind in _SHORT]

    def handle(frame: Any, adapter: str, times: list[float], *values: Any) -> tuple[Any, ...]:
        *shown, request = values
        if frame is None:
            return gr.skip(), gr.skip(), []
        frame = upload(frame)
        payload = {camera_field: frame} | collected(others, shown)
        try:
            outputs = runtime.run_frame(task.name, payload, adapter or None, owner_of_headers(request.headers))
        except InvalidInput as error:
            recent = deque([*times, time.monotonic()], maxlen=_WINDOW)
            if error.field != camera_field:
                return gr.skip(), error_html(error, task), list(recent)
            # nothing found in this very frame is no error of the visitor's: show the frame and say so
            headline = f'<div class="readout-body"><p class="headline">{html.escape(error.message)}</p></div>'
            return _picture(Image.load(frame), recent), headline, list(recent)
        except AtelierError as error:
            return gr.skip(), error_html(error, task), []
        recent = deque([*times, time.monotonic()], maxlen=_WINDOW)
        return _picture(getattr(outputs, shown_field), recent), readout_html(short, outputs), list(recent)

    values = [f"value_{number}" for number in range(sum(len(field.components) for field in others))]
    name_parameters(handle, dict.fromkeys(["frame", "adapter", "times", *values, "request"], REQUIRED))
    return handle


def _picture(value: Any, times: deque[float]) -> str:
    """The frame as seen by the model, with the frames per second, inside the page itself: no file is written."""
    image = value.image.from_pil(draw(value)) if isinstance(value, BoxedImage) else value
    span_s = times[-1] - times[0]
    fps = f"{(len(times) - 1) / span_s:.1f} frames/s" if len(times) > 1 and span_s > 0 else "first frame"
    return f'<img src="{image.data_url()}" alt="The camera\'s picture with what was found"><p class="fps">{fps}</p>'
