"""The command line: outputs on stdout, one error object on stderr, exit codes that scripts can rely on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.media.image import Image
from studio.results import Box, BoxedImage
from surfaces.cli import main
from surfaces.drawing import ACCENT, GREY, draw
from tests.conftest import ROOT
from tests.contract.checks import check_error
from tests.families.specimens.task import EXAMPLES

PACKAGES = ("tests.families",)
ECHO = [
    "run", "specimen_echo", f"image={EXAMPLES}/picture.png", f"audio={EXAMPLES}/sound.wav",
    f"video={EXAMPLES}/clip.mp4", f"table={EXAMPLES}/table.csv", f"file={EXAMPLES}/note.txt", "text=a=b",
]  # fmt: skip

Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = main(arguments, PACKAGES)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_list(capsys: Capture) -> None:
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert "specimen_stream   Answers in steps" in out
    code, out, _ = run(capsys, "list", "--json")
    echo = json.loads(out)[0]
    assert echo["name"] == "specimen_echo"
    fields = {field["name"]: field for field in echo["inputs"]}
    assert fields["length_s"] | {"title": "", "description": ""} == {
        "name": "length_s", "kind": "number", "many": False, "required": False, "title": "", "description": "",
        "minimum": 0, "maximum": 10, "unit": "s",
    }  # fmt: skip
    assert fields["mode"]["choices"] == ["plain", "fancy"]
    assert [adapter["name"] for adapter in echo["adapters"]] == ["echo", "twin"]


def test_run_with_every_kind_of_value(capsys: Capture) -> None:
    code, out, err = run(
        capsys, *ECHO, f"images={EXAMPLES}/picture.png", f"images={EXAMPLES}/picture.png", "words=a", "words=b",
        "count=4", "loud=yes", "mode=fancy", 'window={"left": 3}', "adapter=twin", "--json",
    )  # fmt: skip
    outputs = json.loads(out)
    assert code == 0
    assert "Note: This is a specimen." in err
    assert (outputs["text"], outputs["count"], outputs["mode"], outputs["words"]) == ("A=B", 4, "fancy", ["a", "b"])
    assert outputs["details"]["window"] == {"left": 3, "width": 10}
    assert len(outputs["images"]) == 2
    assert Image.load(outputs["image"]).resolution_wh == (128, 96)


def test_run_for_people(capsys: Capture) -> None:
    code, out, err = run(capsys, *ECHO)
    assert code == 0
    assert "Length: 1.5 s" in out
    assert "\n  yes  0.7500" in out
    assert "--out DIR writes it" in out
    assert "s on cpu" in err


def test_run_writes_files(capsys: Capture, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    code, out, _ = run(capsys, *ECHO, f"files={EXAMPLES}/note.txt", "--out", str(folder), "--json")
    assert code == 0
    outputs: dict[str, Any] = json.loads(out)
    assert sorted(path.name for path in folder.iterdir()) == [
        "audio.wav", "boxed.jpg", "boxed.json", "file.txt", "files-1.txt", "image.jpg", "table.csv", "video.mp4",
    ]  # fmt: skip
    assert outputs["table"] == str(folder / "table.csv")
    assert outputs["files"] == [str(folder / "files-1.txt")]
    assert outputs["boxed"]["boxes"] == json.loads((folder / "boxed.json").read_text())
    assert outputs["scores"] == {"yes": 0.75, "no": 0.25}
    assert Image.open(folder / "boxed.jpg").resolution_wh == (128, 96)


@pytest.mark.parametrize(
    ("arguments", "field", "message"),
    [
        (["run", "nothing"], None, "There is no task 'nothing'."),
        (["run", "specimen_stream", "adapter=x"], "adapter", "Stream has no adapter 'x'."),
        (["run", "specimen_stream", "steps"], None, "An input is given as NAME=VALUE."),
        (["run", "specimen_stream", "steps=1", "steps=2"], "steps", "steps is given twice, but takes one value."),
        (["run", "specimen_stream", "steps=0"], "steps", "Steps: input should be greater than or equal to 1."),
        (["run", "specimen_stream", "what=1"], "what", "Stream has no field 'what'."),
        (["run", "specimen_live"], "frame", "Frame is missing."),
        (["run", "specimen_live", "frame=missing.png"], "frame", "There is no such file."),
        ([*ECHO, "window={"], "window", "Window is not JSON."),
        (["run"], None, "Missing argument 'TASK'."),
        (["run", "specimen_stream", "--unknown"], None, "No such option '--unknown'."),
        (["unknown"], None, "No such command 'unknown'."),
    ],
)
def test_bad_input_is_told_as_one_object(
    capsys: Capture, arguments: list[str], field: str | None, message: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    shape = json.loads(err)
    assert list(shape) == ["error", "field", "expected", "got", "hint"]
    assert (shape["field"], shape["error"]) == (field, message)


def test_a_failed_run(capsys: Capture) -> None:
    code, out, err = run(capsys, "run", "specimen_failure", "way=memory", "--json")
    assert (code, out) == (1, "")
    assert json.loads(err.splitlines()[-1])["error"] == "The machine ran out of memory."


def test_outputs_that_cannot_be_written(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, err = run(capsys, *ECHO, "--out", str(tmp_path / "file" / "folder"))
    assert code == 1
    assert "cannot be written" in json.loads(err.splitlines()[-1])["error"]


def test_what_a_library_prints_is_not_in_the_outputs(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.families.specimens import models

    answer = models.Stream.__call__

    def noisy(self: Any, inputs: Any, run: Any) -> Any:
        print("a library's greeting")
        return answer(self, inputs, run)

    monkeypatch.setattr(models.Stream, "__call__", noisy)
    code, out, err = run(capsys, "run", "specimen_stream", "steps=2", "--json")
    assert (code, json.loads(out)) == (0, {"text": "1 2", "step": 2})
    assert "greeting" in err


def test_ctrl_c_cancels(tmp_path: Path) -> None:
    code = "from surfaces.cli import main; raise SystemExit(main(packages=('tests.families',)))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", "specimen_stream", "steps=1000", "pause_s=0.1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"ATELIER_HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        text=True,
    )
    until_s = time.monotonic() + 30
    while not list(tmp_path.glob("atelier-*")) and time.monotonic() < until_s:
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert json.loads(err)["error"] == "The run was cancelled."
    assert list(tmp_path.glob("atelier-*")) == []


def test_models(capsys: Capture) -> None:
    code, out, _ = run(capsys, "models", "--json")
    assert code == 0
    twin = json.loads(out)[1]
    assert (twin["task"], twin["adapter"], twin["default"], twin["commercial"], twin["state"]) == (
        "specimen_echo", "twin", False, False, "ready",
    )  # fmt: skip
    assert "specimen_echo  echo  embedded" in run(capsys, "models")[1]


def test_settings(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_PORT", "9001")
    monkeypatch.setenv("ATELIER_TOKEN", "secret")
    code, out, _ = run(capsys, "settings", "--json")
    rows = {row["variable"]: row for row in json.loads(out)}
    assert code == 0
    assert (rows["ATELIER_PORT"]["value"], rows["ATELIER_PORT"]["default"]) == ("9001", "7860")
    assert rows["ATELIER_TOKEN"]["value"] == "(set)"
    assert "ATELIER_PORT=9001" in run(capsys, "settings")[1]
    monkeypatch.setenv("ATELIER_PORT", "many")
    code, _, err = run(capsys, "list")
    assert (code, json.loads(err)["field"]) == (2, "ATELIER_PORT")


# drawing


def test_boxes_are_drawn_inside_the_picture_in_their_colours() -> None:
    white = Image(np.full((200, 300, 3), 255, np.uint8))
    boxes = [
        Box(xyxy=(50, 60, 150, 160), label="Ådne", score=0.9, points=[(100, 100)]),
        Box(xyxy=(200, 5, 295, 100), label="a label too long for its box", accent=False),
        Box(xyxy=(290, 190, 400, 300), label="beyond the edge"),
        Box(xyxy=(40, 40, 10, 10)),
    ]
    drawn = np.asarray(draw(BoxedImage(image=white, boxes=boxes)))
    assert drawn.shape == (200, 300, 3)
    assert (white.rgb == 255).all(), "the picture itself is left as it was"
    accent, grey = (tuple(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in (ACCENT, GREY))
    assert tuple(drawn[160, 100]) == accent
    assert tuple(drawn[100, 100]) == accent
    assert tuple(drawn[100, 250]) == grey
    assert tuple(drawn[120, 80]) == (255, 255, 255)


def test_a_label_with_accents_has_its_letters() -> None:
    from surfaces.drawing import load_font

    font = load_font(24)
    missing = bytes(font.getmask("\U0010fffe"))
    assert all(bytes(font.getmask(letter)) != missing for letter in "ÄéłøğŽß")


def test_the_runs_of_this_shell(capsys: Capture) -> None:
    assert run(capsys, "runs", "list") == (0, "", "")
    for steps in (1, 2):
        assert run(capsys, "run", "specimen_stream", f"steps={steps}")[0] == 0
    code, out, _ = run(capsys, "runs", "list")
    first, second = out.splitlines()
    assert code == 0
    assert "specimen_stream/stream" in first
    assert first.endswith("steps 2  1 2")
    listed = json.loads(run(capsys, "runs", "list", "--json", "--task", "specimen_stream", "--limit", "1")[1])
    assert [row["run"][:8] for row in listed] == [first[:8]]
    shown = json.loads(run(capsys, "runs", "show", second[:8], "--json")[1])
    assert (shown["inputs"]["steps"], shown["outputs"]["text"], shown["weights_changed"]) == (1, "1", False)
    assert run(capsys, "runs", "delete", second[:8])[0] == 0
    assert run(capsys, "runs", "list")[1].splitlines() == [first]
    for unknown in ("zz", "f" * 32):
        code, out, err = run(capsys, "runs", "show", unknown)
        assert (code, out) == (2, "")
        check_error(json.loads(err), None)


def test_a_run_writes_its_files_later(capsys: Capture, tmp_path: Path) -> None:
    code, _, _ = run(capsys, "run", "specimen_live", f"frame={EXAMPLES / 'picture.png'}")
    assert code == 0
    (row,) = json.loads(run(capsys, "runs", "list", "--json")[1])
    shown = json.loads(run(capsys, "runs", "show", row["run"], "--out", str(tmp_path / "out"))[1])
    assert Path(shown["outputs"]["boxes"]["image"]).is_file()
