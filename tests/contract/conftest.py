"""One runtime for the tests in this process, and one server process for those that need the whole studio."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from studio.contract import Outputs
from studio.jobs import Job
from studio.runtime import Runtime
from studio.settings import Settings
from surfaces import rest
from surfaces.identity import Identity
from tests.contract.cases import CATALOGUE, Good
from tests.contract.checks import files_below
from tests.contract.places import Server, Studio, start, stop
from tests.contract.remembering import Remembering


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Studio]:
    """A runtime over all tasks, shared by the tests of this process, so that models are loaded once."""
    folder = tmp_path_factory.mktemp("studio")
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("ATELIER_"):
                patch.delenv(name)
        patch.setattr(tempfile, "tempdir", str(folder))
        elsewhere = pytestconfig.getoption("--model-server")
        settings = Settings(home=folder / "home", device="cpu", workers=2, model_server=elsewhere)
        runtime = Runtime(settings, CATALOGUE)
    yield Studio(runtime, folder)
    runtime.close(grace_s=2)


@pytest.fixture
def nothing_stored(studio: Studio) -> Iterator[None]:
    """Fails the test if it leaves a file in the studio's home or among its temporary ones."""
    assert studio.runtime.runs.writer.settle(20), "what earlier tests ran is on disk"
    before = files_below(studio.folder)
    yield
    assert files_below(studio.folder) <= before


@pytest.fixture(scope="session")
def run_once(studio: Studio) -> Callable[[Good], Job]:
    """A function that gives the finished job of a case, run once by the runtime for an owner who has nothing yet."""
    known: dict[tuple[str, str, str], Job] = {}

    def job(case: Good) -> Job:
        key = (case.task.name, case.adapter.name, case.example.title)
        if key not in known:
            known[key] = studio.runtime.run(case.task.name, case.values, case.adapter.name, owner=secrets.token_hex(8))
        return known[key]

    return job


@pytest.fixture(scope="session")
def expected(run_once: Callable[[Good], Job]) -> Callable[[Good], Outputs]:
    """A function that gives the outputs of a case, which every surface must answer with."""

    def outputs(case: Good) -> Outputs:
        answer = run_once(case).outputs
        assert answer is not None
        return answer

    return outputs


@pytest.fixture(scope="session")
def memory() -> Remembering:
    """The answers that the tests of the surfaces have had so far."""
    return Remembering()


@pytest.fixture
def remembered(studio: Studio, memory: Remembering, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was computed for one surface is not computed again for the next."""
    monkeypatch.setattr(studio.runtime._execution, "_call", memory)


@pytest.fixture
def key() -> dict[str, str]:
    """The header of an API key that nobody has used: a fresh owner."""
    return {"authorization": f"Bearer {secrets.token_hex(16)}"}


@pytest.fixture(scope="session")
def client(studio: Studio) -> Iterator[TestClient]:
    """The REST application with its middleware, in this process."""
    with TestClient(Identity(rest.build(studio.runtime))) as client:
        yield client


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The studio as people run it. When it is stopped at the end, a run of it must be cancelled; see `stop`."""
    server = start(tmp_path_factory.mktemp("server"))
    try:
        yield server
        stop(server)
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait(10)
