"""A SQLite file in an owner's folder: what a family keeps for somebody between calls.

Write-ahead logging: who reads does not wait for who writes. Each change is one transaction, so that a killed process
leaves all of it or nothing. What is deleted is overwritten with zeros (secure_delete).
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from studio.errors import AtelierError

#: Connections that wait for the next use.
_KEPT = 4
#: Another thread's change of the journal does not wait as other statements do: SQLite says at once that it is locked.
_changing = threading.Lock()


class DatabaseTooNew(AtelierError):
    """The file was written by a later version of the studio."""

    status = 503


class OwnerDatabase:
    """An owner's file; a family derives its own, with the two attributes.

    A connection that was used is kept for the next use: opening one takes longer than most of what is asked.

    Attributes:
        file_name: the file's, in the folder.
        migrations: the statements, separated by semicolons, that bring a file from version N to N + 1; `user_version`
            says where it is.

    Args:
        folder: the owner's durable folder for the family (`run.storage`).

    Raises:
        DatabaseTooNew: at the first use of a file from a later version.
    """

    file_name: ClassVar[str]
    migrations: ClassVar[tuple[str, ...]]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / self.file_name
        self._idle: list[sqlite3.Connection] = []
        weakref.finalize(self, _close, self._idle)

    @property
    def there(self) -> bool:
        """Whether anything was ever stored."""
        return self._file.exists()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the file throughout."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are all kept at the end, or all dropped on an error. One at a time."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield connection

    def empty_log(self) -> None:
        """Move what the write-ahead log holds into the file, so that nothing deleted is left in it."""
        with self._connection() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if not self.there:
            _close(self._idle)
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._opened()
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != len(self.migrations):
                with _changing:
                    connection.execute("PRAGMA journal_mode = WAL")
                    _migrate(connection, self.migrations)
            yield connection
        except BaseException:
            connection.close()
            raise
        if len(self._idle) < _KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def _opened(self) -> sqlite3.Connection:
        self.folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._file, timeout=30, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def _close(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


def _migrate(connection: sqlite3.Connection, migrations: tuple[str, ...]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(migrations):
            raise DatabaseTooNew(
                "What is kept here was stored by a later version of the studio.",
                expected=f"version {len(migrations)}",
                got=f"version {version}",
                hint="Update the studio.",
            )
        for number, statements in enumerate(migrations[version:], version + 1):
            for statement in statements.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
