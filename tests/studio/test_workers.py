"""One thread stays warm for the next job, and goes where it would be in the way of others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from studio import workers as module
from studio.cores import Cores
from studio.workers import Workers


class Watched(Cores):
    """Notes which threads gave their helpers back."""

    def __init__(self) -> None:
        super().__init__()
        self.cooled: list[int] = []

    def give_back(self) -> None:
        self.cooled.append(threading.get_ident())
        super().give_back()


class Desk:
    """Notes who worked, and lets work last until it is let go."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.at_work = threading.Semaphore(0)
        self.cores = Watched()
        self.workers = Workers(3, self.work, self.cores)

    def work(self) -> None:
        self.at_work.release()
        assert self.go_on.wait(10)
        self.done.append(threading.get_ident())


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.go_on.set()
    made.workers.close()


def until(said: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 10
    while not said():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def waits(desk: Desk) -> bool:
    return desk.workers._warm == "waits"


def test_the_same_thread_does_what_comes_in_turn(desk: Desk) -> None:
    for number in range(6):
        desk.workers.call()
        until(lambda number=number: len(desk.done) == number + 1 and waits(desk))  # type: ignore[misc]
    assert len(set(desk.done)) == 1
    assert desk.cores.cooled == []


def test_what_comes_at_once_is_done_by_several_and_one_of_them_stays(desk: Desk) -> None:
    desk.go_on.clear()
    for _ in range(3):
        desk.workers.call()
    for _ in range(3):
        assert desk.at_work.acquire(timeout=10)
    desk.go_on.set()
    until(lambda: len(desk.done) == 3 and waits(desk))
    until(lambda: len(desk.cores.cooled) == 2)
    assert len(set(desk.done)) == 3
    assert set(desk.cores.cooled) < set(desk.done)
    desk.workers.call()
    until(lambda: len(desk.done) == 4)
    assert desk.done[3] not in desk.cores.cooled


def test_more_calls_than_threads_are_all_answered(desk: Desk) -> None:
    for _ in range(200):
        desk.workers.call()
    until(lambda: len(desk.done) == 200)


def test_it_gives_its_helpers_back_where_others_compute(desk: Desk) -> None:
    desk.workers.call()
    until(lambda: waits(desk))
    desk.workers.cool()
    until(lambda: desk.cores.cooled == desk.done)
    desk.workers.call()
    until(lambda: len(desk.done) == 2)


def test_it_gives_its_helpers_back_after_a_while(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LINGERS_S", 0.05)
    desk.workers.call()
    until(lambda: desk.cores.cooled == desk.done != [])


def test_nobody_waits_after_the_end(desk: Desk) -> None:
    desk.workers.call()
    until(lambda: waits(desk))
    desk.workers.close()
    until(lambda: desk.cores.cooled == desk.done)
    with pytest.raises(RuntimeError):
        desk.workers.call()


def test_a_failure_leaves_the_others_working(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ValueError("no")

    work = desk.workers._work
    monkeypatch.setattr(desk.workers, "_work", fail)
    desk.workers.call()
    until(lambda: len(desk.cores.cooled) == 1)
    monkeypatch.setattr(desk.workers, "_work", work)
    desk.workers.call()
    until(lambda: len(desk.done) == 1)
