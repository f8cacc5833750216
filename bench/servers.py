"""Starts servers for the benchmarks, each a process of its own on a free loopback port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        address: its http address.
        ready_s: seconds from the start of the process to the first answer of /readyz.
    """

    address: str
    ready_s: float
    process: psutil.Process

    def memory_mb(self) -> float:
        """Resident memory of the process and its children, in MB."""
        processes = [self.process, *self.process.children(recursive=True)]
        return sum(process.memory_info().rss for process in processes) / 1e6


@contextmanager
def studio() -> Iterator[Server]:
    """Atelier, with a home of its own."""
    with tempfile.TemporaryDirectory() as home, _server("app.py", {"ATELIER_HOME": home}) as server:
        yield server


@contextmanager
def hello() -> Iterator[Server]:
    """The peer: Streamlit with a mounted Gradio hello."""
    with _server("bench/peers/hello.py", {}) as server:
        yield server


@contextmanager
def plain_embedding(folder: Path) -> Iterator[Server]:
    """The peer: a plain Gradio app around the embedding model in that folder."""
    with _server("bench/peers/embedding.py", {}, str(folder)) as server:
        yield server


@contextmanager
def _server(program: str, environment: dict[str, str], *arguments: str) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    started_s = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, program, *arguments],
        cwd=ROOT,
        env=os.environ | environment | {"ATELIER_PORT": port, "GRADIO_ANALYTICS_ENABLED": "False"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address, process)
        yield Server(address, time.perf_counter() - started_s, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(3000):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        try:
            urllib.request.urlopen(f"{address}/readyz", timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError("the server was not ready in time")
