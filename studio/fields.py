"""Describes the fields of a task's models, for the surfaces that build forms, schemas and pages from them."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from studio.contract import Ui
from studio.media.base import Media
from studio.results import BoxedImage, Kind, Message, Plot, Scores

_SCALARS: dict[type, str] = {str: "text", bool: "boolean", int: "integer", float: "number"}
_RESULTS: dict[type, str] = {BoxedImage: "boxed_image", Scores: "scores", Plot: "plot"}


@dataclass(frozen=True)
class FieldSpec:
    """One field, as a surface needs it.

    Attributes:
        kind: image, audio, video, table, file, text, integer, number, boolean, choice, chat, boxed_image, scores,
            plot, markdown or json.
        many: whether it is a list of that kind.
        optional: whether None is accepted.
        minimum, maximum: bounds of a number, or of a list's length.
    """

    name: str
    kind: str
    title: str
    description: str
    required: bool
    default: Any = None
    many: bool = False
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    ui: Ui = field(default_factory=Ui)
    media: type[Media] | None = None


def describe(model: type[BaseModel]) -> tuple[FieldSpec, ...]:
    """The fields of a model in their order.

    Raises:
        TypeError: a field's type has no kind.
    """
    return tuple(_describe(name, info) for name, info in model.model_fields.items())


def _describe(name: str, info: FieldInfo) -> FieldSpec:
    kind, many, optional, choices, media = _kind(info.annotation, info.metadata, name)
    metadata = [*info.metadata, *_nested(info.annotation)]
    low, high = _bounds(metadata)
    return FieldSpec(
        name=name,
        kind=kind,
        title=info.title or name.replace("_", " ").capitalize(),
        description=info.description or "",
        required=info.is_required(),
        default=None if info.is_required() else info.get_default(call_default_factory=True),
        many=many,
        optional=optional,
        minimum=low,
        maximum=high,
        choices=choices,
        ui=next((mark for mark in metadata if isinstance(mark, Ui)), Ui()),
        media=media,
    )


def _kind(annotation: Any, metadata: list[Any], name: str) -> tuple[str, bool, bool, tuple[str, ...], Any]:
    """(kind, many, optional, choices, media type) of a field's annotation."""
    optional = False
    if get_origin(annotation) in (typing.Union, types.UnionType):
        rest = [a for a in get_args(annotation) if a is not type(None)]
        if len(rest) != 1:
            raise TypeError(f"field {name}: a union of several types has no one form: {annotation}")
        annotation, optional = rest[0], True
    marked = next((mark.name for mark in metadata if isinstance(mark, Kind)), None)
    if get_origin(annotation) is typing.Annotated:
        annotation, *marks = get_args(annotation)
        marked = marked or next((mark.name for mark in marks if isinstance(mark, Kind)), None)
    if marked:
        return marked, False, optional, (), None
    if get_origin(annotation) in (list, tuple):
        if get_args(annotation)[0] is Message:
            return "chat", False, optional, (), None
        kind, many, _, choices, media = _kind(get_args(annotation)[0], [], name)
        return ("json" if many else kind), not many, optional, choices, media
    if get_origin(annotation) is Literal:
        return "choice", False, optional, _choices(get_args(annotation), name), None
    if get_origin(annotation) is dict:
        return "json", False, optional, (), None
    if isinstance(annotation, type):
        if issubclass(annotation, Media):
            return annotation.kind, False, optional, (), annotation
        if issubclass(annotation, Enum):
            return "choice", False, optional, _choices([member.value for member in annotation], name), None
        for known in (_RESULTS, _SCALARS):
            if annotation in known:
                return known[annotation], False, optional, (), None
        if issubclass(annotation, BaseModel):
            return "json", False, optional, (), None
    raise TypeError(f"field {name}: no surface knows the type {annotation}")


def _choices(values: Iterable[Any], name: str) -> tuple[str, ...]:
    choices = tuple(values)
    if not all(isinstance(choice, str) for choice in choices):
        raise TypeError(f"field {name}: a form sends texts, and none of them would be accepted: {choices}")
    return choices


def _nested(annotation: Any) -> list[Any]:
    """The marks inside an optional type: those of `Annotated[int, Ge(1)] | None`."""
    if get_origin(annotation) not in (typing.Union, types.UnionType):
        return []
    return [
        mark for part in get_args(annotation) if get_origin(part) is typing.Annotated for mark in get_args(part)[1:]
    ]


def _bounds(metadata: list[Any]) -> tuple[float | None, float | None]:
    low: Any = None
    high: Any = None
    for mark in _flat(metadata):
        if isinstance(mark, annotated_types.Ge):
            low = mark.ge
        elif isinstance(mark, annotated_types.Gt):
            low = mark.gt
        elif isinstance(mark, annotated_types.Le):
            high = mark.le
        elif isinstance(mark, annotated_types.Lt):
            high = mark.lt
        elif isinstance(mark, annotated_types.MinLen):
            low = mark.min_length
        elif isinstance(mark, annotated_types.MaxLen):
            high = mark.max_length
    return low, high


def _flat(metadata: Iterable[Any]) -> Iterable[Any]:
    """The marks, with those inside a `Field(...)` that stands in an inner `Annotated`."""
    for mark in metadata:
        yield from mark.metadata if isinstance(mark, FieldInfo) else (mark,)
