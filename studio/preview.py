"""A run at a glance: a small picture of it, what it was asked, what it answered. For lists, of any task."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import PIL.Image
import PIL.ImageDraw
from pydantic import BaseModel

from studio.contract import Inputs, Outputs
from studio.fields import FieldSpec, describe
from studio.media.image import Image
from studio.results import BoxedImage, Scores

_EDGE_PX = 256
_BOX = "#E8895F"
_WORDS, _VALUE = 160, 60
_QUIET = ("json", "plot", "table", "chat")


def picture(inputs: Inputs, outputs: Outputs | None) -> bytes | None:
    """The first picture among the outputs, else among the inputs, boxes drawn, as a small WebP; None without one."""
    for model in (outputs, inputs):
        for found in _pictures(model):
            small = _small(found)
            buffer = io.BytesIO()
            small.save(buffer, "WEBP", quality=78, method=2)
            return buffer.getvalue()
    return None


def _pictures(value: Any) -> Iterator[Image | BoxedImage]:
    if isinstance(value, Image | BoxedImage):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _pictures(getattr(value, name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _pictures(item)


def _small(found: Image | BoxedImage) -> PIL.Image.Image:
    full = found.image.pil() if isinstance(found, BoxedImage) else found.pil()
    small = full.copy()
    small.thumbnail((_EDGE_PX, _EDGE_PX), reducing_gap=2.0)
    if isinstance(found, BoxedImage):
        scale_x, scale_y = small.width / full.width, small.height / full.height
        pen = PIL.ImageDraw.Draw(small)
        for box in found.boxes:
            left, top, right, bottom = box.xyxy
            corners = (*sorted((left * scale_x, right * scale_x)), *sorted((top * scale_y, bottom * scale_y)))
            pen.rectangle((corners[0], corners[2], corners[1], corners[3]), outline=_BOX, width=2)
    return small


def asked(inputs: Inputs) -> str:
    """What was asked, in a line: texts, the names of files, and each setting that is not at its default."""
    parts = []
    for spec in describe(type(inputs)):
        value = getattr(inputs, spec.name)
        if value in (None, "", []) or spec.kind in _QUIET or (not spec.required and _plain(value) == _plain(spec)):
            continue
        if spec.media is not None:
            named = [media.name for media in (value if spec.many else [value]) if media.name]
            parts += [_cut(name) for name in named[:2]] + ([f"{len(named) - 2} more files"] if len(named) > 2 else [])
        elif spec.kind == "text":
            parts.append(_quoted(value, spec))
        else:
            parts.append(f"{spec.title.lower()} {_number(_plain(value))} {spec.ui.unit}".rstrip())
    return _cut(", ".join(parts), _WORDS)


def answered(outputs: Outputs) -> str:
    """What was answered, in a line: the first text, else the best score, else the first numbers."""
    specs = [spec for spec in describe(type(outputs)) if getattr(outputs, spec.name) not in (None, "", [])]
    for spec in specs:
        value = getattr(outputs, spec.name)
        if spec.kind in ("text", "markdown"):
            return _cut(" ".join(str(value[0] if spec.many else value).split()), _WORDS)
    for spec in specs:
        value = getattr(outputs, spec.name)
        if isinstance(value, Scores) and value.root:
            label, score = next(iter(value.root.items()))
            return _cut(f"{label} {score:.2f}", _WORDS)
    numbers = [spec for spec in specs if spec.kind in ("integer", "number", "boolean", "choice") and not spec.many]
    return ", ".join(
        f"{spec.title.lower()} {_number(_plain(getattr(outputs, spec.name)))} {spec.ui.unit}".rstrip()
        for spec in numbers[:3]
    )


def _plain(value: Any) -> Any:
    """An enumeration's member as its value; of a field, its default."""
    value = value.default if isinstance(value, FieldSpec) else value
    return getattr(value, "value", value)


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else _cut(str(value))


def _quoted(value: Any, spec: FieldSpec) -> str:
    if not spec.many:
        return f"“{_cut(' '.join(str(value).split()))}”"
    more = f" and {len(value) - 1} more" if len(value) > 1 else ""
    return f"“{_cut(' '.join(str(value[0]).split()))}”{more}"


def _cut(text: str, most: int = _VALUE) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
