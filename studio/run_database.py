"""The one SQLite file with a row for each run that is kept.

Write-ahead logging: who reads does not wait for who writes, and a command in a shell may write beside the server. Each
change is one transaction, so that a killed process leaves all of it or nothing. What is deleted is overwritten.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from studio.errors import RunsUnavailable

FILE_NAME = "runs.sqlite3"

#: The statements that bring a file from version N to N + 1; `user_version` says where it is. What a list shows comes
#: first in a row: SQLite then need not read the pages of the long texts behind.
MIGRATIONS = (
    """
CREATE TABLE run (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    task TEXT NOT NULL,
    adapter TEXT NOT NULL,
    revision TEXT NOT NULL,
    state TEXT NOT NULL,
    process TEXT NOT NULL,
    device TEXT NOT NULL,
    created_s REAL NOT NULL,
    started_s REAL,
    finished_s REAL,
    load_s REAL NOT NULL,
    memory_mb INTEGER,
    pinned INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL,
    asked TEXT NOT NULL,
    answered TEXT NOT NULL,
    remarks TEXT NOT NULL,
    error TEXT,
    inputs TEXT NOT NULL,
    outputs TEXT,
    picture BLOB
);
CREATE INDEX run_owner ON run (owner, created_s, id);
CREATE INDEX run_task ON run (owner, task, created_s, id);
CREATE INDEX run_size ON run (owner, pinned, created_s, bytes);
CREATE INDEX run_adapter ON run (task, adapter, created_s) WHERE state = 'done';
CREATE INDEX run_open ON run (process) WHERE state IN ('queued', 'running')
""",
    """
ALTER TABLE run ADD COLUMN batch TEXT NOT NULL DEFAULT '';
CREATE INDEX run_batch ON run (owner, batch, created_s, id) WHERE batch <> ''
""",
)

#: Connections that wait for the next use: opening one takes longer than most of what is asked.
_KEPT = 4
_WAIT_S = 10.0


class RunDatabase:
    """The file, opened at the first use.

    A file that is no database, or a broken one, is set aside under another name and begun anew.

    Args:
        folder: where it lies.

    Raises:
        RunsUnavailable: at the first use, where a later version of the studio has written the file.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE_NAME
        self._free: list[sqlite3.Connection] = []
        self._migrated = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with. Raises RunsUnavailable."""
        connection = self._taken() or self._opened()
        try:
            yield connection
        except sqlite3.Error as fault:
            connection.close()
            raise RunsUnavailable("The kept runs cannot be read or written now.", got=str(fault)) from fault
        except BaseException:
            self._give_back(connection)
            raise
        self._give_back(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection inside one transaction: all of it is kept, or nothing on an error. Raises RunsUnavailable."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connections that wait."""
        while connection := self._taken():
            connection.close()

    def _taken(self) -> sqlite3.Connection | None:
        """One of those that wait; another thread may take the last one first."""
        try:
            return self._free.pop()
        except IndexError:
            return None

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if len(self._free) < _KEPT:
            self._free.append(connection)
        else:
            connection.close()

    def _opened(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._connected()
        except sqlite3.OperationalError as fault:  # a full disk, a lock: the file itself may be right
            raise RunsUnavailable("The kept runs cannot be opened now.", got=str(fault)) from fault
        except sqlite3.DatabaseError:
            self._set_aside()
        return self._connected()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")
            if not self._migrated:
                _migrate(connection)
                self._migrated = True
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self) -> None:
        aside = f"{FILE_NAME}.broken-{time.time():.0f}"
        self._file.replace(self._file.with_name(aside))
        for ending in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                self._file.with_name(FILE_NAME + ending).unlink()


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    if _version(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)  # another process may have been faster
        if version > len(MIGRATIONS):
            raise RunsUnavailable(
                "The kept runs were written by a later version of the studio.",
                expected=f"version {len(MIGRATIONS)} or older",
                got=f"version {version}",
                hint="Start that version again, or give this one another ATELIER_HOME.",
            )
        for step in MIGRATIONS[version:]:
            for statement in step.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
