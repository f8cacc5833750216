"""Where the tests run: a runtime in this process, and a server process that is started and stopped for real."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from studio.runtime import Runtime
from tests.conftest import ROOT


@dataclass(frozen=True)
class Studio:
    """A runtime, and the one folder in which its home and its temporary files are."""

    runtime: Runtime
    folder: Path


@dataclass(frozen=True)
class Server:
    """A running server process, with its home at `folder/home` and its temporary files in `folder/tmp`."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    def said(self) -> str:
        """Everything on its stdout and stderr so far."""
        return (self.folder / "log").read_text(errors="replace")


def start(folder: Path, **settings: str) -> Server:
    """Start the studio on a free port of the loopback address and wait until it takes runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "tmp").mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ATELIER_")}
    environment |= {
        "ATELIER_HOME": str(folder / "home"),
        "ATELIER_PORT": str(port),
        "ATELIER_DEVICE": "cpu",
        "TMPDIR": str(folder / "tmp"),
        **settings,
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.serve"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    server = Server(f"http://127.0.0.1:{port}", folder, process)
    try:
        _wait_until_ready(server)
    except BaseException:
        process.kill()
        process.wait(10)
        raise
    return server


def _wait_until_ready(server: Server) -> None:
    until_s = time.monotonic() + 60
    with httpx.Client(timeout=2) as client:
        while time.monotonic() < until_s:
            assert server.process.poll() is None, server.said()
            try:
                if client.get(f"{server.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
    raise AssertionError(f"the server is not ready after 60 s:\n{server.said()}")


def stop(server: Server) -> None:
    """SIGTERM while a run of 100 s is on its way: its caller is told, the process ends, nothing is left behind."""
    answers: list[tuple[int, str]] = []

    def call() -> None:
        body = {"inputs": {"steps": 1000, "pause_s": 0.1}}
        try:
            answer = httpx.post(f"{server.url}/api/v1/tasks/specimen_stream/run", json=body, timeout=30)
        except httpx.HTTPError as fault:
            answers.append((0, repr(fault)))
        else:
            answers.append((answer.status_code, answer.json()["error"]))

    caller = threading.Thread(target=call)
    caller.start()
    wait_for_gauge(server, 'atelier_request_in_progress{task="specimen_stream"} 1.0')
    server.process.send_signal(signal.SIGTERM)
    try:
        code = server.process.wait(10)
    except subprocess.TimeoutExpired:
        server.process.kill()
        raise AssertionError(f"the server does not end within 10 s of SIGTERM:\n{server.said()[-3000:]}") from None
    finally:
        caller.join(10)
    assert code in (0, -signal.SIGTERM)
    assert answers == [(409, "The run was cancelled.")]
    assert [path.name for path in (server.folder / "tmp").glob("atelier-*")] == []


def wait_for_gauge(server: Server, line: str, timeout_s: float = 10) -> None:
    """Wait until the server's metrics have that line."""
    until_s = time.monotonic() + timeout_s
    with httpx.Client(timeout=5) as client:
        while line not in client.get(f"{server.url}/metrics").text.splitlines():
            assert time.monotonic() < until_s, f"still not: {line}"
            time.sleep(0.05)
