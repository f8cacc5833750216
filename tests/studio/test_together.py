"""Runs that are answered at once: those that wait for the same model, never at another one's expense."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from studio.contract import Run
from studio.errors import InvalidInput
from studio.jobs import Job
from studio.runtime import Runtime
from studio.settings import Settings
from tests.families.specimens import models
from tests.families.specimens.task import TogetherInputs, TogetherOutputs
from tests.studio.test_remote_pool import serving

Make = Callable[..., Runtime]


def behind_another(runtime: Runtime, numbers: list[int]) -> list[Job]:
    """Runs that wait until one before them is through, then all ended."""
    first = runtime.submit("specimen_stream", {"steps": 1, "pause_s": 0.3})
    jobs = [runtime.submit("specimen_batch", {"number": number}, owner=f"owner {number}") for number in numbers]
    for job in (first, *jobs):
        assert job.wait(10)
    return jobs


def squares(jobs: list[Job]) -> list[int]:
    outputs = [job.outputs for job in jobs]
    assert all(isinstance(each, TogetherOutputs) for each in outputs)
    return [each.square for each in outputs if isinstance(each, TogetherOutputs)]


def test_what_waits_for_one_model_is_answered_at_once(make_runtime: Make) -> None:
    jobs = behind_another(make_runtime(workers=1), [1, 2, 3, 4, 5, 6])
    assert squares(jobs) == [1, 4, 9, 16, 25, 36]
    assert [job.remarks for job in jobs] == [[f"{place} of 4 together"] for place in range(1, 5)] + [
        ["1 of 2 together"],
        ["2 of 2 together"],
    ]
    assert all(job.device == "cpu" and job.started_s is not None for job in jobs)


def test_what_comes_alone_is_answered_alone(runtime: Runtime) -> None:
    assert runtime.run("specimen_batch", {"number": 3}).remarks == ["alone"]


def test_an_input_at_fault_fails_alone(make_runtime: Make) -> None:
    good, bad, other = behind_another(make_runtime(workers=1), [1, 0, 3])
    assert squares([good, other]) == [1, 9]
    assert isinstance(bad.error, InvalidInput)
    assert [job.state for job in (good, bad, other)] == ["done", "failed", "done"]
    assert good.remarks == ["alone"]


def test_one_that_is_cancelled_meanwhile_takes_nobody_with_it(
    make_runtime: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    really = models.Together.many

    def held(self: models.Together, inputs: Sequence[TogetherInputs], runs: Sequence[Run]) -> list[TogetherOutputs]:
        begun.set()
        assert go_on.wait(10)
        return really(self, inputs, runs)

    monkeypatch.setattr(models.Together, "many", held)
    runtime = make_runtime(workers=1)
    first = runtime.submit("specimen_stream", {"steps": 1, "pause_s": 0.3})
    jobs = [runtime.submit("specimen_batch", {"number": number}) for number in (2, 3)]
    assert begun.wait(10)
    jobs[0].cancel()
    go_on.set()
    assert all(job.wait(10) for job in (first, *jobs))
    assert [job.state for job in jobs] == ["cancelled", "done"]
    assert squares(jobs[1:]) == [9]


def test_another_one_s_turn_stays_where_it_was(make_runtime: Make) -> None:
    """Runs of other tasks between them wait no longer than for the one call that answers them all."""
    runtime = make_runtime(workers=1)
    first = runtime.submit("specimen_stream", {"steps": 1, "pause_s": 0.3})
    before = runtime.submit("specimen_batch", {"number": 2})
    between = runtime.submit("specimen_stream", {"steps": 1}, owner="another")
    after = runtime.submit("specimen_batch", {"number": 3})
    assert all(job.wait(10) for job in (first, before, between, after))
    assert before.remarks == ["1 of 2 together"]
    assert after.remarks == ["2 of 2 together"]
    assert between.state == "done"


def test_a_model_server_answers_at_once_too(make_runtime: Make, tmp_path: Path) -> None:
    with serving(Settings(home=tmp_path / "lender", device="cpu")) as (address, _, _):
        jobs = behind_another(make_runtime(workers=1, model_server=address), [1, 2, 3])
        assert squares(jobs) == [1, 4, 9]
        assert [job.remarks for job in jobs] == [[f"{place} of 3 together"] for place in (1, 2, 3)]
        good, bad = behind_another(make_runtime(workers=1, model_server=address), [2, 0])
        assert squares([good]) == [4]
        assert isinstance(bad.error, InvalidInput)


def test_they_count_as_what_they_are(make_runtime: Make) -> None:
    """Metrics and estimates know each; nothing is counted twice where one is at fault."""
    runtime = make_runtime(workers=1)
    behind_another(runtime, [1, 2])
    behind_another(runtime, [0, 4])
    until_s = time.monotonic() + 5
    while len(runtime._waiting) and time.monotonic() < until_s:
        time.sleep(0.01)
    value = runtime.metrics.registry.get_sample_value
    labels = {"task": "specimen_batch", "adapter": "together"}
    assert value("atelier_request_total", labels | {"state": "done"}) == 3
    assert value("atelier_request_total", labels | {"state": "failed"}) == 1
    assert value("atelier_request_duration_seconds_count", labels) == 3  # of those that have an answer
    assert value("atelier_request_in_progress", {"task": "specimen_batch"}) == 0


def test_each_is_told_on_which_device_it_ran(make_runtime: Make) -> None:
    jobs = behind_another(make_runtime(workers=1, device="cuda"), [1, 2])
    assert [job.remarks for job in jobs] == [
        ["Ran on cpu: cuda cannot be used here.", f"{place} of 2 together"] for place in (1, 2)
    ]
