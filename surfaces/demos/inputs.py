"""A Gradio component for each kind of input field, and the way from its value to the task's payload and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gradio as gr
import numpy as np
from pydantic_core import to_jsonable_python

from studio.fields import FieldSpec
from studio.media.base import Blob, Media
from studio.media.file import File
from surfaces.demos.files import to_file, upload
from surfaces.demos.shapes import ShapesBoard, shapes_json


@dataclass
class InputField:
    """The components of one input field.

    Attributes:
        components: what is shown.
        collect: their values to the payload's value; None leaves the field out.
        fill: a payload's value to the components' values.
        link: told the field over which this one is drawn, once all fields are there; see `Ui.over`.
    """

    spec: FieldSpec
    components: list[gr.components.Component]
    collect: Callable[[Sequence[Any]], Any]
    fill: Callable[[Any], list[Any]]
    link: Callable[[InputField], None] | None = None


def collected(fields: Sequence[InputField], values: Sequence[Any]) -> dict[str, Any]:
    """The payload of a form, from the values of all its components in their order."""
    payload: dict[str, Any] = {}
    rest = list(values)
    for field in fields:
        own, rest = rest[: len(field.components)], rest[len(field.components) :]
        value = field.collect(own)
        if value is not None:
            payload[field.spec.name] = value
    return payload


def build_input(spec: FieldSpec) -> InputField:
    """The components of a field, rendered into the Blocks being built."""
    if spec.kind == "chat":
        return _chat(spec)
    if spec.many and spec.media is None and spec.kind == "text":
        return _lines(spec)
    if spec.ui.over:
        return _over(spec)
    if spec.ui.pictures and not spec.many:
        return _pictured(spec)
    if spec.kind == "image" and spec.ui.sketch and not spec.many:
        return _sketch(spec)
    builder = _BUILDERS["file" if spec.many and spec.media is not None else spec.kind]
    return InputField(
        spec, [builder(spec)], lambda values: _plain(spec, values[0]), lambda value: [_shown(spec, value)]
    )


def _plain(spec: FieldSpec, value: Any) -> Any:
    if spec.media is not None:
        return upload(value)
    if spec.kind == "json" and isinstance(value, str):
        with suppress(json.JSONDecodeError):  # what is no JSON is left to the validation, which names the field
            return json.loads(value) if value.strip() else None
    return None if value == "" and (spec.optional or not spec.required) and spec.default is None else value


def _shown(spec: FieldSpec, value: Any) -> Any:
    if value is None:
        return None
    if spec.many and isinstance(value, list | tuple):
        return [_shown_media(item) for item in value]
    if spec.kind == "json":
        return json.dumps(to_jsonable_python(value), indent=2)
    return _shown_media(value)


def _shown_media(value: Any) -> Any:
    if isinstance(value, Media):
        return to_file(value)
    return to_file(File(value.read_bytes(), value.name)) if isinstance(value, Path) else value


def _label(spec: FieldSpec) -> str:
    unit = f" ({spec.ui.unit})" if spec.ui.unit else ""
    return f"{spec.title}{unit}"


def _common(spec: FieldSpec) -> dict[str, Any]:
    return {"label": _label(spec), "elem_id": f"input-{spec.name}"}


def _described(spec: FieldSpec) -> dict[str, Any]:
    return _common(spec) | {"info": spec.description or None}


def _image(spec: FieldSpec) -> gr.components.Component:
    sources: list[Literal["upload", "webcam", "clipboard"]] = ["upload", "webcam", "clipboard"]
    if spec.ui.camera:
        sources = ["webcam", "upload", "clipboard"]
    return gr.Image(
        sources=sources,
        image_mode=None,
        type="filepath",
        height=280,
        webcam_options=gr.WebcamOptions(mirror=False),
        alt_text=spec.description or spec.title,
        **_common(spec),
    )


def _audio(spec: FieldSpec) -> gr.components.Component:
    return gr.Audio(sources=["upload", "microphone"], type="filepath", **_common(spec))


def _video(spec: FieldSpec) -> gr.components.Component:
    return gr.Video(sources=["upload", "webcam"], height=280, **_common(spec))


def _file(spec: FieldSpec) -> gr.components.Component:
    accepted = list(spec.ui.accept) or ([spec.kind] if spec.kind in _FILE_KINDS else None)
    return gr.File(
        file_count="multiple" if spec.many else "single",
        file_types=_TABLE_ENDINGS if spec.kind == "table" else accepted,
        type="filepath",
        height=140,
        **_common(spec),
    )


_FILE_KINDS = ("image", "audio", "video")
_TABLE_ENDINGS = [".csv", ".tsv", ".jsonl", ".parquet"]


def _text(spec: FieldSpec) -> gr.components.Component:
    return gr.Textbox(
        value=spec.default, lines=spec.ui.lines, placeholder=spec.ui.placeholder or None, **_described(spec)
    )


def _number(spec: FieldSpec) -> gr.components.Component:
    whole = spec.kind == "integer"
    if spec.minimum is not None and spec.maximum is not None:
        step = spec.ui.step or (1 if whole else (spec.maximum - spec.minimum) / 100)
        value = spec.default if spec.default is not None else spec.minimum
        return gr.Slider(spec.minimum, spec.maximum, value=value, step=step, **_described(spec))
    return gr.Number(value=spec.default, precision=0 if whole else None, step=spec.ui.step or 1, **_described(spec))


def _choice(spec: FieldSpec) -> gr.components.Component:
    make: type[gr.Radio] | type[gr.Dropdown] = gr.Radio if len(spec.choices) <= 4 else gr.Dropdown
    default = getattr(spec.default, "value", spec.default) or spec.choices[0]
    return make(choices=list(spec.choices), value=default, **_described(spec))


def _boolean(spec: FieldSpec) -> gr.components.Component:
    return gr.Checkbox(value=bool(spec.default), **_described(spec))


def _json(spec: FieldSpec) -> gr.components.Component:
    return gr.Code(value=_shown(spec, spec.default), language="json", lines=spec.ui.lines, **_common(spec))


_BUILDERS: dict[str, Callable[[FieldSpec], gr.components.Component]] = {
    "image": _image,
    "audio": _audio,
    "video": _video,
    "file": _file,
    "table": _file,
    "text": _text,
    "integer": _number,
    "number": _number,
    "choice": _choice,
    "boolean": _boolean,
    "json": _json,
}


def _lines(spec: FieldSpec) -> InputField:
    """A list of texts: one a line."""
    box = gr.Textbox(
        value="\n".join(spec.default or []),
        lines=max(3, spec.ui.lines),
        placeholder=spec.ui.placeholder or "one a line",
        **_described(spec),
    )
    return InputField(
        spec,
        [box],
        lambda values: [line for line in (values[0] or "").splitlines() if line.strip()],
        lambda value: ["\n".join(value or [])],
    )


def _over(spec: FieldSpec) -> InputField:
    """Lines and zones, drawn over the picture or the video of another field."""
    board = ShapesBoard(spec)

    def link(other: InputField) -> None:
        assert other.spec.media is not None
        board.connect(other.components[0], other.spec.media)

    return InputField(
        spec, [board.points], lambda values: _plain(spec, values[0]), lambda value: [shapes_json(value)], link
    )


def _pictured(spec: FieldSpec) -> InputField:
    """A choice, and a picture of each of its values that has one; a click on a picture chooses."""
    names = [name for name in spec.choices if name in spec.ui.pictures]
    gallery = gr.Gallery(
        value=[(str(spec.ui.pictures[name]), name) for name in names],
        label=_label(spec),
        columns=5,
        height="auto",
        object_fit="cover",
        allow_preview=False,
        selected_index=names.index(spec.default) if spec.default in names else None,
        interactive=False,
        buttons=[],
        elem_id=f"pictures-{spec.name}",
        elem_classes=["pictured"],
    )
    choice = _choice(spec)

    def clicked(event: gr.SelectData) -> str:
        return str(names[event.index])

    def chosen(name: str) -> Any:
        return gr.update(selected_index=names.index(name) if name in names else None)

    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden", "concurrency_limit": None}
    gallery.select(clicked, None, choice, api_name=f"{spec.name}_clicked", **quiet)
    choice.change(chosen, choice, gallery, api_name=f"{spec.name}_chosen", **quiet)  # type: ignore[attr-defined]
    return InputField(spec, [choice], lambda values: _plain(spec, values[0]), lambda value: [_shown(spec, value)])


def _sketch(spec: FieldSpec) -> InputField:
    """A pad to draw on, black on white; an uploaded picture becomes its paper.

    Without paper the visitor would have to pick the brush first, so it is there from the start and after clearing.
    """
    paper = np.full((_PAD_PX, _PAD_PX, 3), 255, np.uint8)
    pad = gr.ImageEditor(
        value=paper,
        sources=["upload", "webcam", "clipboard"],
        image_mode="RGB",
        type="filepath",
        format="png",
        height=420,
        canvas_size=(_PAD_PX, _PAD_PX),
        brush=gr.Brush(default_size=_PEN_PX, colors=["#000000"], default_color="#000000", color_mode="fixed"),
        eraser=gr.Eraser(default_size=2 * _PEN_PX),
        layers=False,
        transforms=(),
        buttons=[],
        webcam_options=gr.WebcamOptions(mirror=False),
        **_common(spec),
    )

    pad.clear(
        lambda: paper,
        None,
        pad,
        api_name=f"{spec.name}_cleared",
        api_visibility="undocumented",
        show_progress="hidden",
        concurrency_limit=None,
    )
    pad.blob_storage = _Latest()

    def collect(values: Sequence[Any]) -> Any:
        drawn = values[0]
        if drawn is None:
            return None
        if drawn.get("id"):  # what the pad has sent ahead; each drawing is fetched once
            sent = pad.blob_storage.pop(drawn["id"], None)
            return Blob("drawing.png", sent.composite) if sent and sent.composite else None
        return upload(drawn.get("composite"))

    return InputField(spec, [pad], collect, lambda value: [_shown(spec, value)])


_PAD_PX, _PEN_PX = 320, 12
_DRAWINGS_WAITING = 100


class _Latest(dict[str, Any]):
    """Drawings sent ahead of a run; the oldest go, so that runs that never come do not fill the memory."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        while len(self) > _DRAWINGS_WAITING:
            del self[next(iter(self))]


def _chat(spec: FieldSpec) -> InputField:
    """A conversation: what was said so far, and a box for the next message."""
    said = gr.Chatbot(height=320, **_common(spec))
    box = gr.Textbox(show_label=False, placeholder=spec.ui.placeholder or "Your message", submit_btn=False)

    def collect(values: Sequence[Any]) -> Any:
        messages = [{"role": m["role"], "content": _message_text(m["content"])} for m in values[0] or []]
        return [*messages, {"role": "user", "content": values[1]}] if values[1] else messages

    def fill(value: Any) -> list[Any]:
        messages = [m if isinstance(m, dict) else m.model_dump() for m in value or []]
        last = messages.pop() if messages and messages[-1]["role"] == "user" else None
        return [messages, last["content"] if last else ""]

    return InputField(spec, [said, box], collect, fill)


def _message_text(content: Any) -> str:
    """Gradio's message content, a text or a list of parts, as one text."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content if isinstance(part, dict))
