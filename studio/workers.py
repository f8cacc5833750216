"""The threads that compute jobs; the one that was last at work stays warm for the next job."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Condition

from studio.cores import Cores

#: How long a thread keeps its helpers for a next job.
_LINGERS_S = 2.0


class Workers:
    """Calls `work` in one of its threads each time that it is asked to.

    A thread that has its OpenMP helpers from the job before computes a small network in two thirds of the time of one
    that has to make them (`python -m bench.cores`). But helpers of an idle thread slow down those that compute. So one
    thread at a time keeps its own, and gets the next job if there is one soon.

    Args:
        count: how many threads.
        work: computes a job; it knows which.
        cores: takes the helpers back.
    """

    def __init__(self, count: int, work: Callable[[], None], cores: Cores) -> None:
        self._work, self._cores = work, cores
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="job")
        self._changed = Condition()
        self._warm = "nobody"  # or it "waits", is "called", or "sent away"

    def call(self) -> None:
        """Have a job computed: by the warm thread if it waits, else by another one."""
        with self._changed:
            if self._warm == "waits":
                self._become("called")
                return
        self._executor.submit(self._run)

    def cool(self) -> None:
        """Have the waiting thread give its helpers back, because some other thread is about to compute."""
        with self._changed:
            if self._warm == "waits":
                self._become("sent away")

    def close(self) -> None:
        """Take no more jobs; those that have not begun are dropped. What runs is not waited for."""
        self.cool()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        try:
            self._work()
            while self._called_again():
                self._work()
        finally:
            self._cores.give_back()

    def _called_again(self) -> bool:
        """Wait for a while; whether there is something to do."""
        with self._changed:
            if self._warm != "nobody":
                return False
            self._warm = "waits"
            self._changed.wait_for(lambda: self._warm != "waits", _LINGERS_S)
            called = self._warm == "called"
            self._warm = "nobody"
            return called

    def _become(self, warm: str) -> None:
        self._warm = warm
        self._changed.notify_all()
