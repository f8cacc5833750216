"""The runtime: the only place where inputs are validated, and the only way to a model."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from studio.catalogue import Catalogue, Entry
from studio.contract import Adapter, Inputs, Outputs, Task
from studio.devices import out_of_gpu_memory
from studio.errors import AtelierError, BackendFailed, Cancelled, InvalidInput, QueueFull, TooLarge
from studio.jobs import Job, JobRun, JobStore
from studio.ledger import Ledger
from studio.media.base import Limits
from studio.metrics import Metrics
from studio.pool import Loaded, Pool, model_name
from studio.settings import Settings
from studio.weights import Shelf

log = logging.getLogger(__name__)

EMBEDDED = Path(__file__).parent.parent / "models_cache" / "embedded"


class Runtime:
    """The studio without any surface: tasks, models and jobs.

    Args:
        settings: the operator's settings.
        catalogue: the tasks; the ones in `backends/` where none is given.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue | None = None) -> None:
        self.settings = settings
        everything = catalogue or Catalogue.discover()
        self.catalogue = everything.for_commercial_use() if settings.use == "commercial" else everything
        self.shelf = Shelf(EMBEDDED, addresses={"ATELIER_LLM_URL": settings.llm_url})
        self.ledger = Ledger(settings.home / "models.json")
        self.metrics = Metrics()
        self.limits = Limits.of(settings)
        self.pool = Pool(
            self.shelf,
            settings.memory_mb,
            settings.keep_alive_s,
            settings.device,
            on_load=lambda title, seconds: self.metrics.load_s.labels(title).observe(seconds),
            gpu_memory_mb=settings.gpu_memory_mb,
            ledger=self.ledger,
        )
        self.jobs = JobStore(settings.job_ttl_s, settings.jobs_per_owner, settings.jobs_memory_mb * 1_000_000)
        self._executor = ThreadPoolExecutor(settings.workers, thread_name_prefix="job")
        self._waiting = 0
        self._lock = threading.Lock()
        self._closed = False
        self._through_closing = threading.Event()
        self._temporary = Path(tempfile.mkdtemp(prefix="atelier-"))
        # PyTorch's compiler makes this folder as soon as it is imported, else among the temporary ones, and leaves it
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(settings.home / "compiled"))

    def validate(self, task: Task, payload: Mapping[str, Any] | Inputs) -> Inputs:
        """The payload as the task's inputs.

        Raises:
            InvalidInput: with the first field at fault; TooLarge if a limit is the reason.
        """
        if isinstance(payload, task.inputs):
            return payload
        try:
            inputs = task.inputs.model_validate(payload, context={"limits": self.limits})
        except ValidationError as fault:
            raise _invalid(task, fault, payload) from None
        for name, value in _texts(inputs):
            if len(value) > self.limits.text_characters:
                raise TooLarge(
                    f"The text is longer than {self.limits.text_characters:,} characters.",
                    field=name,
                    expected=f"at most {self.limits.text_characters:,} characters",
                    got=f"{len(value):,} characters",
                    hint="The operator can raise ATELIER_MAX_TEXT_CHARACTERS.",
                )
        return inputs

    def example(self, task: Task, index: int = 0) -> dict[str, Any]:
        """The values of one of a task's examples, as `submit` takes them."""
        return dict(task.examples[index].values)

    def submit(
        self, task_name: str, payload: Mapping[str, Any] | Inputs, *, adapter: str | None = None, owner: str = "local"
    ) -> Job:
        """Validate, then queue.

        Raises:
            NotFound: no such task or adapter.
            InvalidInput: see `validate`.
            QueueFull: more jobs wait than the operator allows.
        """
        job, entry, chosen = self._job(task_name, payload, adapter, owner)
        with self._lock:
            if self._closed:
                raise Cancelled("The studio is closing.")
            if self._waiting >= self.settings.queue_limit + self.settings.workers:
                raise QueueFull(
                    "The studio is busy.",
                    expected=f"at most {self.settings.queue_limit} waiting runs",
                    hint="Try again in a moment.",
                )
            self._waiting += 1
            self.jobs.add(job)
            self._executor.submit(self._work, job, entry, chosen)
        return job

    def run(
        self, task_name: str, payload: Mapping[str, Any] | Inputs, adapter: str | None = None, owner: str = "local"
    ) -> Job:
        """Submit, wait, and return the finished job. Raises the job's error."""
        job = self.submit(task_name, payload, adapter=adapter, owner=owner)
        job.wait()
        if job.error is not None:
            raise job.error
        return job

    def run_frame(
        self, task_name: str, payload: Mapping[str, Any] | Inputs, adapter: str | None = None, owner: str = "local"
    ) -> Outputs:
        """Run in the calling thread and keep nothing: for a webcam's frames, and what a page looks up.

        Raises like `run`. It counts as live: where a task has a quick answer and a better one, this is the quick one.
        """
        job, entry, chosen = self._job(task_name, payload, adapter, owner)
        if self._closed:
            raise Cancelled("The studio is closing.")
        self._execute(job, entry, chosen, live=True)
        shutil.rmtree(job.folder, ignore_errors=True)
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
        return self.settings.home / "owners" / hashlib.sha256(owner.encode()).hexdigest()[:32]

    def _work(self, job: Job, entry: Entry, adapter: Adapter) -> None:
        try:
            if not job.finished:
                self._execute(job, entry, adapter)
        finally:
            with self._lock:
                self._waiting -= 1
            shutil.rmtree(job.folder, ignore_errors=True)

    def _execute(self, job: Job, entry: Entry, adapter: Adapter, *, live: bool = False) -> None:
        """Lease, call, publish; ends the job in any case."""
        try:
            with self._counted(job):
                run = JobRun(job, "", live=live)
                waiting_s = time.perf_counter()
                job.update(state="running", note="Loading the model" if not self._resident(adapter) else "")
                outputs = self._leased(job, run, entry, adapter, waiting_s)
                if outputs is None:
                    run.note(f"Ran on the CPU: the GPU's memory did not suffice for this input of {adapter.title}.")
                    outputs = self._leased(job, run, entry, adapter, waiting_s, device="cpu")
                assert outputs is not None
            job.finish("done", outputs=outputs)
        except Cancelled as reason:
            job.finish("cancelled", _without_frames(reason))
        except AtelierError as error:
            job.finish("failed", _without_frames(error))
        except MemoryError:
            log.exception("job %s ran out of memory", job.id)
            job.finish("failed", BackendFailed("The machine ran out of memory.", hint="Try a smaller input."))
        except Exception:  # whatever a third-party model raises must end the job, not the worker
            log.exception("job %s failed", job.id)
            job.finish(
                "failed",
                BackendFailed("The model failed on this input.", hint=f"The log has the reason at job {job.id}."),
            )
        self.metrics.requests.labels(job.task, job.adapter, job.state).inc()

    def _leased(
        self, job: Job, run: JobRun, entry: Entry, adapter: Adapter, waiting_s: float, device: str | None = None
    ) -> Outputs | None:
        """Lease and call; None where a GPU's memory does not suffice, even with every idle model gone from it."""
        with self.pool.lease(entry.family, adapter, run.check, device=device) as loaded:
            self.ledger.used(model_name(entry.family, adapter))
            run.device = loaded.device
            run.ask = functools.partial(self._ask, job, loaded)
            job.update(started_s=time.time(), load_s=time.perf_counter() - waiting_s, device=loaded.device, note="")
            if loaded.remark:
                run.note(loaded.remark)
            elif device is None and self.settings.device not in ("auto", loaded.device):
                run.note(f"Ran on {loaded.device}: {self.settings.device} cannot be used here.")
            for attempt in range(2):
                try:
                    return self._answer(loaded.backend, job, run, entry.task)
                except RuntimeError as fault:
                    if loaded.device == "cpu" or not out_of_gpu_memory(fault):
                        raise
                    if attempt == 1 and "cpu" not in adapter.devices:
                        raise BackendFailed(
                            "The GPU's memory did not suffice for this input.", hint="Try a smaller input."
                        ) from None
                    log.warning("job %s: out of GPU memory", job.id)
                self.pool.evict(loaded.device)  # after the frames of the failed call are gone
        self.pool.evict(loaded.device)
        return None

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
                self._execute(job, entry, chosen, live=run.live)
            shutil.rmtree(job.folder, ignore_errors=True)
            for remark in job.remarks:
                run.note(remark)
            if job.error is not None:
                raise job.error
        except InvalidInput as error:
            error.field = None  # a field of the task that was asked: whoever called knows none of that name
            raise
        assert job.outputs is not None
        return job.outputs

    @contextmanager
    def _counted(self, job: Job) -> Iterator[None]:
        started_s = time.perf_counter()
        with self.metrics.in_progress.labels(job.task).track_inprogress():
            yield
        self.metrics.duration_s.labels(job.task, job.adapter).observe(time.perf_counter() - started_s)

    def _resident(self, adapter: Adapter) -> bool:
        return any(resident.entry == adapter.entry for resident in self.pool.residents())

    @staticmethod
    def _answer(backend: Any, job: Job, run: JobRun, task: Task) -> Outputs:
        """Call the backend; of a generator, publish each partial answer and return the last."""
        run.check()
        answer = backend(job.inputs, run)
        if isinstance(answer, Iterator):
            last: Outputs | None = None
            for last in answer:
                run.partial(last)
            answer = last
        if not isinstance(answer, task.outputs):
            raise TypeError(f"{job.task}/{job.adapter}: expected {task.outputs.__name__}, got {type(answer).__name__}")
        return answer

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
        unfinished = self.jobs.unfinished()
        for job in unfinished:
            job.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)
        until_s = time.monotonic() + grace_s
        for job in unfinished:
            if not job.wait(max(0.0, until_s - time.monotonic())):
                job.finish("cancelled", Cancelled("The studio is closing."))
        self.pool.close()
        self.shelf.close()
        self.ledger.save()
        shutil.rmtree(self._temporary, ignore_errors=True)


def _texts(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """Each text in the inputs with its field's name, those in lists too."""
    for name in type(inputs).model_fields:
        value = getattr(inputs, name)
        for text in value if isinstance(value, list | tuple) else (value,):
            if isinstance(text, str):
                yield name, text


def _without_frames(error: AtelierError) -> AtelierError:
    """The error without its traceback, whose frames would keep the model in memory for as long as the job is kept."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _invalid(task: Task, fault: ValidationError, payload: Any) -> InvalidInput:
    """The first of pydantic's complaints in Atelier's own shape."""
    first = fault.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else None
    own = first.get("ctx", {}).get("error")
    if isinstance(own, InvalidInput):
        own.field = name if own.field is None else own.field
        return own
    field = task.inputs.model_fields.get(name or "")
    title = (field.title if field and field.title else name) or "The input"
    kind = first["type"]
    if kind == "missing":
        return InvalidInput(f"{title} is missing.", field=name, expected=title, got="nothing")
    if kind == "extra_forbidden":
        known = ", ".join(task.inputs.model_fields)
        return InvalidInput(f"{task.title} has no field {name!r}.", field=name, expected=f"only {known}", got=name)
    message = first["msg"].removeprefix("Value error, ")
    got = _shown(first.get("input"))
    return InvalidInput(f"{title}: {message[:1].lower()}{message[1:]}.", field=name, expected=message, got=got)


def _shown(value: Any) -> str:
    """A refused value in a few characters. An upload's own text would tell where the server keeps it."""
    if isinstance(value, list | tuple | dict):
        return f"{len(value)} item" if len(value) == 1 else f"{len(value)} items"
    return repr(value)[:80] if value is None or isinstance(value, str | int | float) else type(value).__name__
