"""A Gradio component for each kind of output field, and the way from a task's outputs to their values."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components.plot import PlotData
from pydantic import BaseModel

from studio.contract import Outputs, Task
from studio.fields import FieldSpec, describe
from studio.media.base import Media
from studio.results import BoxedImage, Plot
from surfaces.demos.files import to_file
from surfaces.drawing import draw

#: Items of a list of numbers that the read-out has room for.
_LISTED = 8
_READOUT = ("text", "boolean", "integer", "number", "choice")


@dataclass
class OutputView:
    """One component and how to make its value from the outputs."""

    component: gr.components.Component
    render: Callable[[Outputs], Any]


class OutputPanel:
    """The components of all of a task's outputs.

    Short values (texts, numbers, yes or no) are gathered in one read-out at the top, pictures stand side by side, the
    rest, wide pictures among it, follows in the order of its declaration. Advanced ones are shown as data only.

    Args:
        data: whether everything is also shown as data, at the end.
    """

    def __init__(self, task: Task, *, data: bool = True) -> None:
        specs = [spec for spec in describe(task.outputs) if not spec.ui.advanced]
        short = [spec for spec in specs if _is_short(spec)]
        pictures = [spec for spec in specs if _is_picture(spec) and not spec.ui.wide]
        self.views: list[OutputView] = []
        if short:
            readout = gr.HTML(elem_classes=["readout"], elem_id="readout", label="Read-out", show_label=False)
            self.views.append(OutputView(readout, lambda outputs: readout_html(short, outputs)))
        if pictures:
            with gr.Row(equal_height=True):
                for spec in pictures:
                    self._add(spec)
        for spec in specs:
            if spec not in short and spec not in pictures:
                self._add(spec)
        if data:
            with gr.Accordion("Result as data", open=False):
                shown = gr.JSON(label="Result", show_label=False, elem_id="result")
            self.views.append(OutputView(shown, as_data))

    def _add(self, spec: FieldSpec) -> None:
        if spec.ui.before:
            self.views.append(OutputView(_slider(spec), lambda outputs: _both(spec, outputs)))
            return
        component, convert = _MAKERS["files" if spec.many and spec.media else spec.kind](spec)
        self.views.append(OutputView(component, lambda outputs: _converted(convert, getattr(outputs, spec.name))))

    @property
    def components(self) -> list[gr.components.Component]:
        """The components in the order of `render` and `empty`."""
        return [view.component for view in self.views]

    def render(self, outputs: Outputs) -> list[Any]:
        """The components' values for a result."""
        return [view.render(outputs) for view in self.views]

    def empty(self) -> list[Any]:
        """The components' values before a result."""
        return [None for _ in self.views]


def _converted(convert: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else convert(value)


def _is_picture(spec: FieldSpec) -> bool:
    return spec.kind in ("image", "boxed_image") and not spec.many


def _is_short(spec: FieldSpec) -> bool:
    return spec.kind in _READOUT and spec.ui.lines == 1


def readout_html(specs: list[FieldSpec], outputs: Outputs) -> str:
    """The short values: the first text as a headline, lists of texts as notes, the others as labelled figures."""
    headline, figures, notes = "", [], []
    for spec in specs:
        value = getattr(outputs, spec.name)
        if value is None or value == "" or value == []:
            continue
        if spec.many and spec.kind == "text":
            notes += [str(item) for item in value]
        elif spec.kind == "text" and not headline:
            headline = f'<p class="headline">{html.escape(value)}</p>'
        else:
            unit = f' <span class="unit">{html.escape(spec.ui.unit)}</span>' if spec.ui.unit else ""
            figures.append(f"<div><dt>{html.escape(spec.title)}</dt><dd>{_figures(value)}{unit}</dd></div>")
    row = f"<dl>{''.join(figures)}</dl>" if figures else ""
    listed = f"<ul>{''.join(f'<li>{html.escape(note)}</li>' for note in notes)}</ul>" if notes else ""
    return f'<div class="readout-body">{headline}{row}{listed}</div>'


def _figures(value: Any) -> str:
    if not isinstance(value, list | tuple):
        return _figure(value)
    more = ", ..." if len(value) > _LISTED else ""
    return ", ".join(_figure(item) for item in value[:_LISTED]) + more


def _figure(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return html.escape(str(value))


def as_data(outputs: Outputs) -> Any:
    """The outputs as JSON without the bytes of media, which are described instead."""
    return json.loads(json.dumps(_bare(outputs), default=str))


def _bare(value: Any) -> Any:
    if isinstance(value, Media):
        size = getattr(value, "resolution_wh", None)
        return {"kind": value.kind, "name": value.name} | ({"resolution_wh": list(size)} if size else {})
    if isinstance(value, BaseModel):
        root = getattr(value, "root", None)
        return _bare(root) if root is not None else {n: _bare(getattr(value, n)) for n in type(value).model_fields}
    if isinstance(value, dict):
        return {str(key): _bare(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_bare(item) for item in value]
    return value


_PLOT_WIDTH_PX = 460
_GREY = "#8A8074"  # at least 3.6:1 with both grounds
_PLOT_LOOKS = {
    "view": {"stroke": _GREY},
    "axis": {
        "labelColor": _GREY,
        "titleColor": _GREY,
        "gridColor": "#8A807440",
        "domainColor": _GREY,
        "tickColor": _GREY,
    },
    "legend": {"labelColor": _GREY, "titleColor": _GREY},
    "title": {"color": _GREY, "subtitleColor": _GREY},
    "text": {"color": _GREY},
}


def _vega(value: Plot) -> PlotData:
    """The specification as Gradio's front end expects it, legible on a light and on a dark ground."""
    spec = value.root | {"config": _PLOT_LOOKS | value.root.get("config", {}), "background": "transparent"}
    if spec.get("width", "container") == "container":  # the front end gives it no container to measure
        spec["width"] = _PLOT_WIDTH_PX
    spec.setdefault("padding", {"left": 5, "top": 32, "right": 5, "bottom": 5})  # the label is laid over the top
    return PlotData(type="altair", plot=json.dumps(spec))


_Maker = Callable[[FieldSpec], tuple[gr.components.Component, Callable[[Any], Any]]]


def _common(spec: FieldSpec) -> dict[str, Any]:
    return {"label": spec.title, "elem_id": f"output-{spec.name}"}


def _image(spec: FieldSpec) -> tuple[gr.components.Component, Callable[[Any], Any]]:
    component = gr.Image(
        interactive=False,
        height=None if spec.ui.wide else 320,
        min_width=220,
        buttons=["download", "fullscreen"],
        alt_text=spec.title,
        **_common(spec),
    )
    return component, to_file


def _slider(spec: FieldSpec) -> gr.components.Component:
    """A picture over the one that it was made from."""
    return gr.ImageSlider(
        interactive=False, max_height=640, format="png", buttons=["download", "fullscreen"], **_common(spec)
    )


def _both(spec: FieldSpec, outputs: Outputs) -> tuple[str, str] | None:
    before, after = getattr(outputs, spec.ui.before), getattr(outputs, spec.name)
    return None if before is None or after is None else (to_file(before), to_file(after))


def _boxed(spec: FieldSpec) -> tuple[gr.components.Component, Callable[[Any], Any]]:
    component, _ = _image(spec)

    def drawn(value: BoxedImage) -> str:
        return to_file(type(value.image).from_pil(draw(value), f"{spec.name}.png"))

    return component, drawn


def _scores(spec: FieldSpec) -> tuple[gr.components.Component, Callable[[Any], Any]]:
    return gr.Label(num_top_classes=10, show_heading=False, **_common(spec)), lambda value: value.root


def _markdown(spec: FieldSpec) -> tuple[gr.components.Component, Callable[[Any], Any]]:
    return gr.Markdown(show_label=True, container=True, buttons=["copy"], **_common(spec)), str


def _long_text(spec: FieldSpec) -> tuple[gr.components.Component, Callable[[Any], Any]]:
    return gr.Textbox(lines=spec.ui.lines, interactive=False, buttons=["copy"], **_common(spec)), str


def _table(spec: FieldSpec) -> tuple[gr.components.Component, Callable[[Any], Any]]:
    component = gr.Dataframe(
        headers=[""], interactive=False, max_height=360, buttons=["copy", "fullscreen"], **_common(spec)
    )
    return component, lambda value: value.frame


def _plot(spec: FieldSpec) -> tuple[gr.components.Component, Callable[[Any], Any]]:
    return gr.Plot(**_common(spec)), _vega


def _audio(spec: FieldSpec) -> tuple[gr.components.Component, Callable[[Any], Any]]:
    return gr.Audio(interactive=False, **_common(spec)), to_file


def _video(spec: FieldSpec) -> tuple[gr.components.Component, Callable[[Any], Any]]:
    return gr.Video(interactive=False, height=320, **_common(spec)), to_file


def _file(spec: FieldSpec) -> tuple[gr.components.Component, Callable[[Any], Any]]:
    return gr.File(interactive=False, **_common(spec)), to_file


def _files(spec: FieldSpec) -> tuple[gr.components.Component, Callable[[Any], Any]]:
    if spec.kind == "image":
        gallery = gr.Gallery(interactive=False, columns=4, height="auto", **_common(spec))
        return gallery, lambda value: [(to_file(item), item.name or None) for item in value]
    component = gr.File(interactive=False, file_count="multiple", **_common(spec))
    return component, lambda value: [to_file(item) for item in value]


def _json(spec: FieldSpec) -> tuple[gr.components.Component, Callable[[Any], Any]]:
    return gr.JSON(**_common(spec)), _bare


def _chat(spec: FieldSpec) -> tuple[gr.components.Component, Callable[[Any], Any]]:
    return gr.Chatbot(height=360, **_common(spec)), _bare


_MAKERS: dict[str, _Maker] = {
    "image": _image,
    "boxed_image": _boxed,
    "scores": _scores,
    "markdown": _markdown,
    "text": _long_text,
    "table": _table,
    "plot": _plot,
    "audio": _audio,
    "video": _video,
    "file": _file,
    "files": _files,
    "json": _json,
    "chat": _chat,
}
