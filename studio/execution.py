"""How a job is computed: a model leased, called, and the end told, whatever it is."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from typing import Any

from studio.catalogue import Entry
from studio.contract import Adapter, Inputs, Outputs, Run, Task
from studio.cores import Cores
from studio.devices import out_of_gpu_memory
from studio.errors import AtelierError, BackendFailed, Cancelled
from studio.jobs import Job, JobRun, State
from studio.ledger import Ledger
from studio.logs import in_job
from studio.metrics import Metrics
from studio.pool import Loaded, Pool, model_name

log = logging.getLogger(__name__)

#: Asks another task for a job: (job, its leased model, run, task, payload, adapter, until) -> outputs.
Ask = Callable[[Job, Loaded, JobRun, str, Mapping[str, Any] | Inputs, str | None, float | None], Outputs]


#: Calls a leased backend: (leased, inputs, run) -> its answer, or its partial ones.
CallBackend = Callable[[Loaded, Inputs, Run], Outputs | Iterator[Outputs]]


def call_here(loaded: Loaded, inputs: Inputs, run: Run) -> Outputs | Iterator[Outputs]:
    """Call a backend in this process."""
    answer: Outputs | Iterator[Outputs] = loaded.backend(inputs, run)
    return answer


class Execution:
    """Computes jobs in the calling thread.

    Args:
        pool: where the models are leased.
        ledger: notes when a model was used.
        device: the operator's wish.
        ask: how a backend's call of another task is answered.
        cores: shared among the threads that compute.
        call: how a backend is called.
    """

    def __init__(
        self,
        pool: Pool,
        ledger: Ledger,
        metrics: Metrics,
        device: str,
        ask: Ask,
        cores: Cores,
        call: CallBackend = call_here,
    ) -> None:
        self._call = call
        self._pool, self._ledger, self._metrics = pool, ledger, metrics
        self._device = device
        self._ask = ask
        self._cores = cores

    def __call__(self, job: Job, entry: Entry, adapter: Adapter, *, live: bool = False) -> None:
        """Lease, call, publish; ends the job in any case."""
        with in_job(job.id):
            self._called(job, entry, adapter, live=live)
            self._ended(job, logging.DEBUG if live else logging.INFO)

    def _finish(
        self, job: Job, state: State, error: AtelierError | None = None, outputs: Outputs | None = None
    ) -> None:
        """Count a job, then end it: whoever waits for it may look at the figures at once."""
        self._metrics.requests.labels(job.task, job.adapter, state).inc()
        job.finish(state, error, outputs)

    def _ended(self, job: Job, level: int = logging.INFO) -> None:
        with in_job(job.id):
            facts: dict[str, Any] = {"task": job.task, "adapter": job.adapter, "state": job.state}
            facts |= {"seconds": round(job.run_s, 4), "device": job.device}
            log.log(level, "job %s: %s", job.id, job.state, extra=facts)

    def together(self, jobs: Sequence[Job], entry: Entry, adapter: Adapter) -> None:
        """Compute jobs of one adapter at once, or one after the other where that fails; ends them in any case."""
        waiting = [job for job in jobs if not job.finished]
        if len(waiting) > 1 and self._answered_together(waiting, entry, adapter):
            return
        for job in waiting:
            self(job, entry, adapter)

    def _answered_together(self, jobs: Sequence[Job], entry: Entry, adapter: Adapter) -> bool:
        """Whether they were; where not, an input may be at fault, or there was not memory enough for all."""
        waiting_s = time.perf_counter()
        runs = [JobRun(job, "") for job in jobs]
        with ExitStack() as counting:
            for job in jobs:
                counting.enter_context(self._metrics.in_progress.labels(job.task).track_inprogress())
                self._waits(job, adapter)
            try:
                with self._pool.lease(entry.family, adapter) as loaded:
                    self._ledger.used(model_name(entry.family, adapter))
                    for job, run in zip(jobs, runs, strict=True):
                        self._begin(job, run, loaded, waiting_s)
                    with self._share(loaded):
                        answers = list(loaded.backend.many([job.inputs for job in jobs], runs))
                if not (len(answers) == len(jobs) and all(isinstance(each, entry.task.outputs) for each in answers)):
                    raise TypeError(f"expected {len(jobs)} of {entry.task.outputs.__name__}")
            except AtelierError:  # each alone will show whose it is
                return False
            except Exception:  # whatever a third-party model raises; it may not happen to each alone
                log.exception("%d runs of %s failed together: now one after the other", len(jobs), adapter.name)
                return False
        for job, run, outputs in zip(jobs, runs, answers, strict=True):
            self._metrics.duration_s.labels(job.task, job.adapter).observe(time.perf_counter() - waiting_s)
            try:
                run.check()
                self._finish(job, "done", outputs=outputs)
            except Cancelled as reason:
                self._finish(job, "cancelled", _without_frames(reason))
            self._ended(job)
        return True

    def _called(self, job: Job, entry: Entry, adapter: Adapter, *, live: bool) -> None:
        try:
            with self._counted(job):
                run = JobRun(job, "", live=live)
                waiting_s = time.perf_counter()
                self._waits(job, adapter)
                outputs = self._leased(job, run, entry, adapter, waiting_s)
                if outputs is None:
                    run.note(f"Ran on the CPU: the GPU's memory did not suffice for this input of {adapter.title}.")
                    outputs = self._leased(job, run, entry, adapter, waiting_s, device="cpu")
                assert outputs is not None
            self._finish(job, "done", outputs=outputs)
        except Cancelled as reason:
            self._finish(job, "cancelled", _without_frames(reason))
        except AtelierError as error:
            self._finish(job, "failed", _without_frames(error))
        except Exception as fault:  # whatever a third-party model raises must end the job, not the worker
            log.exception("job %s failed", job.id)
            self._finish(job, "failed", failure(fault, hint=f"The log has the reason at job {job.id}."))

    def _leased(
        self, job: Job, run: JobRun, entry: Entry, adapter: Adapter, waiting_s: float, device: str | None = None
    ) -> Outputs | None:
        """Lease and call; None where a GPU's memory does not suffice, even with every idle model gone from it."""
        with self._pool.lease(entry.family, adapter, run.check, device=device) as loaded:
            self._ledger.used(model_name(entry.family, adapter))
            run.ask = functools.partial(self._ask, job, loaded)
            self._begin(job, run, loaded, waiting_s, chosen=device is None)
            for attempt in range(2):
                try:
                    with self._share(loaded):
                        return self._answer(loaded, job, run, entry.task)
                except RuntimeError as fault:
                    if loaded.device == "cpu" or not out_of_gpu_memory(fault):
                        raise
                    if attempt == 1 and "cpu" not in adapter.devices:
                        raise BackendFailed(
                            "The GPU's memory did not suffice for this input.", hint="Try a smaller input."
                        ) from None
                    log.warning("job %s: out of GPU memory", job.id)
                self._pool.evict(loaded.device)  # after the frames of the failed call are gone
        self._pool.evict(loaded.device)
        return None

    def _share(self, loaded: Loaded) -> AbstractContextManager[None]:
        """This run's share of the cores, where it computes on them."""
        here = loaded.device == "cpu" and not loaded.remote
        return self._cores.shared() if here else nullcontext()

    def _begin(self, job: Job, run: JobRun, loaded: Loaded, waiting_s: float, *, chosen: bool = True) -> None:
        """The model of a job is there since now.

        Args:
            waiting_s: when it began to wait for it.
            chosen: whether the pool chose the device, by the operator's wish.
        """
        run.device = loaded.device
        job.update(
            started_s=time.time(),
            load_s=time.perf_counter() - waiting_s,
            device=loaded.device,
            memory_mb=loaded.memory_mb or None,
            note="",
        )
        if loaded.remark:
            run.note(loaded.remark)
        elif chosen and not loaded.remote and self._device not in ("auto", loaded.device):
            run.note(f"Ran on {loaded.device}: {self._device} cannot be used here.")

    @contextmanager
    def _counted(self, job: Job) -> Iterator[None]:
        started_s = time.perf_counter()
        with self._metrics.in_progress.labels(job.task).track_inprogress():
            yield
        self._metrics.duration_s.labels(job.task, job.adapter).observe(time.perf_counter() - started_s)

    def _waits(self, job: Job, adapter: Adapter) -> None:
        """From now on a job waits for its model alone."""
        resident = any(each.entry == adapter.entry for each in self._pool.residents())
        job.update(state="running", position=None, wait_s=None, note="" if resident else "Loading the model")

    def _answer(self, loaded: Loaded, job: Job, run: JobRun, task: Task) -> Outputs:
        """Call the backend; of a generator, publish each partial answer and return the last."""
        run.check()
        answer: Any = self._call(loaded, job.inputs, run)
        if isinstance(answer, Iterator):
            last: Outputs | None = None
            for last in partials(answer, run.check):
                run.partial(last)
            answer = last
        if not isinstance(answer, task.outputs):
            raise TypeError(f"{job.task}/{job.adapter}: expected {task.outputs.__name__}, got {type(answer).__name__}")
        return answer


def partials(answers: Iterator[Outputs], check: Callable[[], None]) -> Iterator[Outputs]:
    """Each partial answer of a generator; after each, `check` may raise Cancelled.

    The generator learns of that where it stands, and may yield once more: what is done until then.
    """
    for answer in answers:
        yield answer
        try:
            check()
        except Cancelled as reason:
            if isinstance(answers, Generator):
                with suppress(StopIteration):
                    yield answers.throw(reason)
            raise


def failure(fault: Exception, hint: str) -> BackendFailed:
    """What people are told of a fault that the model did not explain.

    Args:
        hint: where the reason is found.
    """
    if isinstance(fault, MemoryError):
        return BackendFailed("The machine ran out of memory.", hint="Try a smaller input.")
    return BackendFailed("The model failed on this input.", hint=hint)


def _without_frames(error: AtelierError) -> AtelierError:
    """The error without its traceback, whose frames would keep the model in memory for as long as the job is kept."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
