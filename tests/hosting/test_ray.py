"""Two model servers behind Ray Serve: the contract holds, and a replica that is killed takes no run with it."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from studio.runtime import Runtime
from tests.conftest import ROOT
from tests.families.specimens.task import StreamOutputs

pytestmark = pytest.mark.slow

#: what runs models through a runtime of the test's own process; the surfaces above it do not know where it computes
CONTRACT = ("runtime", "runs", "rest_jobs")


@dataclass(frozen=True)
class Cluster:
    address: str
    process: subprocess.Popen[str]

    def replicas(self) -> list[psutil.Process]:
        """The processes of the two model servers."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if "ServeReplica" in _title(child)]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="ray-")  # the names of its sockets must be short
    log = tmp_path_factory.mktemp("ray") / "log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ATELIER_")}
    environment |= {
        "ATELIER_HOME": str(tmp_path_factory.mktemp("replicas")),
        "ATELIER_DEVICE": "cpu",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.hosting.ray_cluster", str(port), folder],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert any(line.strip() == "ready" for line in process.stdout), log.read_text()[-3000:]
        yield Cluster(f"http://127.0.0.1:{port}", process)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(900)
def test_the_contract_holds(cluster: Cluster, tmp_path: Path) -> None:
    files = [f"tests/contract/test_{name}.py" for name in CONTRACT]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow and not browser", "-p", "no:cacheprovider"]
    command += ["-k", "not bad_input"]  # which no model ever sees
    done = subprocess.run(
        [*command, f"--basetemp={tmp_path / 'base'}", f"--model-server={cluster.address}", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout


def test_a_killed_replica_takes_no_run_with_it(cluster: Cluster, make_runtime: Callable[..., Runtime]) -> None:
    runtime = make_runtime(model_server=cluster.address, workers=4)
    assert len(cluster.replicas()) == 2
    jobs = [runtime.submit("specimen_stream", {"steps": 60, "pause_s": 0.1}) for _ in range(4)]
    while any(job.outputs is None for job in jobs):
        assert [job.error for job in jobs] == [None] * 4
        time.sleep(0.05)
    for replica in cluster.replicas():  # the second only if no run was in the first
        replica.kill()
        time.sleep(1)
        if any(job.remarks for job in jobs):
            break
    for job in jobs:
        assert job.wait(120)
        assert (job.state, job.error) == ("done", None)
        assert isinstance(job.outputs, StreamOutputs)
        assert job.outputs.step == 60
    assert {remark for job in jobs for remark in job.remarks} == {
        "The model server was lost during this run; it began anew."
    }
