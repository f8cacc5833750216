"""What holds for the project as a whole."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from studio.settings import Settings
from surfaces import docs
from tests.conftest import ROOT
from tests.house.test_readme_example import project_files

HEAVY = ("torch", "transformers", "dlib", "ultralytics", "gradio", "streamlit", "diffusers", "cv2", "faiss", "sklearn")


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def in_a_fresh_process(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "act",
    [
        "from studio.catalogue import Catalogue; len(Catalogue.discover())",
        "from surfaces.cli import main; main(['list', '--json'])",
        "from surfaces import docs; docs.pages(__import__('studio.catalogue').catalogue.Catalogue.discover())",
    ],
    ids=["catalogue", "cli list", "docs"],
)
def test_listing_the_catalogue_imports_nothing_heavy(act: str) -> None:
    said = in_a_fresh_process(f"{act}\nimport sys; print('LOADED', sorted(set({HEAVY!r}) & set(sys.modules)))")
    assert said.splitlines()[-1] == "LOADED []"


def test_import_rules() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_an_import_rule_can_fail(tmp_path: Path) -> None:
    """The contract on declarations is real: one that imports torch breaks it."""
    for package in ("studio", "surfaces", "pages", "backends", "bench", "recipes", "backends/x"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text(text("pyproject.toml"))
    (tmp_path / "backends" / "x" / "task.py").write_text("def f():\n    import torch\n")
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "A declaration imports no framework BROKEN" in done.stdout


def test_reference_pages_follow_the_declarations(capsys: pytest.CaptureFixture[str]) -> None:
    assert docs.main(check=True) == 0, capsys.readouterr().err


def test_drift_of_a_reference_page_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert docs.main(check=False, root=tmp_path) == 0
    assert docs.main(check=True, root=tmp_path) == 0
    (tmp_path / "docs" / "errors.md").write_text("changed")
    (tmp_path / "docs" / "tasks" / "left_over.md").write_text("of a task that is gone")
    assert docs.main(check=True, root=tmp_path) == 1
    told = capsys.readouterr().err
    assert "errors.md" in told
    assert "left_over.md" in told
    assert docs.main(check=False, root=tmp_path) == 0
    assert docs.main(check=True, root=tmp_path) == 0


def test_every_setting_is_documented() -> None:
    page = text("docs/settings.md")
    for name in Settings.model_fields:
        assert f"| `ATELIER_{name.upper()}` |" in page


def test_the_front_matter_is_what_spaces_expects() -> None:
    facts = yaml.safe_load(text("README.md").split("---\n")[1])
    assert facts["sdk"] == "docker"
    assert facts["app_port"] == Settings.model_fields["port"].default == 7860
    assert len(facts["short_description"]) <= 60
    assert re.fullmatch(r"\d+[smh]", facts["startup_duration_timeout"])
    assert facts["license"] == "agpl-3.0"
    assert isinstance(facts["models"], list)
    assert facts["title"]
    assert facts["emoji"]


def test_the_readmes_links_and_pictures_are_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text("README.md")):
        assert (ROOT / target).exists(), target


def test_the_container() -> None:
    lines = text("Dockerfile")
    assert re.search(r"^FROM python:3\.\d+-slim", lines, re.MULTILINE)
    assert "useradd --create-home --uid 1000" in lines
    assert re.search(r"^USER user$", lines, re.MULTILINE)
    assert re.search(r"^EXPOSE 7860$", lines, re.MULTILINE)
    assert all("--chown=user" in line for line in lines.splitlines() if line.startswith("COPY"))
    assert "ATELIER_HOST=0.0.0.0" in lines
    assert re.search(r"ATELIER_HOME=/home/user/", lines)
    health = re.search(r"HEALTHCHECK[^\[]*(\[.*\])$", lines, re.MULTILINE)
    assert health
    command = json.loads(health[1])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "healthcheck", "exec")
    assert "/readyz" in command[2]


def test_requirements_are_exact() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in text(name).splitlines():
            wanted = line.partition("#")[0].strip()
            assert (
                not wanted or wanted == "-r requirements.txt" or re.fullmatch(r"[\w.-]+(\[\w+\])?==[\w.]+", wanted)
            ), line


def test_the_licence_is_whole() -> None:
    licence = text("LICENSE")
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert tomllib.loads(text("pyproject.toml"))["project"]["license"] == "AGPL-3.0-or-later"


def test_no_path_of_a_machine_is_in_a_file() -> None:
    """Somebody's home, or the folder of whoever wrote it, means nothing to others."""
    here = re.escape(str(ROOT.parent))
    machine = re.compile(rf"{here}/|/root/|/home/(?!user/)\w+/|/Users/\w+/|[A-Z]:\\\\Users")
    found = []
    for name in project_files():
        data = (ROOT / name).read_bytes()
        if (
            b"\0" not in data[:4096]
            and name != "tests/house/test_house.py"
            and machine.search(data.decode("utf-8", "replace"))
        ):
            found.append(name)
    assert found == []


def test_the_ci_command_is_the_whole_suite() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "make test" in script.read_text()
