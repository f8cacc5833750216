"""What is sent: each example of each task and adapter to the runtime, each that fills in other fields to every surface.

And every bad input that the fields allow.

All of it is read from the declarations, so a new task is covered by being declared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from studio.catalogue import Catalogue
from studio.contract import Adapter, Example, Task
from studio.fields import FieldSpec, describe
from studio.media.base import Blob
from studio.media.file import File
from studio.runtime import EMBEDDED
from studio.weights import Shelf
from tests.conftest import PACKAGES
from tests.contract import bad_files

SHELF = Shelf(EMBEDDED)
CATALOGUE = Catalogue.discover(PACKAGES)
TASKS = list(CATALOGUE)

#: (task, adapter): why it is not run
LEFT_OUT = {("specimen_failure", "unloadable"): "this adapter is there to fail while it loads"}

_ENDINGS = {"image": ".jpg", "audio": ".wav", "video": ".mp4", "table": ".csv", "file": ".bin"}
#: no field is called so
EXTRA = "surplus"


@dataclass(frozen=True)
class Good:
    """One example through one adapter."""

    task: Task
    adapter: Adapter
    example: Example

    @property
    def values(self) -> dict[str, Any]:
        return dict(self.example.values)


@dataclass(frozen=True)
class Bad:
    """A task's first example with one thing wrong.

    Attributes:
        field: the field that the error must name.
        status: the HTTP status it must have.
        typed: whether the fault is a JSON type, which a form or a command line cannot express.
    """

    task: Task
    what: str
    values: dict[str, Any]
    field: str
    status: int = 422
    typed: bool = False


def _good() -> Iterator[Any]:
    for task in TASKS:
        for adapter in task.adapters:
            reason = LEFT_OUT.get((task.name, adapter.name)) or _missing(task, adapter)
            marks = [pytest.mark.skip(reason=reason)] if reason else []
            for number, example in enumerate(task.examples, 1):
                if example.adapter not in ("", adapter.name):
                    continue
                name = f"{task.name}-{adapter.name}-{number}"
                yield pytest.param(Good(task, adapter, example), id=name, marks=marks)


def _wire() -> Iterator[Any]:
    seen = set()
    for parameter in _good():
        case = parameter.values[0]
        fields = (case.task.name, case.adapter.name, frozenset(case.example.values))
        if fields not in seen:
            seen.add(fields)
            yield parameter


def _missing(task: Task, adapter: Adapter) -> str:
    """Why an adapter of kind hub or endpoint cannot be run on this machine; empty if it can."""
    if adapter.kind not in ("hub", "endpoint"):
        return ""
    ready = SHELF.state(CATALOGUE.entry(task.name).family, adapter.weights).name == "ready"
    here = "its weights are" if adapter.kind == "hub" else "its server is"
    return "" if ready else f"{here} not on this machine"


def _bad(*, typed: bool) -> Iterator[Any]:
    for task in TASKS:
        values = dict(task.examples[0].values)
        cases = [Bad(task, "extra field", values | {EXTRA: "1"}, EXTRA)]
        for spec in describe(task.inputs):
            if spec.required:
                rest = {name: value for name, value in values.items() if name != spec.name}
                cases.append(Bad(task, "missing", rest, spec.name))
            for what, wrong, status, needs_type in _wrong(spec):
                value = [wrong] if spec.many and not isinstance(wrong, list) and not needs_type else wrong
                cases.append(Bad(task, what, values | {spec.name: value}, spec.name, status, needs_type))
        for case in cases:
            if typed or not case.typed:
                yield pytest.param(case, id=f"{task.name}-{case.field}-{case.what.replace(' ', '_')}")


def _wrong(spec: FieldSpec) -> Iterator[tuple[str, Any, int, bool]]:
    """(what, value, status, whether only JSON can say it) of everything that the field must refuse."""
    if spec.media is not None:
        yield from _wrong_media(spec)
    elif spec.kind in ("integer", "number"):
        yield "wrong type", "many", 422, False
        yield from _out_of_range(spec)
    elif spec.kind == "choice":
        yield "bad choice", "none of them", 422, False
    elif spec.kind == "boolean":
        yield "wrong type", "perhaps", 422, False
    elif spec.kind == "text":
        yield "wrong type", {"a": 1}, 422, True
        if spec.minimum and not spec.many:
            yield "too short", "", 422, False
        if spec.maximum and not spec.many:
            yield "too long", "x" * (int(spec.maximum) + 1), 422, False
    else:
        yield "wrong type", 5, 422, False


def _wrong_media(spec: FieldSpec) -> Iterator[tuple[str, Any, int, bool]]:
    ending = spec.ui.accept[0] if spec.ui.accept else _ENDINGS[spec.kind]
    yield "empty file", bad_files.empty(ending), 422, False
    yield "wrong type", 5, 422, False
    if spec.kind == "image":
        yield "text renamed", bad_files.renamed_text(".jpg"), 422, False
        yield "truncated", bad_files.truncated_jpeg(), 422, False
        yield "huge", bad_files.huge_png(), 413, False
        yield "animated", bad_files.animated_gif(), 422, False
    elif spec.kind == "table":
        yield "noise", bad_files.binary_noise(ending), 422, False
    elif spec.media is not File:
        yield "text renamed", bad_files.renamed_text(ending), 422, False
    if spec.many and spec.maximum and spec.media is File:
        yield "too many", [Blob("a.txt", b"a")] * (int(spec.maximum) + 1), 422, False


def _out_of_range(spec: FieldSpec) -> Iterator[tuple[str, Any, int, bool]]:
    if spec.minimum is not None:
        yield "below range", spec.minimum - 1, 422, False
    if spec.maximum is not None:
        yield "above range", spec.maximum + 1, 422, False


GOOD = list(_good())
#: for surfaces: of each adapter the first example, and those that fill in other fields than any before
WIRE = list(_wire())
#: for surfaces that send JSON
BAD_TYPED = list(_bad(typed=True))
#: for surfaces that send texts and files
BAD = list(_bad(typed=False))
