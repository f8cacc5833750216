"""A call of a task as the program that makes it: Python, Gradio client, curl, JavaScript and shell.

Each function is pure: (task, values, origin, adapter) -> text. `values` are field values as `Task.inputs` or an
example hold them; media appear by the name of their file. What has the field's default value is left out.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from studio.contract import Inputs, Task
from studio.fields import FieldSpec, describe
from studio.media.base import Media

API = "/api/v1"


@dataclass(frozen=True)
class FileName:
    """A file that the call sends, by the name it has on the caller's disk."""

    name: str


@dataclass(frozen=True)
class Call:
    """A call, ready to be written down: plain values and file names by field, in the order of the fields."""

    task: str
    adapter: str
    url: str
    values: Mapping[str, Any]
    lists: frozenset[str]  # the fields that a form repeats; any other list is one JSON value

    @property
    def sends_files(self) -> bool:
        """Whether it must be a multipart form; otherwise it is JSON."""
        return any(isinstance(part, FileName) for _, part in self.parts)

    @property
    def parts(self) -> list[tuple[str, Any]]:
        """(field, value) of each part of a form; a list is a repeated part."""
        return [
            (name, part) for name, value in self.values.items() for part in (value if name in self.lists else [value])
        ]


def values_of(inputs: Inputs) -> dict[str, Any]:
    """The field values of validated inputs, as the functions here take them."""
    return {name: getattr(inputs, name) for name in type(inputs).model_fields}


def python(task: Task, values: Mapping[str, Any], origin: str, adapter: str, *, token: bool = False) -> str:
    """The call as a Python script with `requests`; `token` adds the access token from the environment."""
    call = _call(task, values, origin, adapter)
    lines = [f"    {json.dumps(call.url)},", f'    params={{"adapter": {_literal(call.adapter)}}},']
    if call.sends_files:
        data = [(name, _text(part)) for name, part in call.parts if not isinstance(part, FileName)]
        if data:
            lines += [
                "    data=[",
                *(f"        ({_literal(name)}, {_literal(text)})," for name, text in data),
                "    ],",
            ]
        files = [(name, part.name) for name, part in call.parts if isinstance(part, FileName)]
        lines += [
            "    files=[",
            *(f'        ({_literal(name)}, open({_literal(file)}, "rb")),' for name, file in files),
            "    ],",
        ]
    else:
        lines += [f'    json={{"inputs": {_literal(dict(call.values))}}},']
    if token:
        lines += ['    headers={"Authorization": f"Bearer {os.environ[\'ATELIER_TOKEN\']}"},']
    head = "import os\n\nimport requests\n" if token else "import requests\n"
    body = "\n".join(["answer = requests.post(", *lines, "    timeout=600,", ")"])
    return f'{head}\n{body}\nanswer.raise_for_status()\nprint(answer.json()["outputs"])\n'


def gradio_client(task: Task, values: Mapping[str, Any], origin: str, adapter: str, *, token: bool = False) -> str:
    """The call through the task's demo with `gradio_client`, which always takes the demo's default adapter."""
    call = _call(task, values, origin, adapter)
    arguments = [f"    {name}={_gradio_argument(value)}," for name, value in call.values.items()]
    imports = "Client, handle_file" if call.sends_files else "Client"
    headers = ', headers={"Authorization": f"Bearer {os.environ[\'ATELIER_TOKEN\']}"}' if token else ""
    head = "import os\n\n" if token else ""
    address = json.dumps(f"{origin}/demos/{task.name}/")
    body = "\n".join(["answer = client.predict(", *arguments, '    api_name="/run",', ")"])
    return f"{head}from gradio_client import {imports}\n\nclient = Client({address}{headers})\n{body}\nprint(answer)\n"


def curl(task: Task, values: Mapping[str, Any], origin: str, adapter: str, *, token: bool = False) -> str:
    """The call as a curl command."""
    call = _call(task, values, origin, adapter)
    words = [f"curl -sS {shlex.quote(f'{call.url}?adapter={call.adapter}')}"]
    if token:
        words += ['-H "Authorization: Bearer $ATELIER_TOKEN"']
    if call.sends_files:
        words += [_curl_part(name, part) for name, part in call.parts]
    else:
        body = json.dumps({"inputs": dict(call.values)}, ensure_ascii=False)
        words += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    return " \\\n  ".join(words) + "\n"


def javascript(task: Task, values: Mapping[str, Any], origin: str, adapter: str, *, token: bool = False) -> str:
    """The call as a JavaScript module for Node 20 or newer, without any package."""
    call = _call(task, values, origin, adapter)
    url = json.dumps(f"{call.url}?adapter={call.adapter}")
    headers = ["Authorization: `Bearer ${process.env.ATELIER_TOKEN}`"] if token else []
    lines: list[str] = []
    if call.sends_files:
        lines += ['import { openAsBlob } from "node:fs";', "", "const form = new FormData();"]
        lines += [_javascript_part(name, part) for name, part in call.parts]
        body = "form"
    else:
        headers = ['"Content-Type": "application/json"', *headers]
        body = f"JSON.stringify({json.dumps({'inputs': dict(call.values)}, ensure_ascii=False)})"
    options = ['method: "POST"', *([f"headers: {{ {', '.join(headers)} }}"] if headers else []), f"body: {body}"]
    lines += [f"const answer = await fetch({url}, {{", *(f"  {option}," for option in options), "});"]
    lines += ["const result = await answer.json();", "if (!answer.ok) throw new Error(result.error);"]
    lines += ["console.log(result.outputs);"]
    return "\n".join(lines) + "\n"


def shell(task: Task, values: Mapping[str, Any], origin: str, adapter: str, *, token: bool = False) -> str:
    """The call as a command of the studio's own; it runs without a server, so origin and token are of no use to it."""
    call = _call(task, values, origin, adapter)
    words = [shlex.quote(f"{name}={_text(part)}") for name, part in call.parts]
    return " \\\n  ".join([f"python -m surfaces.cli run {task.name} --json", *words, f"adapter={call.adapter}"]) + "\n"


#: what the API tab offers: (title, language of the highlighting, function)
LANGUAGES = (
    ("curl", "bash", curl),
    ("Python", "python", python),
    ("Gradio client", "python", gradio_client),
    ("JavaScript", "javascript", javascript),
    ("Shell", "bash", shell),
)


def _call(task: Task, values: Mapping[str, Any], origin: str, adapter: str) -> Call:
    shown: dict[str, Any] = {}
    lists = set()
    for spec in describe(task.inputs):
        value = values.get(spec.name)
        if value is None or (not spec.required and _is_default(value, spec)):
            continue
        if spec.many and isinstance(value, Sequence) and not isinstance(value, str):
            shown[spec.name] = [_part(one, spec) for one in value]
            lists.add(spec.name)
        else:
            shown[spec.name] = _part(value, spec)
    return Call(task.name, adapter, f"{origin}{API}/tasks/{task.name}/run", shown, frozenset(lists))


def _is_default(value: Any, spec: FieldSpec) -> bool:
    return spec.media is None and to_jsonable_python(value) == to_jsonable_python(spec.default)


def _part(value: Any, spec: FieldSpec) -> Any:
    """A value in its plain form: a file's name for media, JSON types for the rest."""
    if isinstance(value, Path):
        return FileName(value.name)
    if isinstance(value, Media):
        return FileName(value.name or f"{spec.name}{value.suffix}")
    return to_jsonable_python(value)


def _text(part: Any) -> str:
    """A part as a form or a command line sends it."""
    if isinstance(part, FileName):
        return part.name
    return part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)


def _curl_part(name: str, part: Any) -> str:
    if not isinstance(part, FileName):
        return f"--form-string {shlex.quote(f'{name}={_text(part)}')}"
    file = part.name
    if any(mark in file for mark in ',;"\\'):  # curl gives these a meaning unless the name is in double quotes
        file = '"' + file.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"-F {shlex.quote(f'{name}=@{file}')}"


def _javascript_part(name: str, part: Any) -> str:
    if isinstance(part, FileName):
        file = json.dumps(part.name, ensure_ascii=False)
        return f"form.append({json.dumps(name)}, await openAsBlob({file}), {file});"
    return f"form.append({json.dumps(name)}, {json.dumps(_text(part), ensure_ascii=False)});"


def _gradio_argument(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_gradio_argument(one) for one in value)}]"
    return f"handle_file({_literal(value.name)})" if isinstance(value, FileName) else _literal(value)


def _literal(value: Any) -> str:
    """A JSON value as Python writes it, with double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(_literal(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_literal(name)}: {_literal(one)}' for name, one in value.items())}}}"
    return repr(value)
