"""Many inputs through one task: fed into the line a few at a time, each a run of its own, watched together."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from studio.contract import Outputs
from studio.errors import AtelierError, Cancelled, NotFound, QueueFull, TooLarge, TooManyRuns
from studio.fields import describe
from studio.jobs import Job, State
from studio.media.base import Media
from studio.results import Scores

#: Runs of one batch that wait or run at a time: enough to keep the workers busy, few enough to leave room for others.
_AT_A_TIME = 4
_RETRY_S = 0.5
#: Batches that are remembered per studio; their runs are kept anyway.
_REMEMBERED = 50


@dataclass
class Item:
    """One input of a batch.

    Attributes:
        name: what its sender calls it: a file's name, a row's number.
        values: the payload; let go once it is submitted.
        run: the id of its run; empty before.
        answers: the short ones among its outputs, by field.
    """

    name: str
    values: Mapping[str, Any]
    state: State = "queued"
    run: str = ""
    seconds: float | None = None
    answers: dict[str, Any] = field(default_factory=dict)
    error: str = ""


class Batch:
    """The items of one batch, and the thread that feeds them.

    Args:
        submit: takes an item's values and the batch's id, and returns its job; see `Runtime.submit`.
    """

    def __init__(
        self,
        owner: str,
        task: str,
        adapter: str,
        items: Sequence[Item],
        submit: Callable[[Mapping[str, Any], str], Job],
    ) -> None:
        self.id = secrets.token_hex(16)  # also on each of its runs
        self.owner, self.task, self.adapter = owner, task, adapter
        self.created_s = time.time()
        self.items = list(items)
        self._submit = submit
        self._cancelled = threading.Event()
        self._running: dict[str, Job] = {}
        self._places = threading.Semaphore(_AT_A_TIME)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._feed, name=f"batch-{self.id[:8]}", daemon=True)

    @property
    def finished(self) -> bool:
        """Whether no item waits or runs."""
        return all(item.state not in ("queued", "running") for item in self.items)

    @property
    def count_done(self) -> int:
        """How many items have ended, in whatever way."""
        return sum(item.state not in ("queued", "running") for item in self.items)

    def start(self) -> None:
        """Begin to feed."""
        self._thread.start()

    def cancel(self) -> None:
        """Cancel what runs, and submit nothing more."""
        self._cancelled.set()
        with self._lock:
            running = list(self._running.values())
        for job in running:
            job.cancel()

    def wait(self, timeout_s: float) -> bool:
        """Block until it is finished; whether it is."""
        until_s = time.monotonic() + timeout_s
        while not self.finished and time.monotonic() < until_s:
            time.sleep(0.02)
        return self.finished

    def _feed(self) -> None:
        for item in self.items:
            self._places.acquire()
            job = self._entered(item)
            item.values = {}
            if job is None:
                self._places.release()
                continue
            threading.Thread(target=self._watch, args=(item, job), name="batch-item", daemon=True).start()

    def _entered(self, item: Item) -> Job | None:
        """The item's job, once the line has room for it; None where it ended before it began."""
        while not self._cancelled.is_set():
            try:
                job = self._submit(item.values, self.id)
            except (QueueFull, TooManyRuns):  # the other runs of its owner, or those of the last minute
                self._cancelled.wait(_RETRY_S)
                continue
            except Cancelled:  # the studio is closing
                break
            except AtelierError as fault:
                item.state, item.error = "failed", fault.message
                return None
            item.run = job.id
            with self._lock:
                self._running[job.id] = job
            if self._cancelled.is_set():
                job.cancel()
            return job
        item.state = "cancelled"
        return None

    def _watch(self, item: Item, job: Job) -> None:
        item.state = "running"
        job.wait()
        with self._lock:
            self._running.pop(job.id, None)
        item.seconds = job.run_s if job.started_s else None
        item.error = job.error.message if job.error else ""
        item.answers = short_answers(job.outputs) if job.outputs is not None else {}
        item.state = job.state  # last: whoever sees it finds the rest
        self._places.release()


class Batches:
    """The batches of all owners, in memory: their runs are kept on disk like any other.

    Args:
        most_items: the largest batch.
    """

    def __init__(self, most_items: int) -> None:
        self._most_items = most_items
        self._batches: dict[str, Batch] = {}
        self._lock = threading.Lock()

    def start(self, batch: Batch) -> Batch:
        """Take a batch and begin it. Raises TooLarge."""
        if len(batch.items) > self._most_items:
            raise TooLarge(
                f"The batch has more than {self._most_items:,} items.",
                expected=f"at most {self._most_items:,} items",
                got=f"{len(batch.items):,} items",
                hint="Split it, or ask the operator to raise ATELIER_MAX_BATCH_ITEMS.",
            )
        with self._lock:
            self._batches[batch.id] = batch
            for old in [each for each in self._batches.values() if each.finished][:-_REMEMBERED]:
                del self._batches[old.id]
        batch.start()
        return batch

    def get(self, batch_id: str, owner: str) -> Batch:
        """One batch. Raises NotFound, also where it is somebody else's."""
        with self._lock:
            batch = self._batches.get(batch_id)
        if batch is None or batch.owner != owner:
            raise NotFound("There is no such batch.", got=batch_id[:40], hint="Its runs are on the Runs page.")
        return batch

    def latest(self, owner: str, task: str) -> Batch | None:
        """An owner's newest batch of a task."""
        with self._lock:
            found = [each for each in self._batches.values() if (each.owner, each.task) == (owner, task)]
        return found[-1] if found else None

    def close(self) -> None:
        """Cancel all."""
        with self._lock:
            batches = list(self._batches.values())
        for batch in batches:
            batch.cancel()


def short_answers(outputs: Outputs) -> dict[str, Any]:
    """The outputs that fit into a cell of a table, by field: texts, numbers, yes or no, and the best score."""
    found: dict[str, Any] = {}
    for spec in describe(type(outputs)):
        value = getattr(outputs, spec.name)
        if isinstance(value, Scores) and value.root:
            label, score = next(iter(value.root.items()))
            found |= {spec.name: label, f"{spec.name}_score": round(score, 6)}
        elif spec.many and isinstance(value, list | tuple) and not any(map(_large, value)):
            found[spec.name] = "; ".join(str(each) for each in value)
        elif not spec.many and spec.kind in ("text", "markdown", "integer", "number", "boolean", "choice"):
            found[spec.name] = getattr(value, "value", value)
    return found


def _large(value: Any) -> bool:
    return isinstance(value, Media | BaseModel | list | tuple | dict)
