"""The one SQLite file in which an owner's collections, documents, passages, vectors and chats are kept.

Write-ahead logging: who reads does not wait for who writes. Each change is one transaction, so that a killed process
leaves all of it or nothing. What is deleted is overwritten with zeros (secure_delete).
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.errors import AtelierError

FILE_NAME = "documents.sqlite3"

#: The statements that bring a file from version N to N + 1; `user_version` says where it is.
MIGRATIONS = (
    """
CREATE TABLE collection (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    created_s REAL NOT NULL,
    version INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE document (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collection(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    added_s REAL NOT NULL,
    UNIQUE (collection_id, sha256),
    UNIQUE (collection_id, name)
);
CREATE INDEX document_sha256 ON document (sha256);
CREATE TABLE page (
    document_id INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    number INTEGER,
    text TEXT NOT NULL,
    PRIMARY KEY (document_id, position)
) WITHOUT ROWID;
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    page INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    headings TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX chunk_document ON chunk (document_id);
CREATE TABLE vector (
    chunk_id INTEGER NOT NULL REFERENCES chunk(id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (model, chunk_id)
) WITHOUT ROWID;
CREATE INDEX vector_chunk ON vector (chunk_id);
CREATE TABLE snapshot (
    collection_id INTEGER NOT NULL REFERENCES collection(id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    generation INTEGER NOT NULL,
    folder TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    last_chunk_id INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    PRIMARY KEY (collection_id, model)
) WITHOUT ROWID;
CREATE TABLE chat (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    created_s REAL NOT NULL,
    changed_s REAL NOT NULL
);
CREATE TABLE message (
    chat_id INTEGER NOT NULL REFERENCES chat(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    role TEXT NOT NULL,
    content TEXT NOT NULL,
    searched TEXT NOT NULL,
    citations TEXT NOT NULL,
    collection_id INTEGER REFERENCES collection(id) ON DELETE SET NULL,
    created_s REAL NOT NULL,
    PRIMARY KEY (chat_id, position)
) WITHOUT ROWID
""",
)


#: Connections that wait for the next use.
_KEPT = 4


class DatabaseTooNew(AtelierError):
    """The file was written by a later version of the studio."""

    status = 503


class Database:
    """An owner's file.

    A connection that was used is kept for the next use: opening one takes longer than most of what is asked.

    Args:
        folder: the owner's durable folder for this family (`run.storage`).

    Raises:
        DatabaseTooNew: at the first use of a file from a later version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / FILE_NAME
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
            if version != len(MIGRATIONS):
                connection.execute("PRAGMA journal_mode = WAL")
                _migrate(connection)
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


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise DatabaseTooNew(
                "These documents were stored by a later version of the studio.",
                expected=f"version {len(MIGRATIONS)}",
                got=f"version {version}",
                hint="Update the studio.",
            )
        for number, statements in enumerate(MIGRATIONS[version:], version + 1):
            for statement in statements.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
