"""The outputs of any task on a Streamlit page: one element for each field, by its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import PIL.Image
import streamlit as st

from pages.words import plain
from studio.contract import Outputs
from studio.fields import FieldSpec, describe
from studio.media.base import Media
from studio.media.image import Image
from studio.results import BoxedImage
from surfaces.drawing import draw

_SHORT = ("text", "boolean", "integer", "number", "choice")
_SCORES = 5


def first_picture(outputs: Outputs) -> PIL.Image.Image | None:
    """The first picture among the outputs, boxes drawn; None where there is none."""
    for name in type(outputs).model_fields:
        value = getattr(outputs, name)
        if isinstance(value, Image | BoxedImage):
            return _drawn(value)
    return None


def show_outputs(outputs: Outputs, key: str) -> None:
    """Draw them in the order of their declaration. `key` tells this result from others on the page."""
    for spec in describe(type(outputs)):
        value = getattr(outputs, spec.name)
        if value is None or value == "" or value == []:
            continue
        for number, item in enumerate(value if spec.many and spec.media is not None else [value]):
            _SHOWN.get(spec.kind, _short)(spec, item, f"{key}-{spec.name}-{number}")


def _drawn(value: Image | BoxedImage) -> PIL.Image.Image:
    return draw(value) if isinstance(value, BoxedImage) else value.pil()


def _picture(spec: FieldSpec, value: Any, key: str) -> None:
    st.image(_drawn(value), caption=spec.title, width="stretch", alt=spec.title)


def _short(spec: FieldSpec, value: Any, key: str) -> None:
    shown = [_told(item) for item in value] if isinstance(value, list | tuple) else [_told(value)]
    unit = f" {spec.ui.unit}" if spec.ui.unit else ""
    st.markdown(f":gray[{plain(spec.title)}] {plain(', '.join(shown) + unit)}")


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _scores(spec: FieldSpec, value: Any, key: str) -> None:
    st.markdown(f":gray[{plain(spec.title)}]")
    for label, score in list(value.root.items())[:_SCORES]:
        st.progress(min(max(score, 0.0), 1.0), text=plain(f"{label} · {score:.3f}"))


def _markdown(spec: FieldSpec, value: Any, key: str) -> None:
    st.markdown(f":gray[{plain(spec.title)}]")
    st.text(value)


def _audio(spec: FieldSpec, value: Media, key: str) -> None:
    data, media_type = value.encode()
    st.audio(data, format=media_type)


def _video(spec: FieldSpec, value: Media, key: str) -> None:
    data, media_type = value.encode()
    st.video(data, format=media_type)


def _table(spec: FieldSpec, value: Any, key: str) -> None:
    st.dataframe(value.frame, hide_index=True, key=key)


def _plot(spec: FieldSpec, value: Any, key: str) -> None:
    st.vega_lite_chart(value.root, width="stretch", key=key)


def _file(spec: FieldSpec, value: Media, key: str) -> None:
    data, media_type = value.encode()
    st.download_button(spec.title, data, file_name=value.name or spec.name, mime=media_type, key=key, on_click="ignore")


def _json(spec: FieldSpec, value: Any, key: str) -> None:
    dump = getattr(value, "model_dump", None)
    listed = (
        [item.model_dump(mode="json") if hasattr(item, "model_dump") else item for item in value]
        if isinstance(value, list | tuple)
        else value
    )
    st.json(dump(mode="json") if dump else listed, expanded=False)


_SHOWN: dict[str, Callable[[FieldSpec, Any, str], None]] = {
    "image": _picture,
    "boxed_image": _picture,
    "scores": _scores,
    "markdown": _markdown,
    "audio": _audio,
    "video": _video,
    "table": _table,
    "plot": _plot,
    "file": _file,
    "json": _json,
    "chat": _json,
    **dict.fromkeys(_SHORT, _short),
}
