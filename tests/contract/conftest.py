"""One runtime for the tests in this process, and one server process for those that need the whole studio."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from studio.contract import Outputs
from studio.runtime import Runtime
from studio.settings import Settings
from surfaces import rest
from surfaces.identity import Identity
from tests.conftest import ROOT
from tests.contract.cases import CATALOGUE, Good
from tests.contract.checks import files_below


@dataclass(frozen=True)
class Studio:
    """A runtime, and the one folder into which it and Python's temporary files write."""

    runtime: Runtime
    folder: Path


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A runtime over all tasks, shared by the tests of this process, so that models are loaded once."""
    folder = tmp_path_factory.mktemp("studio")
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("ATELIER_"):
                patch.delenv(name)
        patch.setattr(tempfile, "tempdir", str(folder))
        runtime = Runtime(Settings(home=folder / "home", device="cpu", workers=2), CATALOGUE)
    yield Studio(runtime, folder)
    runtime.close(grace_s=2)


@pytest.fixture
def nothing_stored(studio: Studio) -> Iterator[None]:
    """Fails the test if it leaves a file in the studio's home or among its temporary ones."""
    before = files_below(studio.folder)
    yield
    assert files_below(studio.folder) <= before


@pytest.fixture(scope="session")
def expected(studio: Studio) -> Callable[[Good], Outputs]:
    """A function that gives the outputs of a case, computed once by the runtime, for a fresh owner."""
    known: dict[tuple[str, str, str], Outputs] = {}

    def outputs(case: Good) -> Outputs:
        key = (case.task.name, case.adapter.name, case.example.title)
        if key not in known:
            job = studio.runtime.run(case.task.name, case.values, case.adapter.name, owner=secrets.token_hex(8))
            assert job.outputs is not None
            known[key] = job.outputs
        return known[key]

    return outputs


@pytest.fixture
def key() -> dict[str, str]:
    """The header of an API key that nobody has used: a fresh owner."""
    return {"authorization": f"Bearer {secrets.token_hex(16)}"}


@pytest.fixture(scope="session")
def client(studio: Studio) -> Iterator[TestClient]:
    """The REST application with its middleware, in this process."""
    with TestClient(Identity(rest.build(studio.runtime))) as client:
        yield client


@dataclass
class Server:
    """A running server process."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """Everything on its stdout and stderr so far."""
        return self.log.read_text(errors="replace")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The studio as people run it, on a free port. When it is stopped at the end, a run of it must be cancelled."""
    folder = tmp_path_factory.mktemp("server")
    temporary = folder / "tmp"
    temporary.mkdir()
    started = _start(folder, {"TMPDIR": str(temporary)})
    try:
        yield started
        _stop(started, temporary)
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait(10)


def _start(folder: Path, environment: Mapping[str, str]) -> Server:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {name: value for name, value in os.environ.items() if not name.startswith("ATELIER_")}
    own |= {"ATELIER_HOME": str(folder / "home"), "ATELIER_PORT": str(port), "ATELIER_DEVICE": "cpu", **environment}
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.serve"], cwd=ROOT, env=own, stdout=out, stderr=subprocess.STDOUT
        )
    server = Server(f"http://127.0.0.1:{port}", folder / "home", process, log)
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        assert process.poll() is None, server.said()
        try:
            if httpx.get(f"{server.url}/readyz", timeout=2).status_code == 200:
                return server
        except httpx.TransportError:
            time.sleep(0.1)
    process.kill()
    process.wait(10)
    raise AssertionError(f"the server is not ready after 60 s:\n{server.said()}")


def _stop(server: Server, temporary: Path) -> None:
    """SIGTERM while a run of 100 s is on its way: its caller is told, the process ends, nothing is left behind."""
    answers: list[Any] = []

    def call() -> None:
        body = {"inputs": {"steps": 1000, "pause_s": 0.1}}
        answers.append(httpx.post(f"{server.url}/api/v1/tasks/specimen_stream/run", json=body, timeout=30))

    caller = threading.Thread(target=call)
    caller.start()
    gauge = 'atelier_request_in_progress{task="specimen_stream"} 1.0'
    until_s = time.monotonic() + 10
    while gauge not in httpx.get(f"{server.url}/metrics", timeout=5).text:
        assert time.monotonic() < until_s, "the run does not start"
        time.sleep(0.05)
    server.process.send_signal(signal.SIGTERM)
    try:
        code = server.process.wait(10)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the server does not end within 10 s of SIGTERM:\n{server.said()[-3000:]}") from None
    caller.join(5)
    assert code in (0, -signal.SIGTERM)
    assert [answer.status_code for answer in answers] == [409]
    assert json.loads(answers[0].text)["error"] == "The run was cancelled."
    assert "Traceback" not in server.said()
    assert [path.name for path in temporary.glob("atelier-*")] == []
