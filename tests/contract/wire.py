"""The same values as each surface takes them: data URLs, form parts, command-line words, Gradio uploads."""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import quote

import gradio_client

from studio.contract import Task
from studio.fields import describe
from studio.media.base import Blob, data_url

Parts = list[tuple[str, tuple[str | None, bytes]]]


def blob(value: Any) -> Any:
    """A file as a Blob, anything else as it is."""
    return Blob(value.name, value.read_bytes()) if isinstance(value, Path) else value


def as_json(value: Any) -> Any:
    """JSON values; files are data URLs."""
    value = blob(value)
    if isinstance(value, Blob):
        kind = mimetypes.guess_type(value.name)[0] or "application/octet-stream"
        return data_url(value.read(), f"{kind};name={quote(value.name)}")
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    return value


def without_types(value: Any) -> Any:
    """JSON values whose data URLs are cut to their bytes: sent as one, a file has no name that tells its type."""
    if isinstance(value, str) and value.startswith("data:"):
        return value.partition(",")[2]
    if isinstance(value, list):
        return [without_types(item) for item in value]
    if isinstance(value, dict):
        return {name: without_types(item) for name, item in value.items()}
    return value


def as_parts(values: dict[str, Any]) -> Parts:
    """Parts of a multipart form; a list is a repeated part."""
    return [
        (name, _part(blob(item)))
        for name, value in values.items()
        for item in (value if isinstance(value, list | tuple) else [value])
    ]


def _part(value: Any) -> tuple[str | None, bytes]:
    return (value.name, value.read()) if isinstance(value, Blob) else (None, _text(value).encode())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def as_words(values: dict[str, Any], folder: Path) -> list[str]:
    """`name=value` words of a command line; files are written into the folder, a list is a repeated name."""
    return [
        f"{name}={_written(item, folder) if isinstance(item, Blob | Path) else _text(item)}"
        for name, value in values.items()
        for item in (value if isinstance(value, list | tuple) else [value])
    ]


def _written(value: Blob | Path, folder: Path) -> Path:
    """The file's own folder keeps another of the same name from overwriting it while it is still being sent."""
    if isinstance(value, Path):
        return value
    path = Path(mkdtemp(dir=folder)) / value.name
    path.write_bytes(value.read())
    return path


def as_gradio(task: Task, values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Keyword arguments of a demo's run event: files are uploaded, JSON is a text, texts are lines."""
    arguments: dict[str, Any] = {}
    for spec in describe(task.inputs):
        if spec.name not in values:
            if spec.required:  # an empty component; an event's arguments are positions, none can be left out
                arguments[spec.name] = None
            continue
        value = values[spec.name]
        if spec.kind == "json":
            arguments[spec.name] = json.dumps(value)
        elif spec.many and spec.media is None:
            arguments[spec.name] = "\n".join(value)
        elif spec.ui.sketch and isinstance(value, Blob | Path):
            file = _upload(value, folder)
            arguments[spec.name] = {"background": file, "layers": [], "composite": file}
        else:
            arguments[spec.name] = _upload(value, folder)
    return arguments


def _upload(value: Any, folder: Path) -> Any:
    if isinstance(value, list | tuple):
        return [_upload(item, folder) for item in value]
    return gradio_client.handle_file(_written(value, folder)) if isinstance(value, Blob | Path) else value
