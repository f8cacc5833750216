"""The jobs that wait for a worker: fair between owners, with a place in the line and an estimate for each."""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from studio.catalogue import Entry
from studio.contract import Adapter
from studio.errors import QueueFull, RunsUnavailable
from studio.jobs import Job

#: How many of the last runs tell how long the next will take.
_RECENT = 20


@dataclass(frozen=True)
class Call:
    """A job with what it takes to run it."""

    job: Job
    entry: Entry
    adapter: Adapter


class Durations:
    """How long each adapter's runs take on this machine.

    Args:
        before: the seconds that its last runs took in earlier processes, newest first.
    """

    def __init__(self, before: Callable[[str, str], list[float]]) -> None:
        self._before = before
        self._known: dict[tuple[str, str], deque[float]] = {}
        self._lock = threading.Lock()

    def add(self, job: Job) -> None:
        """Count a job that is done."""
        with self._lock:
            self._of(job).append(job.run_s)

    def expected_s(self, job: Job) -> float | None:
        """The median of the last runs of the job's adapter; None where there were none."""
        with self._lock:
            known = self._of(job)
            return statistics.median(known) if known else None

    def _of(self, job: Job) -> deque[float]:
        key = job.task, job.adapter
        if key not in self._known:
            try:
                before = self._before(*key)
            except RunsUnavailable:  # an estimate less, and nothing else
                before = []
            self._known[key] = deque(reversed(before), maxlen=_RECENT)
        return self._known[key]


class Waiting:
    """The line in front of the workers.

    Whose job is next: the owner's of whom the fewest run, among those the one who was served, or came, longest ago. So
    one who sends a hundred jobs delays another one's single job by one job at most, and nobody waits for ever while
    others come and go.

    Args:
        workers: jobs that run at the same time.
        limit: jobs that may wait.
        per_owner: jobs of one owner that may wait or run.
        durations: for the estimates.
    """

    def __init__(self, workers: int, limit: int, per_owner: int, durations: Durations) -> None:
        self._workers, self._limit, self._per_owner = workers, limit, per_owner
        self._durations = durations
        self._lines: defaultdict[str, deque[Call]] = defaultdict(deque)
        self._running: dict[str, Job] = {}
        self._served: dict[str, int] = {}  # owner to the latest turn that was theirs, or the one before they came
        self._turns = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many wait or run."""
        return len(self._running) + sum(len(line) for line in self._lines.values())

    def add(self, call: Call) -> None:
        """Put a job at the end of its owner's line. Raises QueueFull."""
        owner = call.job.owner
        with self._lock:
            if self._busy_of()[owner] + len(self._lines[owner]) >= self._per_owner:
                raise QueueFull(
                    f"{self._per_owner} runs of yours wait or run already.",
                    expected=f"at most {self._per_owner} runs of one owner at a time",
                    hint="Try again when one of them is done.",
                )
            if len(self) >= self._limit + self._workers:
                raise QueueFull(
                    "The studio is busy.",
                    expected=f"at most {self._limit} waiting runs",
                    hint="Try again in a moment.",
                )
            self._lines[owner].append(call)
            self._served.setdefault(owner, self._turns)
        self._tell()

    def take(self) -> Call | None:
        """The job whose turn it is; None where nothing waits any more. `done` must follow."""
        with self._lock:
            order = self._order()
            call = order[0] if order else None
            if call is not None:
                self._begin(call)
        self._tell()
        return call

    def companions(self, call: Call) -> list[Call]:
        """What waits and can be answered along with a job that was taken, in the order of turns; see `Adapter.batch`.

        They are taken too: `done` must follow for each.
        """
        if call.adapter.batch == 1:
            return []
        kind = call.job.task, call.job.adapter
        with self._lock:
            alike = [each for each in self._order() if (each.job.task, each.job.adapter) == kind]
            taken = alike[: call.adapter.batch - 1]
            for each in taken:
                self._begin(each)
        if taken:
            self._tell()
        return taken

    def done(self, job: Job) -> None:
        """A job that was taken has ended."""
        with self._lock:
            self._running.pop(job.id, None)
            self._forget_idle(job.owner)
        self._tell()

    def withdraw(self, job: Job) -> None:
        """A job was cancelled: it waits no more, if it did."""
        with self._lock:
            calls = [call for call in self._lines.get(job.owner, ()) if call.job is job]
            for call in calls:
                self._lines[job.owner].remove(call)
                self._forget_idle(job.owner)
        if calls:
            self._tell()

    def _begin(self, call: Call) -> None:
        """It is this call's turn."""
        owner = call.job.owner
        self._lines[owner].remove(call)
        self._running[call.job.id] = call.job
        self._turns += 1
        self._served[owner] = self._turns

    def _forget_idle(self, owner: str) -> None:
        if not self._lines[owner] and not self._busy_of()[owner]:
            del self._lines[owner]
            self._served.pop(owner, None)

    def _busy_of(self) -> Counter[str]:
        return Counter(job.owner for job in self._running.values())

    def _order(self) -> list[Call]:
        """All that wait, in the order in which they will be taken if nothing changes."""
        busy = self._busy_of()
        ranked = [
            ((busy[owner] + place, self._served[owner], call.job.created_s), call)
            for owner, line in self._lines.items()
            for place, call in enumerate(line)
        ]
        return [call for _, call in sorted(ranked, key=lambda each: each[0])]

    def _tell(self) -> None:
        """Give each job that waits its place and its estimate."""
        with self._lock:
            order = self._order()
            ahead_s = self._left_s()
        for position, call in enumerate(order, 1):
            wait_s = None if ahead_s is None else ahead_s / self._workers
            job = call.job
            if job.state == "queued" and (job.position, job.wait_s) != (position, wait_s):
                job.update(position=position, wait_s=wait_s)
            own_s = self._durations.expected_s(job)
            ahead_s = None if ahead_s is None or own_s is None else ahead_s + own_s

    def _left_s(self) -> float | None:
        """Seconds of work left in what runs; None where nobody knows."""
        left = 0.0
        for job in self._running.values():
            expected_s = self._durations.expected_s(job)
            if expected_s is None:
                return None
            begun_s = job.started_s
            left += max(0.0, expected_s - (time.time() - begun_s if begun_s else 0.0))
        return left
