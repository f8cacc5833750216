"""A studio whose models are on a model server: the same answers and errors, questions back, lost servers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from studio import remote_pool
from studio.catalogue import Catalogue, Entry
from studio.contract import Run
from studio.errors import BackendFailed, Cancelled, Forbidden, InvalidInput
from studio.remote_messages import ConnectionLost, receive, send
from studio.runtime import Runtime
from studio.settings import Settings
from studio.weights import Weights
from surfaces.model_server import ModelServer, build
from tests.conftest import PACKAGES
from tests.contract.checks import written
from tests.families.specimens.task import FailureInputs, StreamInputs, StreamOutputs

Make = Callable[..., Runtime]
CATALOGUE = Catalogue.discover(PACKAGES)


@contextmanager
def serving(settings: Settings, catalogue: Catalogue = CATALOGUE) -> Iterator[tuple[str, ModelServer, uvicorn.Server]]:
    """A model server on the loopback address: its address, it, and what serves it."""
    server = ModelServer(settings, catalogue)
    web = uvicorn.Server(uvicorn.Config(build(server), port=0, log_config=None, timeout_graceful_shutdown=0))
    thread = threading.Thread(target=web.run)
    thread.start()
    while not web.started:
        time.sleep(0.01)
    port = web.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", server, web
    finally:
        web.should_exit = True
        thread.join(10)
        server.close()


@pytest.fixture
def lender(tmp_path: Path) -> Iterator[tuple[str, ModelServer]]:
    with serving(Settings(home=tmp_path / "lender", device="cpu")) as (address, server, _):
        yield address, server


@pytest.fixture
def borrower(make_runtime: Make, lender: tuple[str, ModelServer]) -> Runtime:
    return make_runtime(model_server=lender[0])


def test_the_answer_is_the_same_to_the_last_bit(
    borrower: Runtime, runtime: Runtime, lender: tuple[str, ModelServer], tmp_path: Path
) -> None:
    values = borrower.example(borrower.catalogue.task("specimen_echo"))
    there, here = borrower.run("specimen_echo", values), runtime.run("specimen_echo", values)
    assert written(there.outputs, tmp_path / "there") == written(here.outputs, tmp_path / "here")
    assert (there.remarks, there.device, there.progress) == (["This is a specimen."], "cpu", 1.0)
    assert borrower.pool.residents() == []
    assert [resident.title for resident in lender[1].pool.residents()] == ["Specimen echo"]


def test_partial_answers_come_as_they_are_made(borrower: Runtime) -> None:
    job = borrower.submit("specimen_stream", {"steps": 3, "pause_s": 0.2})
    seen = set()
    while not job.finished:
        if isinstance(job.outputs, StreamOutputs):
            seen.add(job.outputs.step)
        time.sleep(0.01)
    assert seen >= {1, 2}
    assert job.outputs == StreamOutputs(text="1 2 3", step=3)


def test_a_cancelled_run_ends_there_too(borrower: Runtime, lender: tuple[str, ModelServer]) -> None:
    job = borrower.submit("specimen_stream", {"steps": 1000, "pause_s": 0.1})
    while job.outputs is None:
        time.sleep(0.01)
    job.cancel()
    assert job.wait(5)
    assert isinstance(job.error, Cancelled)
    until_s = time.monotonic() + 5
    while any(resident.leases for resident in lender[1].pool.residents()):
        assert time.monotonic() < until_s, "its place is free again"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("way", "kind", "message"),
    [
        ("crash", BackendFailed, "The model failed on this input."),
        ("memory", BackendFailed, "The machine ran out of memory."),
        ("own", InvalidInput, "The model cannot use this."),
        ("wrong_type", BackendFailed, "The model failed on this input."),
        ("nothing", BackendFailed, "The model failed on this input."),
    ],
)
def test_errors_come_back_as_they_are(borrower: Runtime, way: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        borrower.run("specimen_failure", {"way": way})
    assert "secret" not in str(vars(caught.value))


def test_a_model_that_cannot_be_loaded(borrower: Runtime) -> None:
    with pytest.raises(BackendFailed, match="failed"):
        borrower.run("specimen_failure", {"way": "none"}, adapter="unloadable")
    assert isinstance(borrower.run("specimen_failure", {"way": "none"}).outputs, StreamOutputs)


class Scripted:
    """The other end of a websocket, for a server that does what a test says."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket
        self.send = socket.send

    def receive(self, timeout_s: float | None) -> str | bytes:
        try:
            return self._socket.recv(timeout_s)
        except ConnectionClosed as fault:
            raise ConnectionLost from fault

    def leased(self, device: str = "cpu") -> dict[str, Any]:
        """Take the wish for a lease, and grant it."""
        wish = receive(self).facts
        send(self, "leased", device=device, memory_mb=1, remark="")
        return wish


@contextmanager
def scripted(script: Callable[[Scripted], None]) -> Iterator[str]:
    def handle(socket: ServerConnection) -> None:
        with suppress(ConnectionLost):
            script(Scripted(socket))

    with serve(handle, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()


def test_where_its_gpu_has_too_little_memory_it_is_asked_for_its_cpu(make_runtime: Make) -> None:
    wishes = []

    def script(studio: Scripted) -> None:
        wish = studio.leased("cuda")
        wishes.append(wish["device"])
        while True:
            receive(studio)
            if wish["device"] == "cpu":
                send(studio, "outputs", StreamOutputs(text="there", step=1))
            else:
                send(studio, "out_of_memory")

    with scripted(script) as address:
        job = make_runtime(model_server=address).run("specimen_failure", {"way": "none"})
    assert wishes == [None, "cpu"]
    assert job.remarks == ["Ran on the CPU: the GPU's memory did not suffice for this input of Specimen failing."]


def test_a_run_whose_server_is_lost_begins_anew(make_runtime: Make) -> None:
    tries = []

    def script(studio: Scripted) -> None:
        studio.leased()
        receive(studio)
        tries.append(studio)
        send(studio, "partial", StreamOutputs(text="1", step=1))
        if len(tries) > 2:
            send(studio, "end")
            receive(studio)

    with scripted(script) as address:
        job = make_runtime(model_server=address).run("specimen_stream", {"steps": 1})
    assert len(tries) == 3
    assert job.remarks == ["The model server was lost during this run; it began anew."]
    assert job.outputs == StreamOutputs(text="1", step=1)


@pytest.mark.parametrize("nonsense", ["nothing", "{}", '{"kind": "sing", "facts": {}, "files": {}}', b"\0"])
def test_a_server_that_only_talks_nonsense_is_given_up(make_runtime: Make, nonsense: str | bytes) -> None:
    def script(studio: Scripted) -> None:
        studio.leased()
        receive(studio)
        studio.send(nonsense)
        receive(studio)

    with scripted(script) as address, pytest.raises(BackendFailed, match="lost 4 times"):
        make_runtime(model_server=address).run("specimen_stream", {"steps": 1})


def test_a_file_is_written_nowhere_else(tmp_path: Path) -> None:
    class Said:
        def send(self, data: str | bytes) -> None:
            raise AssertionError

        def receive(self, timeout_s: float | None) -> str | bytes:
            return json.dumps({"kind": "outputs", "facts": {}, "files": {f"../../{tmp_path.name}/x": 1}})

    with pytest.raises(ConnectionLost, match="not a file of a message"):
        receive(Said())


def test_a_wrong_key_is_refused(tmp_path: Path, make_runtime: Make) -> None:
    settings = Settings(home=tmp_path / "lender", device="cpu", model_server_key="right")
    with serving(settings) as (address, _, _):
        with pytest.raises(Forbidden, match="another key"):
            make_runtime(model_server=address, model_server_key="wrong").run("specimen_stream", {"steps": 1})
        assert make_runtime(model_server=address, model_server_key="right").run("specimen_stream", {"steps": 1}).outputs


def test_off_the_loopback_address_a_key_is_made(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).with_model_server_key().model_server_key == ""
    made = Settings(home=tmp_path, host="0.0.0.0").with_model_server_key().model_server_key
    assert len(made) >= 32
    assert (
        Settings(home=tmp_path, host="0.0.0.0", model_server_key="own").with_model_server_key().model_server_key
        == "own"
    )


def test_no_server(make_runtime: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_pool, "_LOOK_S", 0.1)
    with pytest.raises(BackendFailed, match="No model server can be reached"):
        make_runtime(model_server="http://127.0.0.1:9").run("specimen_stream", {"steps": 1})


def test_a_run_that_looks_for_a_server_can_be_cancelled(make_runtime: Make) -> None:
    job = make_runtime(model_server="http://127.0.0.1:9").submit("specimen_stream", {"steps": 1})
    time.sleep(0.3)
    job.cancel()
    assert job.wait(5)
    assert job.state == "cancelled"


def test_what_keeps_something_stays_here(borrower: Runtime, lender: tuple[str, ModelServer]) -> None:
    values = borrower.example(borrower.catalogue.task("face_enrolment"))
    borrower.run("face_enrolment", values)
    assert [resident.model.split("/")[0] for resident in borrower.pool.residents()] == ["faces"]
    assert lender[1].pool.residents() == []


def test_a_backend_there_asks_another_task(make_runtime: Make, tmp_path: Path) -> None:
    """What it asks comes back to the studio, which counts it, and may answer it from anywhere."""
    catalogue = Catalogue([*CATALOGUE_ENTRIES, ASKING])
    with serving(Settings(home=tmp_path / "lender", device="cpu"), catalogue) as (address, server, _):
        borrower = make_runtime(catalogue, model_server=address)
        job = borrower.run("asking", {"way": "none"})
        assert job.outputs == StreamOutputs(text="asked: fine", step=0)
        with pytest.raises(InvalidInput, match="cannot use this"):
            borrower.run("asking", {"way": "own"})
        assert {resident.title for resident in server.pool.residents()} == {"Asking", "Specimen failing"}


def test_a_cancelled_run_keeps_what_is_done(make_runtime: Make, tmp_path: Path) -> None:
    catalogue = Catalogue([*CATALOGUE_ENTRIES, KEEPING])
    with serving(Settings(home=tmp_path / "lender", device="cpu"), catalogue) as (address, _, _):
        for where in ("", address):
            job = make_runtime(catalogue, model_server=where).submit("keeping", {})
            while job.outputs is None:
                time.sleep(0.01)
            job.cancel()
            assert job.wait(5)
            assert job.state == "cancelled"
            assert isinstance(job.outputs, StreamOutputs)
            assert job.outputs.text == "kept"


class Keeping:
    """Hands over what is done when it is cancelled."""

    def __init__(self, weights: Weights, device: str) -> None:
        pass

    def __call__(self, inputs: StreamInputs, run: Run) -> Iterator[StreamOutputs]:
        done = 0
        try:
            for done in range(1000):
                time.sleep(0.02)
                yield StreamOutputs(text="", step=done)
        except Cancelled:
            yield StreamOutputs(text="kept", step=done)


class Asking:
    def __init__(self, weights: Weights, device: str) -> None:
        pass

    def __call__(self, inputs: FailureInputs, run: Run) -> StreamOutputs:
        answer = run.call("specimen_failure", {"way": inputs.way})
        assert isinstance(answer, StreamOutputs)
        return StreamOutputs(text=f"asked: {answer.text}", step=answer.step)


_FAILURE = CATALOGUE.entry("specimen_failure")
_ASKING = _FAILURE.task.adapters[0].model_copy(
    update={"name": "asking", "title": "Asking", "entry": "tests.studio.test_remote_pool:Asking"}
)
ASKING = Entry(
    _FAILURE.task.model_copy(update={"name": "asking", "inputs": FailureInputs, "adapters": (_ASKING,)}),
    _FAILURE.family,
)
_STREAM = CATALOGUE.entry("specimen_stream")
_KEEPING = _ASKING.model_copy(update={"name": "keeping", "entry": "tests.studio.test_remote_pool:Keeping"})
KEEPING = Entry(_STREAM.task.model_copy(update={"name": "keeping", "adapters": (_KEEPING,)}), _STREAM.family)
CATALOGUE_ENTRIES = [CATALOGUE.entry(task.name) for task in CATALOGUE]
