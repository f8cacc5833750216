"""Lines of JSON, with the job that they are about."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from studio.errors import BackendFailed
from studio.logs import JsonLines, in_job
from studio.runtime import Runtime


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """A function that gives what was logged so far."""
    caplog.handler.setFormatter(JsonLines())
    caplog.set_level(logging.INFO)
    return lambda: [json.loads(line) for line in caplog.text.splitlines()]


def test_a_line_says_when_who_what_and_in_which_job(lines: Any) -> None:
    logging.getLogger("somewhere").warning("a %s", 'b\n"c"')
    with in_job("1f"):
        logging.getLogger("somewhere").warning("inside")
    first, second = lines()
    assert (first["level"], first["logger"], first["message"]) == ("warning", "somewhere", 'a b\n"c"')
    assert first["time"].endswith("Z")
    assert "job" not in first
    assert second["job"] == "1f"


def test_each_run_is_a_line_with_its_facts(lines: Any, runtime: Runtime) -> None:
    job = runtime.run("specimen_stream", {"steps": 1})
    runtime.close()  # what is done after a run is told is done then
    (line,) = [line for line in lines() if line.get("job") == job.id and "state" in line]
    assert (line["task"], line["adapter"], line["state"], line["device"]) == (
        "specimen_stream",
        "stream",
        "done",
        "cpu",
    )
    assert line["seconds"] >= 0


def test_a_failure_has_its_traceback_and_its_job(lines: Any, runtime: Runtime) -> None:
    with pytest.raises(BackendFailed):
        runtime.run("specimen_failure", {"way": "crash"})
    (failure,) = [line for line in lines() if "traceback" in line]
    assert failure["job"] in failure["message"]
    assert "RuntimeError" in failure["traceback"]
