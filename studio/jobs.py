"""Jobs: every call is one, so that it can be watched, cancelled and found again."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from studio.contract import Inputs, Outputs
from studio.errors import AtelierError, Cancelled, NotFound
from studio.media.base import Media

if TYPE_CHECKING:
    from studio.runs import Runs

log = logging.getLogger(__name__)

#: Jobs read from the kept runs that are held on to.
_REREAD = 16

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]


@dataclass
class Job:
    """One call of a task.

    Attributes:
        id: unguessable.
        owner: who may see it.
        inputs: the validated inputs.
        progress: 0..1.
        note: what it is doing now.
        outputs: the latest partial answer while running, the answer when done.
        error: why it failed or was cancelled.
        device: where the model ran.
        remarks: what the user should know about the result.
        created_s, started_s, finished_s: seconds since the epoch.
        version: grows with each change.
        revision: that of the model's weights; see `Shelf.revision`.
        memory_mb: what the model took when it was loaded, in MB, where that is known.
        position: its place among those that wait, from 1; None once it runs.
        wait_s: seconds until it will begin, as far as that can be told.
        ended: told once it is finished, by whichever thread ends it.
        batch: the id of the batch that it belongs to; empty without.
        parent: the job whose backend asked for this one, and with which it is cancelled.
    """

    owner: str
    task: str
    adapter: str
    inputs: Inputs
    folder: Path
    storage_folder: Path
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    state: State = "queued"
    progress: float = 0.0
    note: str = ""
    outputs: Outputs | None = None
    error: AtelierError | None = None
    device: str = ""
    remarks: list[str] = field(default_factory=list)
    created_s: float = field(default_factory=time.time)
    started_s: float | None = None
    finished_s: float | None = None
    load_s: float = 0.0
    revision: str = ""
    memory_mb: int | None = None
    position: int | None = None
    wait_s: float | None = None
    batch: str = ""
    ended: Callable[[Job], None] | None = field(default=None, repr=False)
    version: int = 0
    parent: Job | None = None
    _has_folder: bool = False
    _cancel: threading.Event = field(default_factory=threading.Event, repr=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)
    _listeners: list[Callable[[], None]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        if self.parent is not None:
            self._cancel = self.parent._cancel

    @property
    def asked(self) -> tuple[str, ...]:
        """The tasks that led to this one, itself last."""
        return (*(self.parent.asked if self.parent else ()), self.task)

    @property
    def finished(self) -> bool:
        """Whether it neither waits nor runs any more."""
        return self.state not in ("queued", "running")

    @property
    def run_s(self) -> float:
        """Seconds of computing so far, without waiting in the queue and loading the model."""
        if self.started_s is None:
            return 0.0
        return (self.finished_s or time.time()) - self.started_s

    @cached_property
    def nbytes(self) -> int:
        """Memory that its inputs and outputs take, in bytes; what is in both counts once. For a finished job."""
        media: dict[int, Media] = {}
        _collect((self.inputs, self.outputs), media)
        return sum(each.nbytes for each in media.values())

    def cancel(self) -> None:
        """Ask it to stop. One that waits is cancelled at once, one that runs at its next check."""
        self._cancel.set()
        with self._changed:
            waited = self.state == "queued"
            if waited:
                self._finish_locked("cancelled", Cancelled("The run was cancelled."))
        self._tell(ended=waited)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until it is finished; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self.finished, timeout_s)

    def made_folder(self) -> Path:
        """Its temporary folder, which is made at first use."""
        self._has_folder = True
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder

    def remove_folder(self) -> None:
        """Remove its temporary folder, if there ever was one: most jobs never need it, and looking takes time."""
        if self._has_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._has_folder = False

    def report_to_parent(self, until: float | None) -> None:
        """From now on show this job's notes as its parent's, and its progress as the way from the parent's to `until`.

        Without `until` the parent's progress stays where it is.
        """
        parent = self.parent
        assert parent is not None
        begun = parent.progress
        way = 0.0 if until is None else max(0.0, until - begun)
        self._listeners.append(lambda: parent.update(note=self.note, progress=begun + way * self.progress))

    async def follow(self) -> AsyncIterator[Job]:
        """Yield the job at once and after each change; some may be skipped, never the last, the finished job."""
        loop = asyncio.get_running_loop()
        event = asyncio.Event()

        def listener() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(event.set)

        with self._changed:
            self._listeners.append(listener)
        try:
            while True:
                event.clear()
                finished = self.finished
                yield self
                if finished:
                    return
                await event.wait()
        finally:
            with self._changed:
                self._listeners.remove(listener)

    def update(self, **changes: Any) -> None:
        """Set attributes and tell whoever follows."""
        with self._changed:
            if self.finished:
                return
            for name, value in changes.items():
                setattr(self, name, value)
            self.version += 1
            self._changed.notify_all()
        self._tell()

    def finish(self, state: State, error: AtelierError | None = None, outputs: Outputs | None = None) -> None:
        """End it; the first end counts."""
        with self._changed:
            ends = not self.finished
            if ends:
                if outputs is not None:
                    self.outputs = outputs
                self._finish_locked(state, error)
        self._tell(ended=ends)

    def _finish_locked(self, state: State, error: AtelierError | None) -> None:
        self.state = state
        self.error = error
        self.finished_s = time.time()
        self.position = self.wait_s = None
        if state == "done":
            self.progress = 1.0
        self.version += 1
        self._changed.notify_all()

    def _tell(self, *, ended: bool = False) -> None:
        with self._changed:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()
        if ended and self.ended is not None:
            self.ended(self)


def _collect(value: Any, found: dict[int, Media]) -> None:
    """Put all media inside a value into `found`, by identity."""
    if isinstance(value, Media):
        found[id(value)] = value
    elif isinstance(value, BaseModel):
        _collect([getattr(value, name) for name in type(value).model_fields], found)
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, found)


class JobRun:
    """The `Run` that a backend gets for a job.

    Attributes:
        ask: how another task is asked; the runtime sets it once the backend is leased.
    """

    ask: Callable[[JobRun, str, Mapping[str, Any] | Inputs, str | None, float | None], Outputs]

    def __init__(self, job: Job, device: str, *, live: bool = False) -> None:
        self._job = job
        self.device = device
        self.live = live

    @property
    def owner(self) -> str:
        """Whose data this call may see."""
        return self._job.owner

    @property
    def workdir(self) -> Path:
        """The call's temporary folder."""
        return self._job.made_folder()

    @property
    def storage(self) -> Path:
        """The owner's durable folder for this family."""
        self._job.storage_folder.mkdir(parents=True, exist_ok=True)
        return self._job.storage_folder

    def progress(self, fraction: float, note: str = "") -> None:
        """Report and check; see `studio.contract.Run`."""
        self.check()
        self._job.update(progress=min(max(fraction, 0.0), 1.0), note=note)

    def check(self) -> None:
        """Raise Cancelled if the job was cancelled."""
        if self._job._cancel.is_set():
            raise Cancelled("The run was cancelled.")

    def note(self, text: str) -> None:
        """Add a remark to the result."""
        if text not in self._job.remarks:
            self._job.update(remarks=[*self._job.remarks, text])

    def call(
        self, task: str, payload: Mapping[str, Any] | Inputs, adapter: str | None = None, until: float | None = None
    ) -> Outputs:
        """Ask another task; see `studio.contract.Run`."""
        self.check()
        return self.ask(self, task, payload, adapter, until)

    def partial(self, outputs: Outputs) -> None:
        """Publish a partial answer; also of a job that was cancelled and still hands over what is done."""
        self._job.update(outputs=outputs)


class JobStore:
    """The jobs of all owners that wait or run, and those that have finished lately. Older ones are with the kept runs.

    Args:
        ttl_s: seconds for which a finished job stays in memory.
        per_owner: finished jobs of one owner that stay in memory.
        budget_bytes: memory for the inputs and outputs of all finished jobs.
        runs: where those are found that are not in memory.
    """

    def __init__(self, ttl_s: float, per_owner: int, budget_bytes: int, runs: Runs | None = None) -> None:
        self._ttl_s = ttl_s
        self._per_owner = per_owner
        self._budget_bytes = budget_bytes
        self._runs = runs
        self._jobs: dict[str, Job] = {}
        self._reread: dict[str, Job] = {}  # the last few that came from the kept runs
        self._lock = threading.Lock()

    def add(self, job: Job) -> None:
        """Take a job."""
        with self._lock:
            self._jobs[job.id] = job

    def get(self, job_id: str, owner: str) -> Job:
        """The job of that id, if need be from the kept runs. Raises NotFound, also where it is somebody else's."""
        self.expire()
        with self._lock:
            job = self._jobs.get(job_id) or self._reread.get(job_id)
        if job is None and self._runs is not None:
            job = self._runs.read(job_id, owner)
            self._remember(job)
        if job is None or job.owner != owner:
            raise NotFound("There is no such job.", got=job_id[:40], hint="A finished job is kept for a while only.")
        return job

    def of(self, owner: str, task: str | None = None) -> list[Job]:
        """An owner's jobs that wait, run or have finished lately, newest first."""
        self.expire()
        with self._lock:
            jobs = [j for j in self._jobs.values() if j.owner == owner and task in (None, j.task)]
        return sorted(jobs, key=lambda job: job.created_s, reverse=True)

    def latest(self, owner: str, task: str) -> Job | None:
        """An owner's newest job of a task, however long ago it was."""
        jobs = self.of(owner, task)
        if jobs or self._runs is None:
            return jobs[0] if jobs else None
        try:
            row = self._runs.newest(owner, task)
            return self.get(row.id, owner) if row else None
        except AtelierError as fault:
            log.warning("the latest run of %s cannot be read: %s", task, fault.message)
            return None

    def unfinished(self) -> list[Job]:
        """Everybody's jobs that wait or run, oldest first."""
        with self._lock:
            return [job for job in self._jobs.values() if not job.finished]

    def remove(self, job: Job) -> None:
        """Cancel a job and forget it, with its folder and what is kept of it."""
        job.cancel()
        with self._lock:
            self._jobs.pop(job.id, None)
            self._reread.pop(job.id, None)
        job.remove_folder()
        if self._runs is not None:
            with suppress(NotFound):  # of some tasks nothing is kept
                self._runs.delete(job.id, job.owner)

    def forget(self, job_id: str, owner: str) -> None:
        """Like `remove`, without reading what is kept. Raises NotFound, also where it is somebody else's."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is not None and job.owner == owner:
            self.remove(job)
            return
        if self._runs is None:
            raise NotFound("There is no such job.", got=job_id[:40])
        self._runs.delete(job_id, owner)
        with self._lock:
            self._reread.pop(job_id, None)

    def _remember(self, job: Job) -> None:
        """Hold on to a job that was read: whoever opens it asks for it several times."""
        with self._lock:
            self._reread[job.id] = job
            while len(self._reread) > _REREAD or (
                len(self._reread) > 1 and sum(each.nbytes for each in self._reread.values()) > self._budget_bytes / 4
            ):
                del self._reread[next(iter(self._reread))]

    def expire(self) -> None:
        """Drop what is older than its time to live, and the oldest beyond an owner's number or the memory budget."""
        oldest_s = time.time() - self._ttl_s
        with self._lock:
            newest_first = sorted(
                (job for job in self._jobs.values() if job.finished), key=lambda job: job.finished_s or 0, reverse=True
            )
            kept_by_owner: Counter[str] = Counter()
            kept_bytes = 0
            gone = []
            for job in newest_first:
                kept_by_owner[job.owner] += 1
                kept_bytes += job.nbytes
                newest = kept_by_owner[job.owner] == 1  # what somebody has just run is kept in any case
                full = kept_by_owner[job.owner] > self._per_owner or (kept_bytes > self._budget_bytes and not newest)
                if full or (job.finished_s or 0) < oldest_s:
                    gone.append(job)
                    kept_bytes -= job.nbytes
            for job in gone:
                self._jobs.pop(job.id, None)
        for job in gone:
            job.remove_folder()
