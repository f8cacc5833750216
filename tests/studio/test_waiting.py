"""The line in front of the workers: whose turn it is, how long it will take, and when it is full."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.catalogue import Catalogue
from studio.errors import QueueFull, RunsUnavailable
from studio.jobs import Job
from studio.runtime import Runtime
from studio.waiting import Call, Durations, Waiting
from tests.families.specimens.task import StreamInputs

LONG = {"steps": 1000, "pause_s": 0.02}
ENTRY = Catalogue.discover(("tests.families",)).entry("specimen_stream")


def call(owner: str) -> Call:
    job = Job(owner, ENTRY.task.name, "stream", StreamInputs(), Path(), Path())
    return Call(job, ENTRY, ENTRY.task.adapters[0])


def line(workers: int = 1, limit: int = 100, per_owner: int = 100, took_s: list[float] | None = None) -> Waiting:
    return Waiting(workers, limit, per_owner, Durations(lambda task, adapter: took_s or []))


def owners(waiting: Waiting) -> str:
    """Whose jobs are taken, one after the other, each ending before the next."""
    taken = ""
    while (turn := waiting.take()) is not None:
        taken += turn.job.owner
        waiting.done(turn.job)
    return taken


def test_owners_take_turns() -> None:
    waiting = line()
    for owner in "aaaabbc":
        waiting.add(call(owner))
    assert owners(waiting) == "abcabaa"
    assert len(waiting) == 0


def test_nobody_waits_for_ever_while_others_come_and_go() -> None:
    """Who asks again as soon as the answer is there, before the turn is counted as over, was known and stood last."""
    waiting = line()
    waiting.add(call("a"))
    first = waiting.take()
    assert first is not None
    waiting.add(call("a"))
    waiting.done(first.job)
    for newcomer in "bcdefgh":
        waiting.add(call(newcomer))
        turn = waiting.take()
        assert turn is not None
        waiting.add(call(newcomer + newcomer))
        waiting.done(turn.job)
        if turn.job.owner == "a":
            return
    raise AssertionError("others came and went")


def test_who_has_fewest_running_is_next() -> None:
    waiting = line(workers=3)
    for owner in "aaaa":
        waiting.add(call(owner))
    running = [waiting.take() for _ in range(3)]
    waiting.add(call("b"))
    assert running[0] is not None
    waiting.done(running[0].job)
    turn = waiting.take()
    assert turn is not None
    assert turn.job.owner == "b"


def test_each_knows_its_place_and_when_it_begins() -> None:
    waiting = line(workers=2, took_s=[4.0])
    calls = [call(owner) for owner in "aaab"]
    for each in calls:
        waiting.add(each)
    assert [each.job.position for each in calls] == [1, 3, 4, 2]
    assert [each.job.wait_s for each in calls] == [0, 4, 6, 2]
    taken = waiting.take()
    assert taken is calls[0]
    taken.job.update(state="running", started_s=time.time() - 1, position=None)
    calls[1].job.cancel()
    waiting.withdraw(calls[1].job)
    assert [each.job.position for each in calls] == [None, None, 2, 1]
    assert calls[3].job.wait_s == pytest.approx(1.5, abs=0.1)
    waiting.done(calls[0].job)
    assert calls[3].job.wait_s == 0


def test_without_a_measure_there_is_no_estimate() -> None:
    waiting = line()
    calls = [call("a"), call("b")]
    for each in calls:
        waiting.add(each)
    assert [each.job.wait_s for each in calls] == [0, None]


def test_an_estimate_is_the_median_of_the_last_runs() -> None:
    durations = Durations(lambda task, adapter: [3.0, 1.0])
    job = call("a").job
    job.update(started_s=time.time() - 2)
    durations.add(job)
    assert durations.expected_s(job) == pytest.approx(2, abs=0.1)

    def unavailable(task: str, adapter: str) -> list[float]:
        raise RunsUnavailable("The disk is gone.")

    assert Durations(unavailable).expected_s(job) is None


def test_it_is_full_for_one_and_for_all() -> None:
    waiting = line(workers=1, limit=2, per_owner=2)
    for owner in "aa":
        waiting.add(call(owner))
    with pytest.raises(QueueFull) as caught:
        waiting.add(call("a"))
    assert caught.value.expected == "at most 2 runs of one owner at a time"
    turn = waiting.take()
    with pytest.raises(QueueFull):
        waiting.add(call("a"))  # what runs counts too
    waiting.add(call("b"))
    with pytest.raises(QueueFull) as caught:
        waiting.add(call("c"))
    assert caught.value.expected == "at most 2 waiting runs"
    assert turn is not None
    waiting.done(turn.job)
    waiting.add(call("c"))


def test_one_job_of_another_is_not_delayed_by_many(make_runtime: Callable[..., Runtime]) -> None:
    runtime = make_runtime(workers=1)
    many = [runtime.submit("specimen_stream", {"steps": 2, "pause_s": 0.05}, owner="many") for _ in range(6)]
    one = runtime.submit("specimen_stream", {"steps": 1}, owner="one")
    assert one.wait(5)
    assert sum(job.finished for job in many) <= 2
    assert all(job.wait(5) for job in many)


def test_a_cancelled_one_leaves_the_line(make_runtime: Callable[..., Runtime]) -> None:
    runtime = make_runtime(workers=1)
    running = runtime.submit("specimen_stream", LONG)
    first, second = (runtime.submit("specimen_stream", LONG) for _ in range(2))
    assert (first.position, second.position) == (1, 2)
    first.cancel()
    assert (first.position, second.position) == (None, 1)
    for job in (second, running):  # the other way round its turn would come first
        job.cancel()
        assert job.wait(5)
    assert second.started_s is None
