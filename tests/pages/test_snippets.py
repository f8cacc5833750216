"""The shown programs are run, each against a stand-in for the network, and must make the very call."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import Field

from studio.contract import Adapter, Example, Inputs, Outputs, Task
from studio.media.image import Image
from surfaces import snippets
from surfaces.cli import parse_values

ORIGIN = "http://127.0.0.1:7860"
#: a name that every quoting has to survive
FILE = 'it\'s; a "photo", $HOME `x`.png'


class PictureInputs(Inputs):
    first: Annotated[Image, Field(title="First")]
    others: Annotated[list[Image], Field(title="Others")] = Field(default_factory=list)
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.6
    note: str = ""
    mirror: bool = False


class TextInputs(Inputs):
    text: str
    style: Literal["plain", "formal"] = "plain"
    words: Annotated[list[str], Field(title="Words")] = Field(default_factory=list)


class Answer(Outputs):
    answer: str = ""


def make_task(inputs: type[Inputs], values: dict[str, Any]) -> Task:
    adapter = Adapter(
        name="own", title="Own", entry="nowhere:Own", memory_mb=1, licence="MIT", source="own work", kind="embedded"
    )
    return Task(
        name="specimen",
        title="Specimen",
        section="Tests",
        summary="For tests.",
        inputs=inputs,
        outputs=Answer,
        examples=(Example(title="One", values=values),),
        adapters=(adapter,),
    )


def picture(name: str = "") -> Image:
    return Image(np.zeros((2, 2, 3), dtype=np.uint8), name)


PICTURES = make_task(PictureInputs, {"first": Path("a.png")})
TEXTS = make_task(TextInputs, {"text": "hello"})
PICTURE_VALUES = {
    "first": picture(FILE),
    "others": [picture("b.png"), Path("/somewhere/c.png")],
    "threshold": 0.6,
    "note": '@it\'s "<so>";type=x $HOME\nünd `weiter`',
    "mirror": True,
}
TEXT_VALUES = {"text": 'it\'s "quoted" $HOME \\ \n\u2028`end`', "style": "formal", "words": ["a", "b"]}
FORM = [("note", PICTURE_VALUES["note"]), ("mirror", "true")]
FILES = [("first", FILE), ("others", "b.png"), ("others", "c.png")]
RUN = f"{ORIGIN}/api/v1/tasks/specimen/run"


def run_python(source: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The arguments with which the program calls requests.post."""
    calls: list[dict[str, Any]] = []

    def post(url: str, **options: Any) -> SimpleNamespace:
        calls.append({"url": url, **options})
        return SimpleNamespace(raise_for_status=lambda: None, json=lambda: {"outputs": {}})

    monkeypatch.setitem(sys.modules, "requests", SimpleNamespace(post=post))
    monkeypatch.setenv("ATELIER_TOKEN", "secret")
    exec(compile(source, "snippet", "exec"), {"open": lambda name, mode: SimpleNamespace(name=name, mode=mode)})
    (call,) = calls
    return call


def test_python_sends_files_as_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    call = run_python(snippets.python(PICTURES, PICTURE_VALUES, ORIGIN, "own"), monkeypatch)
    assert (call["url"], call["params"], call["data"]) == (RUN, {"adapter": "own"}, FORM)
    assert [(name, file.name, file.mode) for name, file in call["files"]] == [(n, f, "rb") for n, f in FILES]


def test_python_sends_json_where_there_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    call = run_python(snippets.python(TEXTS, TEXT_VALUES, ORIGIN, "own", token=True), monkeypatch)
    assert call["json"] == {"inputs": TEXT_VALUES}
    assert call["headers"] == {"Authorization": "Bearer secret"}


def test_gradio_client(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    class Client:
        def __init__(self, address: str, **options: Any) -> None:
            calls.append((address, options))

        def predict(self, **options: Any) -> None:
            calls.append(options)

    module = SimpleNamespace(Client=Client, handle_file=lambda name: ("file", name))
    monkeypatch.setitem(sys.modules, "gradio_client", module)
    exec(compile(snippets.gradio_client(PICTURES, PICTURE_VALUES, ORIGIN, "own"), "snippet", "exec"), {})
    assert calls[0] == (f"{ORIGIN}/demos/specimen/", {})
    assert calls[1] == {
        "first": ("file", FILE),
        "others": [("file", "b.png"), ("file", "c.png")],
        "note": PICTURE_VALUES["note"],
        "mirror": True,
        "api_name": "/run",
    }


def words_of(command: str, name: str) -> list[str]:
    """The words that a shell hands to the program of that name, which is replaced by one that prints them."""
    script = f"{name}() {{ printf '%s\\0' \"$@\"; }}\nATELIER_TOKEN=secret\n{command}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, timeout=20)
    return done.stdout.decode().split("\0")[:-1]


def test_curl_sends_files_as_a_form() -> None:
    words = words_of(snippets.curl(PICTURES, PICTURE_VALUES, ORIGIN, "own", token=True), "curl")
    quoted = '"' + FILE.replace('"', '\\"') + '"'
    assert words == [
        *("-sS", f"{RUN}?adapter=own", "-H", "Authorization: Bearer secret"),
        *("-F", f"first=@{quoted}", "-F", "others=@b.png", "-F", "others=@c.png"),
        *("--form-string", f"note={PICTURE_VALUES['note']}", "--form-string", "mirror=true"),
    ]


def test_curl_sends_json_where_there_is_no_file() -> None:
    words = words_of(snippets.curl(TEXTS, TEXT_VALUES, ORIGIN, "own"), "curl")
    assert json.loads(words[-1]) == {"inputs": TEXT_VALUES}


def test_shell_is_understood_by_the_command_line() -> None:
    words = words_of(snippets.shell(TEXTS, TEXT_VALUES, ORIGIN, "own"), "python")
    assert words[:5] == ["-m", "surfaces.cli", "run", "specimen", "--json"]
    assert parse_values(TEXTS, words[5:]) == {**TEXT_VALUES, "adapter": "own"}
    assert f"first={FILE}" in words_of(snippets.shell(PICTURES, PICTURE_VALUES, ORIGIN, "own"), "python")


NODE = shutil.which("node")
STAND_IN = """
import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module";
fs.openAsBlob = async (name) => new Blob([name]); syncBuiltinESMExports();
globalThis.fetch = async (url, options) => {
  const parts = options.body instanceof FormData ? [...options.body].map(([n, v]) => [n, v.name ?? v]) : options.body;
  console.log(JSON.stringify({ url, method: options.method, headers: options.headers ?? null, parts }));
  return { ok: true, json: async () => ({ outputs: {} }) };
};
"""


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_javascript(tmp_path: Path) -> None:
    (tmp_path / "stand_in.mjs").write_text(STAND_IN)

    def run(source: str) -> dict[str, Any]:
        (tmp_path / "call.mjs").write_text(source)
        command = [str(NODE), "--import", "./stand_in.mjs", "call.mjs"]
        environment = {"ATELIER_TOKEN": "secret"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True, timeout=60)
        return json.loads(io.StringIO(done.stdout.decode()).readline())

    form = run(snippets.javascript(PICTURES, PICTURE_VALUES, ORIGIN, "own", token=True))
    assert form["url"] == f"{RUN}?adapter=own"
    assert form["method"] == "POST"
    assert form["headers"] == {"Authorization": "Bearer secret"}
    assert form["parts"] == [list(pair) for pair in (*FILES, *FORM)]
    body = run(snippets.javascript(TEXTS, TEXT_VALUES, ORIGIN, "own"))
    assert json.loads(body["parts"]) == {"inputs": TEXT_VALUES}


def test_what_has_its_default_value_is_left_out() -> None:
    for _, _, write in snippets.LANGUAGES:
        assert "threshold" not in write(PICTURES, PICTURE_VALUES, ORIGIN, "own")


def test_a_picture_without_a_name_gets_one_from_its_field() -> None:
    inputs = PictureInputs(first=picture())
    assert "first=@first." in snippets.curl(PICTURES, snippets.values_of(inputs), ORIGIN, "own")
