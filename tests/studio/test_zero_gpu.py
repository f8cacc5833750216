"""Backends called where a GPU is lent by the call: in a process that is forked, by pickles, as `spaces` does it."""

from __future__ import annotations

import multiprocessing
import pickle
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.errors import BackendFailed, Cancelled, InvalidInput
from studio.runtime import Runtime
from studio.settings import Settings
from surfaces.demos.zero_gpu import Event, Request, calling, compute, lent_gpu
from tests.contract.cases import CATALOGUE
from tests.contract.checks import written
from tests.families.specimens.task import StreamOutputs


def lent(function: Callable[[Request], Iterator[Event]]) -> Callable[[Request], Iterator[Event]]:
    """What the decorator of `spaces` makes of a generator function, but for the GPU and its queue."""

    def called(request: Request) -> Iterator[Event]:
        fork = multiprocessing.get_context("fork")
        events, stopped = fork.SimpleQueue(), fork.Event()
        pickled = pickle.dumps(request)

        def work() -> None:
            told = function(pickle.loads(pickled))
            for event in told:
                events.put(pickle.dumps(event))
                if stopped.is_set():
                    told.close()
                    break
            events.put(None)

        process = fork.Process(target=work, daemon=True)
        process.start()
        try:
            while (event := events.get()) is not None:
                yield pickle.loads(event)
        finally:
            stopped.set()
            process.join(10)
            assert process.exitcode == 0

    return called


@pytest.fixture
def on_space(tmp_path: Path) -> Iterator[Runtime]:
    runtime = Runtime(Settings(home=tmp_path / "space", device="cpu"), CATALOGUE, call=calling(lent(compute)))
    yield runtime
    runtime.close(grace_s=2)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("task", ["specimen_echo", "digit_recognition"])
def test_the_answer_is_the_same(on_space: Runtime, runtime: Runtime, task: str, tmp_path: Path) -> None:
    values = on_space.example(on_space.catalogue.task(task))
    there, here = on_space.run(task, values), runtime.run(task, values)
    assert written(there.outputs, tmp_path / "there") == written(here.outputs, tmp_path / "here")
    assert there.remarks == here.remarks


def test_partial_answers_and_progress_come_as_they_are_made(on_space: Runtime) -> None:
    job = on_space.submit("specimen_stream", {"steps": 3, "pause_s": 0.2})
    seen: set[Any] = set()
    while not job.finished:
        seen.add((job.note, job.outputs.step if isinstance(job.outputs, StreamOutputs) else 0))
        time.sleep(0.01)
    assert {step for _, step in seen} >= {1, 2}
    assert "Step 2 of 3" in {note for note, _ in seen}
    assert job.outputs == StreamOutputs(text="1 2 3", step=3)


def test_a_cancelled_run_gives_the_gpu_back(on_space: Runtime) -> None:
    job = on_space.submit("specimen_stream", {"steps": 1000, "pause_s": 0.05})
    while job.outputs is None:
        time.sleep(0.01)
    job.cancel()
    assert job.wait(10)
    assert isinstance(job.error, Cancelled)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("way", "kind", "message"),
    [("crash", BackendFailed, "The model failed"), ("own", InvalidInput, "The model cannot use this.")],
)
def test_errors_come_back(on_space: Runtime, way: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        on_space.run("specimen_failure", {"way": way})


def test_without_the_package_models_are_called_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lent_gpu() is None
    module = types.ModuleType("spaces")
    module.__spec__ = types.SimpleNamespace(name="spaces")
    decorated: list[object] = []
    module.GPU = lambda function: decorated.append(function) or function
    monkeypatch.setitem(sys.modules, "spaces", module)
    assert lent_gpu() is not None
    assert decorated == [compute]
