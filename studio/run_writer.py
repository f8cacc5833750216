"""Writes runs to the disk in a thread of its own, so that no answer waits for it, and removes those whose time is over.

The inputs are written as soon as a run is submitted, the rest once it has ended; a quick run is written in one go. A
row is inserted after its files are in their place.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from studio import preview
from studio.errors import AtelierError
from studio.jobs import Job
from studio.packing import Packer
from studio.run_files import RunFiles
from studio.run_rows import INTERRUPTED, Rows, RunRow

log = logging.getLogger(__name__)

#: More ended runs than that waiting to be written make the workers wait.
_MOST_UNWRITTEN = 64
_TIDY_EVERY_S = 60.0
#: Writing begins this much later, when a short run has been computed and its answer is on its way.
_LATER_S = 0.2


@dataclass
class _Pending:
    """A run that is not, or not wholly, on disk.

    Attributes:
        inputs: its packed inputs, once its row is there.
        interrupted: whether the studio is closing: its end is no wish of its owner's.
    """

    job: Job
    packer: Packer = field(default_factory=Packer)
    inputs: str | None = None
    interrupted: bool = False


class RunWriter:
    """The thread and what waits for it.

    Args:
        rows, files: where it writes to.
        open_store: called by the thread before it writes; returns the name of this process.
        ttl_s: seconds for which an ended run is kept unless it is pinned.
        owner_bytes: disk space for the runs of one owner; the oldest that are not pinned go first, the newest stays.
        total_bytes: disk space for the runs of all; those of the owner who takes the most go first.
    """

    def __init__(
        self,
        rows: Rows,
        files: RunFiles,
        open_store: Callable[[], str],
        *,
        ttl_s: float,
        owner_bytes: int,
        total_bytes: int,
    ) -> None:
        self._rows, self._files, self._open_store = rows, files, open_store
        self._ttl_s, self._owner_bytes, self._total_bytes = ttl_s, owner_bytes, total_bytes
        self._pending: dict[str, _Pending] = {}
        self._gone: set[str] = set()  # deleted by their owners while they were pending
        self._changed = threading.Condition()
        self._work: queue.SimpleQueue[tuple[str, float] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._tidied_s = 0.0

    def begin(self, job: Job) -> None:
        """Keep a job that was submitted. Returns at once."""
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_all, name="runs", daemon=True)
                self._thread.start()
            self._pending[job.id] = _Pending(job)
        self._later(job)

    def end(self, job: Job) -> None:
        """Keep how a job ended. Returns at once."""
        self._later(job)

    def interrupt(self, job: Job) -> None:
        """The studio is closing, and the job will be cancelled for it."""
        with self._changed:
            if job.id in self._pending:
                self._pending[job.id].interrupted = True

    def of(self, owner: str) -> list[Job]:
        """An owner's jobs that are not, or not wholly, on disk."""
        with self._changed:
            return [each.job for each in self._pending.values() if each.job.owner == owner]

    def job(self, run_id: str) -> Job | None:
        """The job of a run that is not, or not wholly, on disk."""
        with self._changed:
            pending = self._pending.get(run_id)
        return pending.job if pending else None

    def drop(self, run_id: str) -> None:
        """The run is deleted: what is still to be written of it is not."""
        with self._changed:
            if self._pending.pop(run_id, None) is not None:
                self._gone.add(run_id)

    def settle(self, timeout_s: float | None = None, most: int = 0) -> bool:
        """Wait until all ended runs, or all but `most`, are on disk; whether they are."""

        def settled() -> bool:
            return sum(each.job.finished for each in self._pending.values()) <= most

        with self._changed:
            return self._changed.wait_for(settled, timeout_s)

    def settle_one(self, run_id: str, timeout_s: float) -> bool:
        """Wait until an ended run is on disk; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: run_id not in self._pending, timeout_s)

    def keep_up(self) -> None:
        """Wait while many ended runs are not on disk: for workers, who would fill the memory else."""
        self.settle(most=_MOST_UNWRITTEN)

    def close(self, timeout_s: float) -> None:
        """Write what has ended, and stop."""
        self._closing.set()
        if self._thread is not None:
            self._work.put(None)
            self._thread.join(timeout_s)

    def _later(self, job: Job) -> None:
        self._work.put((job.id, time.monotonic() + _LATER_S))

    def _write_all(self) -> None:
        for run_id, due_s in iter(self._work.get, None):
            self._closing.wait(max(0.0, due_s - time.monotonic()))
            try:
                self._write(run_id)
            except (AtelierError, OSError) as fault:
                log.warning("run %s is not kept: %s", run_id, fault)
                self._done(run_id)
            except Exception:  # one that cannot be written must not end the thread that writes the others
                log.exception("run %s is not kept", run_id)
                self._done(run_id)

    def _write(self, run_id: str) -> None:
        with self._changed:
            pending = self._pending.get(run_id)
            self._gone.discard(run_id)
        if pending is None:
            return
        process = self._open_store()
        ended = pending.job.finished
        if pending.inputs is None:
            self._insert(pending, process)
        if ended:
            self._finish(pending)
            self._done(run_id)
            self._keep_to_budget(pending.job.owner, self._owner_bytes)
        if time.monotonic() - self._tidied_s > _TIDY_EVERY_S or not self._tidied_s:
            self._tidied_s = time.monotonic()
            self.tidy()

    def _insert(self, pending: _Pending, process: str) -> None:
        job = pending.job
        with self._files.writing(job.id, "inputs") as draft:
            inputs = json.dumps(pending.packer.pack(job.inputs, draft, "inputs"))
        picture = preview.picture(job.inputs, None)
        row = replace(RunRow.of(job), nbytes=_size(pending.packer, inputs, picture))
        if row.finished:  # its outputs come at once, with its end
            row = replace(row, state="running")
        self._rows.insert(row, process=process, inputs=inputs, picture=picture)
        pending.inputs = inputs
        self._unless_gone(job.id)

    def _finish(self, pending: _Pending) -> None:
        job, outputs = pending.job, None
        row = RunRow.of(job)
        if job.outputs is not None:
            try:
                with self._files.writing(job.id, "outputs") as draft:
                    outputs = json.dumps(pending.packer.pack(job.outputs, draft, "outputs"))
            except OSError as fault:
                log.warning("the result of run %s is not kept: %s", job.id, fault)
                row = replace(row, remarks=(*row.remarks, f"The result could not be kept: {fault.strerror}."))
        if pending.interrupted and job.state == "cancelled":
            row = replace(row, state="interrupted", error=INTERRUPTED)
        picture = preview.picture(job.inputs, job.outputs) if job.outputs is not None else None
        row = replace(row, nbytes=_size(pending.packer, pending.inputs, outputs, picture))
        self._rows.finish(row, outputs=outputs, picture=picture)
        self._unless_gone(job.id)

    def _unless_gone(self, run_id: str) -> None:
        """Remove what was just written of a run that its owner has deleted meanwhile."""
        with self._changed:
            gone = run_id in self._gone
        if gone:
            self._remove([run_id])

    def _done(self, run_id: str) -> None:
        with self._changed:
            self._pending.pop(run_id, None)
            self._changed.notify_all()

    def tidy(self) -> None:
        """Remove the runs whose time is over or which the budgets have no room for, and what crashes have left."""
        self._remove(self._rows.expired(time.time() - self._ttl_s))
        sizes = self._rows.sizes()
        for owner in sizes:
            self._keep_to_budget(owner, self._owner_bytes)
        excess = sum(sizes.values()) - self._total_bytes
        for owner in sorted(sizes, key=lambda owner: sizes[owner], reverse=True):
            if excess <= 0:
                break
            excess -= self._keep_to_budget(owner, sizes[owner] - excess)
        self._files.sweep(self._rows.unknown(self._files.found()))

    def _keep_to_budget(self, owner: str, budget_bytes: int) -> int:
        """Remove the oldest runs of an owner that are beyond the budget; how many bytes that freed."""
        excess = self._rows.size(owner) - budget_bytes
        if excess <= 0:
            return 0
        gone, freed = [], 0
        for run_id, nbytes in self._rows.oldest(owner):
            if freed >= excess:
                break
            gone.append(run_id)
            freed += nbytes
        self._remove(gone)
        return freed

    def _remove(self, run_ids: list[str]) -> None:
        if run_ids:
            self._rows.delete(run_ids)
        for run_id in run_ids:
            self._files.remove(run_id)


def _size(packer: Packer, *parts: str | bytes | None) -> int:
    return packer.nbytes + sum(len(part) for part in parts if part)
