"""The command line: every example prints what the runtime answers, every bad input is one object on stderr."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.catalogue import Catalogue
from studio.contract import Outputs
from studio.runtime import Runtime
from studio.settings import Settings
from surfaces import cli
from surfaces.encode import outputs_json
from tests.conftest import PACKAGES
from tests.contract.cases import BAD, WIRE, Bad, Good
from tests.contract.checks import check_error, files_below
from tests.contract.places import Studio
from tests.contract.remembering import Remembering
from tests.contract.wire import as_words

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder into which the command writes its temporary files; its home is beside it."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def shared_models(studio: Studio, memory: Remembering, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command has a runtime of its own, but the models that the other tests have loaded, and their answers."""

    class SharesModels(Runtime):
        def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
            super().__init__(settings, catalogue, studio.runtime.pool, memory)

    monkeypatch.setattr(cli, "Runtime", SharesModels)


@pytest.mark.usefixtures("shared_models", "remembered")
@pytest.mark.parametrize("case", WIRE)
def test_an_example(
    capsys: Capture, tmp_path: Path, temporary: Path, expected: Callable[[Good], Outputs], case: Good
) -> None:
    words = [*as_words(case.values, tmp_path), f"adapter={case.adapter.name}", "--json"]
    code = cli.main(["run", case.task.name, *words], PACKAGES)
    said = capsys.readouterr()
    assert code == 0, said.err
    assert json.loads(said.out) == outputs_json(expected(case))
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("case", BAD)
def test_bad_input(capsys: Capture, tmp_path: Path, temporary: Path, case: Bad) -> None:
    words = as_words(case.values, tmp_path)
    code = cli.main(["run", case.task.name, *words, "--json"], PACKAGES)
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    check_error(json.loads(said.err), case.field)
    assert list(temporary.iterdir()) == []
    assert files_below(tmp_path / "home") == set()
