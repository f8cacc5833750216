"""The runtime: the only place where inputs are validated, and the only way to a model."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.batches import Batch, Batches, Item
from studio.catalogue import Catalogue, Entry
from studio.contract import Adapter, Inputs, Outputs, Task
from studio.cores import Cores
from studio.errors import BackendFailed, Cancelled, InvalidInput, WeightsUnavailable
from studio.execution import CallBackend, Execution, call_here
from studio.jobs import Job, JobRun, JobStore
from studio.ledger import Ledger
from studio.media.base import Limits
from studio.metrics import Metrics
from studio.pool import Loaded, Pool
from studio.rate import RunRate
from studio.run_rows import RunRow
from studio.runs import Runs
from studio.settings import Settings
from studio.validation import validated
from studio.waiting import Call, Durations, Waiting
from studio.weights import Shelf
from studio.workers import Workers

#: How long, and how many of an owner's, finished runs are at hand without the disk.
_AT_HAND_S, _AT_HAND = 3600, 20

#: For this long whoever waits for an answer has the interpreter to itself, before the thread that computed it tidies.
_YIELD_S = 0.0003

EMBEDDED = Path(__file__).parent.parent / "models_cache" / "embedded"


class Runtime:
    """The studio without any surface: tasks, models and jobs.

    Args:
        settings: the operator's settings.
        catalogue: the tasks; the ones in `backends/` where none is given.
        pool: the models of another studio, to be shared; that one closes it.
        call: how backends are called; in this process where none is given.
    """

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue | None = None,
        pool: Pool | None = None,
        call: CallBackend = call_here,
    ) -> None:
        self.settings = settings
        everything = catalogue or Catalogue.discover()
        self.catalogue = everything.for_commercial_use() if settings.use == "commercial" else everything
        self.shelf = Shelf(EMBEDDED, addresses={"ATELIER_LLM_URL": settings.llm_url})
        self.ledger = Ledger(settings.home / "models.json")
        self.metrics = Metrics()
        self.limits = Limits.of(settings)
        self.rate = RunRate(settings.runs_per_minute)
        self._shares_pool = pool is not None
        self.pool = pool or self._new_pool()
        self.runs = Runs(
            settings.home / "runs",
            self.catalogue,
            ttl_s=settings.runs_ttl_days * 24 * 3600,
            owner_bytes=int(settings.runs_owner_mb * 1e6),
            total_bytes=int(settings.runs_disk_mb * 1e6),
        )
        self.jobs = JobStore(_AT_HAND_S, _AT_HAND, settings.runs_memory_mb * 1_000_000, self.runs)
        self.batches = Batches(settings.max_batch_items)
        self._durations = Durations(self.runs.seconds)
        self._waiting = Waiting(settings.workers, settings.queue_limit, settings.queue_per_owner, self._durations)
        self._cores = Cores()
        self._execution = Execution(self.pool, self.ledger, self.metrics, settings.device, self._ask, self._cores, call)
        self._together = call is call_here  # whatever else calls backends takes one call at a time
        self._workers = Workers(settings.workers, self._work, self._cores)
        self._revisions: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._through_closing = threading.Event()
        self._temporary = Path(tempfile.mkdtemp(prefix="atelier-"))
        # PyTorch's compiler makes this folder as soon as it is imported, else among the temporary ones, and leaves it
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(settings.home / "compiled"))

    def _new_pool(self) -> Pool:
        settings = self.settings
        budget = self.shelf, settings.memory_mb, settings.keep_alive_s, settings.device
        facts: dict[str, Any] = {
            "on_load": lambda title, seconds: self.metrics.load_s.labels(title).observe(seconds),
            "gpu_memory_mb": settings.gpu_memory_mb,
            "ledger": self.ledger,
        }
        if not settings.model_server:
            return Pool(*budget, **facts)
        from studio.remote_pool import RemotePool  # few need it and its websockets

        facts |= {"address": settings.model_server, "key": settings.model_server_key}
        return RemotePool(*budget, catalogue=self.catalogue, **facts)

    def validate(self, task: Task, payload: Mapping[str, Any] | Inputs) -> Inputs:
        """The payload as the task's inputs; see `validated`."""
        return validated(task, payload, self.limits)

    def example(self, task: Task, index: int = 0) -> dict[str, Any]:
        """The values of one of a task's examples, as `submit` takes them."""
        return dict(task.examples[index].values)

    def submit(
        self,
        task_name: str,
        payload: Mapping[str, Any] | Inputs,
        *,
        adapter: str | None = None,
        owner: str = "local",
        batch: str = "",
    ) -> Job:
        """Validate, then queue.

        Args:
            batch: the id of the batch that it belongs to, if it does.

        Raises:
            NotFound: no such task or adapter.
            InvalidInput: see `validate`.
            QueueFull: more jobs wait, or more of this owner's, than the operator allows.
            TooManyRuns: the owner has started more in a minute than the operator allows.
        """
        self.rate.count(owner)  # first, because looking at the inputs costs most
        job, entry, chosen = self._job(task_name, payload, adapter, owner)
        job.batch = batch
        job.revision = self.revision(entry.task, chosen)
        keeps = self.runs.kept and not entry.task.stores
        job.ended = functools.partial(self._ended, keeps=keeps)
        with self._lock:
            if self._closed:
                raise Cancelled("The studio is closing.")
            self._waiting.add(Call(job, entry, chosen))
            self.jobs.add(job)
            if keeps:
                self.runs.writer.begin(job)
            self._workers.call()
        return job

    def revision(self, task: Task, adapter: Adapter) -> str:
        """What tells an adapter's weights from others; see `Shelf.revision`. They do not change while this runs."""
        key = task.name, adapter.name
        if key not in self._revisions:
            family = self.catalogue.entry(task.name).family
            try:
                self._revisions[key] = self.shelf.revision(family, adapter.weights)
            except WeightsUnavailable:  # the run itself will say so
                self._revisions[key] = ""
        return self._revisions[key]

    def run(
        self, task_name: str, payload: Mapping[str, Any] | Inputs, adapter: str | None = None, owner: str = "local"
    ) -> Job:
        """Submit, wait, and return the finished job. Raises the job's error."""
        job = self.submit(task_name, payload, adapter=adapter, owner=owner)
        job.wait()
        if job.error is not None:
            raise job.error
        return job

    def batch(self, task_name: str, items: Sequence[Item], adapter: str | None = None, owner: str = "local") -> Batch:
        """Begin a batch: each item becomes a run, a few at a time; an input at fault fails alone.

        Raises:
            NotFound: no such task or adapter.
            TooLarge: more items than the operator allows.
        """
        chosen = self.catalogue.adapter(self.catalogue.task(task_name), adapter).name

        def submit(values: Mapping[str, Any], batch_id: str) -> Job:
            return self.submit(task_name, values, adapter=chosen, owner=owner, batch=batch_id)

        return self.batches.start(Batch(owner, task_name, chosen, items, submit))

    def repeat(
        self, run_id: str, owner: str, changes: Mapping[str, Any] | None = None, adapter: str | None = None
    ) -> Job:
        """Submit a kept run's inputs again, some of them changed if wished, to the same model or another one.

        Raises:
            NotFound: no such run of this owner's.
            InvalidInput, QueueFull: like `submit`.
        """
        job = self.jobs.get(run_id, owner)
        payload: Mapping[str, Any] | Inputs = job.inputs
        if changes:
            payload = {name: getattr(job.inputs, name) for name in type(job.inputs).model_fields} | dict(changes)
        return self.submit(job.task, payload, adapter=adapter or job.adapter, owner=owner)

    def weights_changed(self, row: RunRow) -> bool:
        """Whether the model that a run used is another one now, or not there any more."""
        task = self.catalogue.task(row.task)
        adapter = task.adapter(row.adapter)
        return adapter is None or self.revision(task, adapter) != row.revision

    def run_frame(
        self, task_name: str, payload: Mapping[str, Any] | Inputs, adapter: str | None = None, owner: str = "local"
    ) -> Outputs:
        """Run in the calling thread and keep nothing: for a webcam's frames, and what a page looks up.

        Raises like `run`. It counts as live: where a task has a quick answer and a better one, this is the quick one.
        """
        job, entry, chosen = self._job(task_name, payload, adapter, owner)
        if self._closed:
            raise Cancelled("The studio is closing.")
        self._workers.cool()
        self._execution(job, entry, chosen, live=True)
        self._cores.give_back()
        job.remove_folder()
        if job.error is not None:
            raise job.error
        assert job.outputs is not None
        return job.outputs

    def _job(
        self,
        task_name: str,
        payload: Mapping[str, Any] | Inputs,
        adapter: str | None,
        owner: str,
        parent: Job | None = None,
    ) -> tuple[Job, Entry, Adapter]:
        entry = self.catalogue.entry(task_name)
        chosen = self.catalogue.adapter(entry.task, adapter)
        inputs = self.validate(entry.task, payload)
        job = Job(
            owner=owner,
            task=task_name,
            adapter=chosen.name,
            inputs=inputs,
            folder=Path(),
            storage_folder=self.storage(owner) / entry.family.name,
            parent=parent,
        )
        job.folder = self._temporary / job.id
        return job, entry, chosen

    def storage(self, owner: str) -> Path:
        """An owner's durable folder. Its name is a digest: an owner's name is never a path."""
        return _storage(self.settings.home, owner)

    def _work(self) -> None:
        """Run the job whose turn it is, and those that its backend can answer along with it."""
        call = self._waiting.take()
        if call is None:
            return
        jobs = [call.job]
        if self._together:
            jobs += [each.job for each in self._waiting.companions(call)]
        try:
            self._execution.together(jobs, call.entry, call.adapter)
        finally:
            for job in jobs:
                self._waiting.done(job)
                job.remove_folder()
        if not len(self._waiting):
            time.sleep(_YIELD_S)
        self.jobs.expire()  # now that nobody waits for this thread
        self.runs.writer.keep_up()

    def _ended(self, job: Job, *, keeps: bool) -> None:
        self._waiting.withdraw(job)
        if job.state == "done":
            self._durations.add(job)
        if keeps:
            self.runs.writer.end(job)

    def _ask(
        self,
        asking: Job,
        loaded: Loaded,
        run: JobRun,
        task_name: str,
        payload: Mapping[str, Any] | Inputs,
        adapter: str | None,
        until: float | None,
    ) -> Outputs:
        """Run another task in this thread for a job whose backend is leased; see `studio.contract.Run.call`."""
        if task_name in asking.asked:
            raise BackendFailed(f"The task {task_name} asks itself.", got=" -> ".join((*asking.asked, task_name)))
        try:
            job, entry, chosen = self._job(task_name, payload, adapter, asking.owner, asking)
            job.report_to_parent(until)
            with self.pool.paused(loaded, run.check):
                self._execution(job, entry, chosen, live=run.live)
            job.remove_folder()
            for remark in job.remarks:
                run.note(remark)
            if job.error is not None:
                raise job.error
        except InvalidInput as error:
            error.field = None  # a field of the task that was asked: whoever called knows none of that name
            raise
        assert job.outputs is not None
        return job.outputs

    def close(self, grace_s: float = 10) -> None:
        """Cancel what runs, wait for it, unload the models, remove temporary files.

        Where another thread is at it already, wait until that one is through: whoever called may end the process next.
        """
        with self._lock:
            first, self._closed = not self._closed, True
        if not first:
            self._through_closing.wait()
            return
        try:
            self._close(grace_s)
        finally:
            self._through_closing.set()

    def _close(self, grace_s: float) -> None:
        self.batches.close()
        unfinished = self.jobs.unfinished()
        for job in unfinished:
            self.runs.writer.interrupt(job)
            job.cancel()
        self._workers.close()
        until_s = time.monotonic() + grace_s
        for job in unfinished:
            if not job.wait(max(0.0, until_s - time.monotonic())):
                job.finish("cancelled", Cancelled("The studio is closing."))
        if not self._shares_pool:
            self.pool.close()
        self.shelf.close()
        self.ledger.save()
        self.runs.close()
        shutil.rmtree(self._temporary, ignore_errors=True)


@functools.lru_cache(maxsize=1000)
def _storage(home: Path, owner: str) -> Path:
    return home / "owners" / hashlib.sha256(owner.encode()).hexdigest()[:32]
