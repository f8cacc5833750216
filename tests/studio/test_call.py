"""A backend asks another task: for the same owner, cancelled with it, and never waiting for itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field

from studio.catalogue import Catalogue, Entry
from studio.contract import Adapter, Example, Inputs, Outputs, Run, Task
from studio.errors import BackendFailed, Cancelled, InvalidInput, NotFound
from studio.runtime import Runtime
from studio.weights import Weights

Make = Callable[..., Runtime]
_SOON_S = 10


class ChainInputs(Inputs):
    ask: tuple[str, ...] = Field((), description="Tasks that ask one another in this order.")
    how: Literal["well", "wrong", "unknown", "slow", "crash"] = Field("well", description="How the last one goes.")


class ChainOutputs(Outputs):
    trace: list[str]


class Asking:
    """Asks the first task of `ask`, handing on the rest."""

    barrier: threading.Barrier | None = None
    inside = threading.Event()

    def __init__(self, weights: Weights, device: str) -> None:
        pass

    def __call__(self, inputs: ChainInputs, run: Run) -> ChainOutputs:
        name = type(self).__name__
        run.workdir.joinpath("mine").touch()
        if not inputs.ask:
            return self._last(inputs, run, name)
        if self.barrier is not None:
            self.barrier.wait(_SOON_S)
        run.progress(0.2, f"{name} asks")
        payload: dict[str, Any] = {"ask": inputs.ask[1:], "how": inputs.how}
        if inputs.how == "wrong" and len(inputs.ask) == 1:
            payload["how"] = "no such way"
        if inputs.how == "unknown" and len(inputs.ask) == 1:
            return ChainOutputs(trace=run.call("nothing", payload).trace)  # type: ignore[attr-defined]
        answer = run.call(inputs.ask[0], payload, until=0.8)
        assert isinstance(answer, ChainOutputs)
        run.check()
        return ChainOutputs(trace=[f"{name} for {run.owner}", *answer.trace])

    def _last(self, inputs: ChainInputs, run: Run, name: str) -> ChainOutputs:
        run.progress(0.5, f"{name} answers")
        run.note(f"{name} was here.")
        if inputs.how == "crash":
            raise RuntimeError("secret")
        if inputs.how == "slow":
            self.inside.set()
            while True:
                run.check()
                time.sleep(0.005)
        return ChainOutputs(trace=[f"{name} for {run.owner}"])


class First(Asking):
    pass


class Second(Asking):
    pass


class Third(Asking):
    pass


def _task(kind: type[Asking]) -> Task:
    adapter = Adapter(
        name="only",
        title=kind.__name__,
        entry=f"{__name__}:{kind.__name__}",
        memory_mb=100,
        licence="x",
        source="x",
        kind="embedded",
    )
    return Task(
        name=kind.__name__.lower(),
        title=kind.__name__,
        section="Tests",
        summary="Asks.",
        inputs=ChainInputs,
        outputs=ChainOutputs,
        examples=(Example(title="Alone", values={}),),
        adapters=(adapter,),
    )


CATALOGUE = Catalogue([Entry(_task(kind), Path(__file__).parent) for kind in (First, Second, Third)])


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Asking.barrier, Asking.inside = None, threading.Event()


@pytest.fixture
def tight(make_runtime: Make) -> Runtime:
    """A runtime whose budget holds one of the models."""
    return make_runtime(CATALOGUE, memory_mb=150, workers=4)


def finished(runtime: Runtime, *jobs: Any) -> None:
    for job in jobs:
        assert job.wait(_SOON_S), f"{job.task} waits in vain: {job.note}; {runtime.pool.residents()}"
        if job.error:
            raise job.error


def test_the_answer_comes_for_the_same_owner_and_is_no_job_of_its_own(make_runtime: Make) -> None:
    runtime = make_runtime(CATALOGUE)
    job = runtime.run("first", {"ask": ("second", "third")}, owner="anna")
    assert job.outputs is not None
    assert job.outputs.trace == ["First for anna", "Second for anna", "Third for anna"]  # type: ignore[attr-defined]
    assert job.remarks == ["Third was here."]
    assert runtime.jobs.of("anna") == [job]
    runtime._workers.cool()
    runtime._workers._executor.shutdown()  # whose thread removes the folder once the answer is out
    assert list(runtime._temporary.iterdir()) == []
    metrics = runtime.metrics.text().decode()
    for name in ("first", "second", "third"):
        assert f'atelier_request_total{{adapter="only",state="done",task="{name}"}} 1.0' in metrics


def test_its_progress_moves_the_callers(make_runtime: Make) -> None:
    runtime = make_runtime(CATALOGUE)
    job = runtime.submit("first", {"ask": ("second",), "how": "slow"})
    assert Asking.inside.wait(_SOON_S)
    assert job.note == "Second answers"
    assert job.progress == pytest.approx(0.2 + 0.6 * 0.5)
    job.cancel()
    job.wait(_SOON_S)


def test_it_is_cancelled_with_its_caller(make_runtime: Make) -> None:
    runtime = make_runtime(CATALOGUE)
    job = runtime.submit("first", {"ask": ("second", "third"), "how": "slow"})
    assert Asking.inside.wait(_SOON_S)
    job.cancel()
    with pytest.raises(Cancelled):
        finished(runtime, job)
    assert job.state == "cancelled"
    assert [resident.leases for resident in runtime.pool.residents()] == [0, 0, 0]


def test_errors_come_through_without_a_field_that_the_caller_does_not_have(make_runtime: Make) -> None:
    runtime = make_runtime(CATALOGUE)
    with pytest.raises(InvalidInput) as caught:
        runtime.run("first", {"ask": ("second",), "how": "wrong"})
    assert caught.value.field is None
    with pytest.raises(NotFound, match="no task 'nothing'"):
        runtime.run("first", {"ask": ("second",), "how": "unknown"})
    with pytest.raises(BackendFailed) as failed:
        runtime.run("first", {"ask": ("second",), "how": "crash"})
    assert "secret" not in str(failed.value.shape())
    assert [resident.leases for resident in runtime.pool.residents()] == [0, 0]


def test_a_task_that_asks_itself_is_refused(make_runtime: Make) -> None:
    runtime = make_runtime(CATALOGUE)
    with pytest.raises(BackendFailed, match="asks itself") as caught:
        runtime.run("first", {"ask": ("second", "first")})
    assert caught.value.got == "first -> second -> first"


def test_a_budget_for_one_model_is_enough(tight: Runtime) -> None:
    job = tight.submit("first", {"ask": ("second", "third")})
    finished(tight, job)
    assert [resident.title for resident in tight.pool.residents()] == ["First"]  # what was exceeded is given back


def test_what_computes_is_waited_for_before_the_budget_is_exceeded(tight: Runtime) -> None:
    slow = tight.submit("third", {"how": "slow"})
    assert Asking.inside.wait(_SOON_S)
    asking = tight.submit("first", {"ask": ("second",)})
    time.sleep(0.3)
    assert [resident.title for resident in tight.pool.residents()] == ["Third"]
    slow.cancel()
    finished(tight, asking)


def test_two_that_ask_each_other_do_not_wait_for_each_other(tight: Runtime) -> None:
    Asking.barrier = threading.Barrier(2)
    tight.pool._memory_mb = 250  # both are loaded, and each holds its place when it asks for the other's
    jobs = [tight.submit("first", {"ask": ("second",)}), tight.submit("second", {"ask": ("first",)})]
    finished(tight, *jobs)


def test_two_that_wait_for_memory_do_not_wait_for_each_other(tight: Runtime) -> None:
    Asking.barrier = threading.Barrier(2)
    tight.pool._memory_mb = 250
    jobs = [tight.submit("first", {"ask": ("third",)}), tight.submit("second", {"ask": ("third",)})]
    finished(tight, *jobs)


def test_the_place_is_free_while_it_waits_and_kept_afterwards(make_runtime: Make) -> None:
    runtime = make_runtime(CATALOGUE, workers=4)
    asking = runtime.submit("first", {"ask": ("second",), "how": "slow"})
    assert Asking.inside.wait(_SOON_S)
    finished(runtime, runtime.submit("first", {}))  # the only place of First is free
    assert not runtime.pool.unload(next(r.model for r in runtime.pool.residents() if r.title == "First"))
    asking.cancel()
    asking.wait(_SOON_S)
    assert runtime.pool.unload(next(r.model for r in runtime.pool.residents() if r.title == "First"))
