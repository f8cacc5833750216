"""The README's worked example, followed to the letter in a copy of the project."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

BLOCK = re.compile(r'^```\w+ title="(?P<title>[^"]+)"\n(?P<body>.*?)^```$', re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, str]:
    return {m["title"]: m["body"] for m in BLOCK.finditer((ROOT / "README.md").read_text("utf-8"))}


def project_files() -> list[str]:
    """What is tracked, and what is new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.py")
    }


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's copy with the family in it, made by the steps in the README."""
    copy = tmp_path_factory.mktemp("copy") / "atelier"
    for name in project_files():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
    before, said = digests(copy), blocks()
    shell(copy, said["steps"])
    for name in ("backends/brightness/task.py", "backends/brightness/rec709.py"):
        (copy / name).write_text(said[name], encoding="utf-8")
    after = digests(copy)
    assert {name: after[name] for name in before} == before, "an existing Python file was edited"
    assert len(after) == len(before) + 3
    return copy


def shell(folder: Path, script: str) -> str:
    """Run a script as somebody in the activated virtual environment does; its standard output."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ATELIER_HOME": str(folder.parent / "home"),
    }
    done = subprocess.run(
        ["bash", "-euc", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_listed(followed: Path) -> None:
    tasks = {task["name"]: task for task in json.loads(shell(followed, "python -m surfaces.cli list --json"))}
    assert [field["kind"] for field in tasks["brightness"]["inputs"]] == ["image"]


def test_the_commands_at_its_end_work(followed: Path) -> None:
    listed, _, rest = shell(followed, blocks()["try"]).partition("{")
    assert "brightness" in listed
    answer, _ = json.JSONDecoder().raw_decode("{" + rest)
    assert answer["luminance"] == pytest.approx(0.5, abs=0.01)
    assert list(answer["parts"]) == ["dark", "medium", "bright"]
    assert sum(answer["parts"].values()) == pytest.approx(1)
    assert (followed / "docs" / "tasks" / "brightness.md").is_file()
    shell(followed, "python -m surfaces.docs --check")


def test_its_demo_is_built(followed: Path) -> None:
    code = (
        "from studio.runtime import Runtime; from studio.settings import Settings;"
        "from surfaces.demos.blocks import build_blocks; runtime = Runtime(Settings());"
        "task = runtime.catalogue.task('brightness'); print(len(build_blocks(runtime, task).blocks)); runtime.close()"
    )
    assert int(shell(followed, f'python -c "{code}"').split()[-1]) > 3


def test_it_keeps_the_houses_rules(followed: Path) -> None:
    shell(followed, "ruff check --no-cache backends/brightness && ruff format --no-cache --check backends/brightness")
    shell(followed, "lint-imports --no-cache")


def test_it_is_short() -> None:
    said = blocks()
    lines = [line for name in said if name.endswith(".py") for line in said[name].splitlines() if line.strip()]
    assert len(lines) <= 60
