"""What every answer must keep to."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from studio.packing import Packer
from tests.conftest import ROOT

KEYS = ["error", "field", "expected", "got", "hint"]
#: the inside of the server, which no answer may show
INSIDE = ("Traceback", "site-packages", ".py", " object at 0x", str(ROOT), tempfile.gettempdir())


def check_error(shape: Any, field: str | None) -> None:
    """It is the one error shape, names the field, says what to do, and shows nothing of the server's inside."""
    assert list(shape) == KEYS
    assert all(value is None or isinstance(value, str) for value in shape.values())
    assert shape["error"]
    assert shape["field"] == field
    assert shape["expected"] or shape["hint"], "a person must know what to do"
    check_no_inside(json.dumps(shape, ensure_ascii=False))


def check_no_inside(text: str) -> None:
    """No traceback and no path of the server."""
    assert [part for part in INSIDE if part in text] == []


def files_below(folder: Path) -> set[Path]:
    """Every file below a folder."""
    return {path for path in folder.rglob("*") if path.is_file()}


def written(model: BaseModel | None, folder: Path) -> tuple[Any, dict[str, str]]:
    """A model to the last bit: its values, and the SHA-256 of each of its media.

    Not the media themselves: where these differ, pytest would compare megabytes line by line until the test's time is
    up, and take the whole run with it.
    """
    assert model is not None
    values = Packer().pack(model, folder, "outputs")
    media = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*"))}
    return json.loads(json.dumps(values)), media
