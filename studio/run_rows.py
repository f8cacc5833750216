"""The rows of the runs that are kept: what a list shows of a run, and the statements that read and write them."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from studio import preview
from studio.errors import AtelierError, Interrupted, error_from
from studio.jobs import Job, State
from studio.run_database import RunDatabase

#: (created_s, id) of a run: where a page of a list ends.
Bookmark = tuple[float, str]

_COLUMNS = (
    "id, owner, task, adapter, revision, state, device, created_s, started_s, finished_s, load_s, memory_mb, pinned, "
    "bytes, asked, answered, remarks, error, batch, picture IS NOT NULL AS has_picture"
)
_OPEN = "state IN ('queued', 'running')"
#: How many of the last runs tell how long the next will take.
_RECENT = 20


@dataclass(frozen=True)
class Wanted:
    """Which runs a list shows; None takes all."""

    task: str | None = None
    state: State | None = None
    pinned: bool | None = None
    batch: str | None = None

    @property
    def chosen(self) -> dict[str, Any]:
        """The columns that must have a value, with it."""
        columns = {"task": self.task, "state": self.state, "pinned": self.pinned, "batch": self.batch}
        return {column: value for column, value in columns.items() if value is not None}

    def fits(self, row: RunRow) -> bool:
        """Whether a run is among them."""
        return all(getattr(row, column) == value for column, value in self.chosen.items())


@dataclass(frozen=True)
class RunRow:
    """What a list shows of a run.

    Attributes:
        revision: that of the weights; see `Shelf.revision`.
        asked, answered: the inputs and the outputs in a line.
        memory_mb: what the model took when it was loaded, in MB, where that is known.
        nbytes: disk space that it takes.
        batch: the id of the batch that it belongs to; empty without.
    """

    id: str
    owner: str
    task: str
    adapter: str
    revision: str
    state: State
    device: str
    created_s: float
    started_s: float | None
    finished_s: float | None
    load_s: float
    memory_mb: int | None
    pinned: bool
    nbytes: int
    asked: str
    answered: str
    remarks: tuple[str, ...]
    error: AtelierError | None
    has_picture: bool
    batch: str = ""

    @classmethod
    def of(cls, job: Job) -> RunRow:
        """The row of a job as it stands now."""
        return cls(
            id=job.id,
            owner=job.owner,
            task=job.task,
            adapter=job.adapter,
            revision=job.revision,
            state=job.state,
            device=job.device,
            created_s=job.created_s,
            started_s=job.started_s,
            finished_s=job.finished_s,
            load_s=job.load_s,
            memory_mb=job.memory_mb,
            pinned=False,
            nbytes=0,
            asked=preview.asked(job.inputs),
            answered=preview.answered(job.outputs) if job.state == "done" and job.outputs is not None else "",
            remarks=tuple(job.remarks),
            error=job.error,
            has_picture=False,
            batch=job.batch,
        )

    @property
    def finished(self) -> bool:
        """Whether it neither waits nor runs."""
        return self.state not in ("queued", "running")

    @property
    def run_s(self) -> float | None:
        """Seconds of computing; None where it never began or nobody knows when it ended."""
        if self.started_s is None or self.finished_s is None or self.state == "interrupted":
            return None
        return self.finished_s - self.started_s

    @property
    def bookmark(self) -> Bookmark:
        """Where a list goes on after it."""
        return self.created_s, self.id


class Rows:
    """The statements, over one database file. All raise RunsUnavailable where it cannot be read or written."""

    def __init__(self, database: RunDatabase) -> None:
        self._database = database

    def page(self, owner: str, wanted: Wanted, after: Bookmark | None, limit: int) -> list[RunRow]:
        """An owner's runs, newest first."""
        conditions = ["owner = ?", *(f"{column} = ?" for column in wanted.chosen)]
        values = [owner, *wanted.chosen.values()]
        if after is not None:
            conditions.append("(created_s, id) < (?, ?)")
            values += after
        where = " AND ".join(conditions)
        statement = f"SELECT {_COLUMNS} FROM run WHERE {where} ORDER BY created_s DESC, id DESC LIMIT ?"
        with self._database.reading() as connection:
            return [_row(found) for found in connection.execute(statement, [*values, limit])]

    def get(self, run_id: str) -> RunRow | None:
        """One run."""
        with self._database.reading() as connection:
            found = connection.execute(f"SELECT {_COLUMNS} FROM run WHERE id = ?", [run_id]).fetchone()
        return _row(found) if found else None

    def tasks(self, owner: str) -> list[str]:
        """The tasks of which an owner has runs."""
        with self._database.reading() as connection:
            return [found[0] for found in connection.execute("SELECT DISTINCT task FROM run WHERE owner = ?", [owner])]

    def packed(self, run_id: str) -> tuple[str, str | None]:
        """(inputs, outputs) of a run, as JSON; see `studio.packing`."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT inputs, outputs FROM run WHERE id = ?", [run_id]).fetchone()
        return found[0], found[1]

    def picture(self, run_id: str) -> bytes | None:
        """A run's small picture, a WebP."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT picture FROM run WHERE id = ?", [run_id]).fetchone()
        return found[0] if found else None

    def seconds(self, task: str, adapter: str) -> list[float]:
        """How long the last runs of an adapter took, whoever's they were."""
        statement = (
            "SELECT finished_s - started_s FROM run WHERE task = ? AND adapter = ? AND state = 'done' "
            "ORDER BY created_s DESC LIMIT ?"
        )
        with self._database.reading() as connection:
            return [found[0] for found in connection.execute(statement, [task, adapter, _RECENT]) if found[0]]

    def insert(self, row: RunRow, *, process: str, inputs: str, picture: bytes | None) -> None:
        """A run whose inputs are in their place."""
        values = {
            **{name: getattr(row, name) for name in ("id", "owner", "task", "adapter", "revision", "state", "device")},
            **{name: getattr(row, name) for name in ("created_s", "started_s", "finished_s", "load_s", "memory_mb")},
            "pinned": row.pinned,
            "bytes": row.nbytes,
            "asked": row.asked,
            "answered": row.answered,
            "batch": row.batch,
            "remarks": json.dumps(row.remarks),
            "error": _error_text(row.error),
            "inputs": inputs,
            "process": process,
            "picture": picture,
        }
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        with self._database.writing() as connection:
            connection.execute(f"INSERT INTO run ({names}) VALUES ({marks})", values)

    def finish(self, row: RunRow, *, outputs: str | None, picture: bytes | None) -> None:
        """How a run ended, once its outputs are in their place. A picture replaces that of the inputs."""
        statement = """
            UPDATE run SET state = :state, device = :device, started_s = :started_s, finished_s = :finished_s,
                load_s = :load_s, memory_mb = :memory_mb, bytes = :bytes, answered = :answered, remarks = :remarks,
                error = :error, outputs = :outputs, picture = COALESCE(:picture, picture)
            WHERE id = :id
        """
        values = {
            **{name: getattr(row, name) for name in ("id", "state", "device", "started_s", "finished_s", "load_s")},
            "memory_mb": row.memory_mb,
            "bytes": row.nbytes,
            "answered": row.answered,
            "remarks": json.dumps(row.remarks),
            "error": _error_text(row.error),
            "outputs": outputs,
            "picture": picture,
        }
        with self._database.writing() as connection:
            connection.execute(statement, values)

    def pin(self, run_id: str, pinned: bool) -> None:
        """Exempt a run from the time to live, or not any more."""
        with self._database.writing() as connection:
            connection.execute("UPDATE run SET pinned = ? WHERE id = ?", [pinned, run_id])

    def delete(self, run_ids: Iterable[str]) -> None:
        """Forget runs."""
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM run WHERE id = ?", [[run_id] for run_id in run_ids])

    def open_processes(self) -> list[str]:
        """The processes that have runs which wait or run."""
        with self._database.reading() as connection:
            return [found[0] for found in connection.execute(f"SELECT DISTINCT process FROM run WHERE {_OPEN}")]

    def interrupt(self, processes: Sequence[str], error: AtelierError) -> None:
        """What waited or ran in processes that have ended was interrupted."""
        statement = f"UPDATE run SET state = 'interrupted', error = ?, finished_s = ? WHERE process = ? AND {_OPEN}"
        with self._database.writing() as connection:
            for process in processes:
                connection.execute(statement, [_error_text(error), time.time(), process])

    def unknown(self, run_ids: Iterable[str]) -> list[str]:
        """Those among the ids that are no run's."""
        with self._database.reading() as connection:
            one = "SELECT 1 FROM run WHERE id = ?"
            return [run_id for run_id in run_ids if connection.execute(one, [run_id]).fetchone() is None]

    def expired(self, before_s: float) -> list[str]:
        """The runs that began before then, are not pinned and neither wait nor run."""
        statement = f"SELECT id FROM run WHERE created_s < ? AND NOT pinned AND NOT {_OPEN}"
        with self._database.reading() as connection:
            return [found[0] for found in connection.execute(statement, [before_s])]

    def sizes(self) -> dict[str, int]:
        """Disk space of each owner's runs, in bytes."""
        with self._database.reading() as connection:
            return dict(connection.execute("SELECT owner, SUM(bytes) FROM run GROUP BY owner").fetchall())

    def size(self, owner: str | None, *, pinned: bool = False) -> int:
        """Disk space of an owner's, or of all runs, or of the pinned ones among them, in bytes."""
        statement = "SELECT COALESCE(SUM(bytes), 0) FROM run WHERE (?1 IS NULL OR owner = ?1) AND pinned >= ?2"
        with self._database.reading() as connection:
            return int(connection.execute(statement, [owner, pinned]).fetchone()[0])

    def oldest(self, owner: str) -> list[tuple[str, int]]:
        """(id, bytes) of an owner's runs that may go, oldest first: neither pinned, nor open, nor the newest."""
        statement = f"SELECT id, bytes FROM run WHERE owner = ? AND NOT pinned AND NOT {_OPEN} ORDER BY created_s, id"
        newest = "SELECT id FROM run WHERE owner = ? ORDER BY created_s DESC, id DESC LIMIT 1"
        with self._database.reading() as connection:
            last = connection.execute(newest, [owner]).fetchone()
            found = connection.execute(statement, [owner]).fetchall()
        return [(run_id, nbytes) for run_id, nbytes in found if run_id != last[0]]


def _row(found: sqlite3.Row) -> RunRow:
    values = dict(found)
    return RunRow(
        **{name: values[name] for name in ("id", "owner", "task", "adapter", "revision", "state", "device")},
        **{name: values[name] for name in ("created_s", "started_s", "finished_s", "load_s", "memory_mb")},
        **{name: values[name] for name in ("asked", "answered", "batch")},
        pinned=bool(values["pinned"]),
        nbytes=values["bytes"],
        remarks=tuple(json.loads(values["remarks"])),
        error=None if values["error"] is None else error_from(json.loads(values["error"])),
        has_picture=bool(values["has_picture"]),
    )


INTERRUPTED = Interrupted("The studio was stopped during this run.", hint="Its inputs are kept: repeat it.")


def _error_text(error: AtelierError | None) -> str | None:
    return None if error is None else json.dumps(error.record())
