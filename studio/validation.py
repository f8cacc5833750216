"""What a caller sends, made into a task's inputs, or refused with a message that names the field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from studio.contract import Inputs, Task
from studio.errors import InvalidInput, TooLarge
from studio.fields import describe
from studio.media.base import Limits


def validated(task: Task, payload: Mapping[str, Any] | Inputs, limits: Limits) -> Inputs:
    """The payload as the task's inputs.

    Raises:
        InvalidInput: with the first field at fault; TooLarge if a limit is the reason.
    """
    if isinstance(payload, task.inputs):
        return payload
    try:
        inputs = task.inputs.model_validate(payload, context={"limits": limits})
    except ValidationError as fault:
        raise _invalid(task, fault) from None
    for name, value in _texts(inputs):
        if len(value) > limits.text_characters:
            raise TooLarge(
                f"The text is longer than {limits.text_characters:,} characters.",
                field=name,
                expected=f"at most {limits.text_characters:,} characters",
                got=f"{len(value):,} characters",
                hint="The operator can raise ATELIER_MAX_TEXT_CHARACTERS.",
            )
    return inputs


def _texts(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """Each text in the inputs with its field's name, however deep it lies."""
    for name in type(inputs).model_fields:
        for text in _texts_in(getattr(inputs, name)):
            yield name, text


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, BaseModel):
        yield from _texts_in([getattr(value, name) for name in type(value).model_fields])
    elif isinstance(value, dict):
        yield from _texts_in([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts_in(item)


def _invalid(task: Task, fault: ValidationError) -> InvalidInput:
    """The first of pydantic's complaints in Atelier's own shape."""
    first = fault.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else None
    own = first.get("ctx", {}).get("error")
    if isinstance(own, InvalidInput):
        own.field = name if own.field is None else own.field
        return own
    field = task.inputs.model_fields.get(name or "")
    title = (field.title if field and field.title else name) or "The input"
    kind = first["type"]
    if kind == "missing":
        return InvalidInput(f"{title} is missing.", field=name, expected=_expected(task, name) or title, got="nothing")
    if kind == "extra_forbidden":
        known = ", ".join(task.inputs.model_fields)
        return InvalidInput(f"{task.title} has no field {name!r}.", field=name, expected=f"only {known}", got=name)
    message = first["msg"].removeprefix("Value error, ")
    got = _shown(first.get("input"))
    return InvalidInput(f"{title}: {message[:1].lower()}{message[1:]}.", field=name, expected=message, got=got)


def _expected(task: Task, name: str | None) -> str:
    """What kind of file a field takes; nothing if it takes none."""
    media = next((spec.media for spec in describe(task.inputs) if spec.name == name), None)
    return media.noun if media is not None else ""


def _shown(value: Any) -> str:
    """A refused value in a few characters. An upload's own text would tell where the server keeps it."""
    if isinstance(value, list | tuple | dict):
        return f"{len(value)} item" if len(value) == 1 else f"{len(value)} items"
    return repr(value)[:80] if value is None or isinstance(value, str | int | float) else type(value).__name__
