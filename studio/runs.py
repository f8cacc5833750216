"""The runs that are kept: every one that was submitted, on disk, until its owner deletes it or its time is over.

Not kept are a webcam's frames, the calls that a backend makes of other tasks, and the runs of tasks that store what
they are given in a place of their own (`Task.stores`).
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from studio.catalogue import Catalogue
from studio.contract import Inputs, Outputs
from studio.errors import AtelierError, NotFound, RunsUnavailable, TooLarge
from studio.jobs import Job
from studio.media.base import Kept
from studio.packing import unpacked
from studio.processes import Processes
from studio.run_database import FILE_NAME, RunDatabase
from studio.run_files import RunFiles
from studio.run_rows import INTERRUPTED, Bookmark, Rows, RunRow, Wanted
from studio.run_writer import RunWriter

log = logging.getLogger(__name__)

#: A run that has ended is on disk some milliseconds later.
_SETTLE_S = 10.0
EVERY = Wanted()


class Runs:
    """All owners' runs.

    Args:
        folder: where they are kept; nothing is written before the first run.
        catalogue: the tasks, to read inputs and outputs again.
        ttl_s: seconds for which a run is kept unless it is pinned; 0 keeps none on disk.
        owner_bytes: disk space for the runs of one owner.
        total_bytes: disk space for the runs of all.
    """

    def __init__(self, folder: Path, catalogue: Catalogue, ttl_s: float, owner_bytes: int, total_bytes: int) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._budgets = ((False, owner_bytes, "ATELIER_RUNS_OWNER_MB"), (True, total_bytes, "ATELIER_RUNS_DISK_MB"))
        self._database = RunDatabase(folder)
        self._rows = Rows(self._database)
        self._files = RunFiles(folder)
        self.kept = ttl_s > 0
        self.writer = RunWriter(
            self._rows, self._files, self._open, ttl_s=ttl_s, owner_bytes=owner_bytes, total_bytes=total_bytes
        )
        self._processes: Processes | None = None
        self._opening = threading.Lock()

    def page(self, owner: str, wanted: Wanted = EVERY, after: Bookmark | None = None, limit: int = 50) -> list[RunRow]:
        """An owner's runs that are wanted, newest first, from the bookmark on. Raises RunsUnavailable."""
        live = {job.id: self._live(job) for job in self.writer.of(owner)}
        stored = self._rows.page(owner, wanted, after, limit) if self._there() else []
        fresh = [row for row in live.values() if wanted.fits(row) and (after is None or row.bookmark < after)]
        rows = [*fresh, *(row for row in stored if row.id not in live)]
        return sorted(rows, key=lambda row: row.bookmark, reverse=True)[:limit]

    def row(self, run_id: str, owner: str) -> RunRow:
        """One run, shortly. Raises NotFound, also where it is somebody else's; RunsUnavailable."""
        job = self.writer.job(run_id)
        row = self._live(job) if job else self._rows.get(run_id) if self._there() else None
        if row is None or row.owner != owner:
            raise NotFound("There is no such run.", got=run_id[:40], hint="It was deleted, or its time was over.")
        return row

    def newest(self, owner: str, task: str) -> RunRow | None:
        """An owner's latest run of a task. Raises RunsUnavailable."""
        return next(iter(self.page(owner, Wanted(task=task), limit=1)), None)

    def tasks(self, owner: str) -> list[str]:
        """The tasks of which an owner has runs. Raises RunsUnavailable."""
        return self._rows.tasks(owner) if self._there() else []

    def read(self, run_id: str, owner: str) -> Job:
        """One run as the finished job that it was; its media are read from their files.

        Raises:
            NotFound: see `row`; also where its task is not what it was, or a file is damaged.
            RunsUnavailable: see `row`.
        """
        self._settled(run_id)
        row = self.row(run_id, owner)
        packed_inputs, packed_outputs = self._rows.packed(run_id)
        task = self._catalogue.task(row.task)
        folder, known = self._files.folder(run_id), dict[str, Kept]()
        try:
            inputs = task.inputs.model_validate(unpacked(json.loads(packed_inputs), folder, known))
            outputs = None
            if packed_outputs is not None:
                outputs = task.outputs.model_validate(unpacked(json.loads(packed_outputs), folder, known))
        except (ValidationError, ValueError, OSError, AtelierError) as fault:
            log.warning("run %s cannot be read: %s", run_id, fault)
            raise NotFound(
                "This run cannot be opened any more: its task has changed since, or a file is damaged.", got=run_id
            ) from fault
        return _job(row, inputs, outputs)

    def picture(self, run_id: str, owner: str) -> bytes | None:
        """The small picture of a run, a WebP. Raises NotFound, RunsUnavailable."""
        self.row(run_id, owner)
        return self._rows.picture(run_id) if self._there() else None

    def seconds(self, task: str, adapter: str) -> list[float]:
        """How long the last runs of an adapter took, newest first, whoever's they were. Raises RunsUnavailable."""
        return self._rows.seconds(task, adapter) if self._there() else []

    def pin(self, run_id: str, owner: str, *, pinned: bool) -> RunRow:
        """Keep a run beyond its time to live, or not any more.

        Raises:
            NotFound, RunsUnavailable: see `row`.
            TooLarge: the pinned runs would take more than the budget.
        """
        self._settled(run_id)
        row = self.row(run_id, owner)
        if pinned and not row.pinned:
            for everybody, budget, setting in self._budgets:
                if self._rows.size(None if everybody else owner, pinned=True) + row.nbytes > budget:
                    raise TooLarge(
                        "There is no room for another pinned run.",
                        expected=f"at most {budget / 1e6:g} MB of pinned runs",
                        hint=f"Unpin or delete others, or ask the operator to raise {setting}.",
                    )
        self._rows.pin(run_id, pinned)
        return replace(row, pinned=pinned)

    def delete(self, run_id: str, owner: str) -> None:
        """Forget a run with its files. Raises NotFound, RunsUnavailable."""
        self.row(run_id, owner)
        self.writer.drop(run_id)
        if self._there():
            self._rows.delete([run_id])
            self._files.remove(run_id)

    def close(self, timeout_s: float = _SETTLE_S) -> None:
        """Write what has ended, and let go of the files."""
        self.writer.close(timeout_s)
        self._database.close()
        with self._opening:
            if self._processes is not None:
                self._processes.close()
                self._processes = None

    def _live(self, job: Job) -> RunRow:
        """The row of a job that is not, or not wholly, on disk: as it stands now, with the picture of its inputs."""
        stored = self._rows.get(job.id) if self._there() else None
        return replace(RunRow.of(job), has_picture=stored is not None and stored.has_picture)

    def _settled(self, run_id: str) -> None:
        """Wait for a run that has just ended to be on disk; one that goes on is not there yet."""
        job = self.writer.job(run_id)
        if job is None or (job.finished and self.writer.settle_one(run_id, _SETTLE_S)):
            return
        raise RunsUnavailable("The run has not ended yet.", got=job.state, hint="Try again when it has.")

    def _there(self) -> bool:
        """Whether anything was ever kept; if so, what the processes before have left is seen to."""
        if self._processes is None:
            if not (self._folder / FILE_NAME).is_file():
                return False
            self._open()
        return True

    def _open(self) -> str:
        """Take part in the folder: the name of this process. What ran in processes that ended was interrupted."""
        with self._opening:
            if self._processes is None:
                try:
                    processes = Processes(self._folder / "processes")
                except OSError as fault:
                    raise RunsUnavailable("Runs cannot be kept.", got=fault.strerror) from fault
                dead = processes.dead(self._rows.open_processes())
                if dead:
                    self._rows.interrupt(dead, INTERRUPTED)
                processes.sweep()
                self._processes = processes
            return self._processes.own


def _job(row: RunRow, inputs: Inputs, outputs: Outputs | None) -> Job:
    return Job(
        owner=row.owner,
        task=row.task,
        adapter=row.adapter,
        inputs=inputs,
        folder=Path(),
        storage_folder=Path(),
        id=row.id,
        revision=row.revision,
        state=row.state,
        progress=1.0 if row.state == "done" else 0.0,
        outputs=outputs,
        error=row.error,
        device=row.device,
        remarks=list(row.remarks),
        created_s=row.created_s,
        started_s=row.started_s,
        finished_s=row.finished_s,
        load_s=row.load_s,
        memory_mb=row.memory_mb,
        batch=row.batch,
    )
