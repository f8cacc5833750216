"""The people an owner has enrolled: one SQLite file in the owner's own folder.

Each change is one transaction, so that a killed process leaves either all of it or nothing. What is deleted is
overwritten with zeros in the file (secure_delete).
"""

from __future__ import annotations

import sqlite3
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.errors import AtelierError

FILE_NAME = "gallery.sqlite3"
SCHEMA_VERSION = 1
MAX_PHOTOGRAPHS = 5_000

_SCHEMA = """
CREATE TABLE person (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    enrolled_s REAL NOT NULL
);
CREATE TABLE photograph (
    id INTEGER PRIMARY KEY,
    person_id INTEGER NOT NULL REFERENCES person(id) ON DELETE CASCADE,
    jpeg BLOB NOT NULL,
    digest TEXT NOT NULL,
    consent_s REAL NOT NULL,
    UNIQUE (person_id, digest)
);
CREATE TABLE embedding (
    photograph_id INTEGER NOT NULL REFERENCES photograph(id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (photograph_id, model)
) WITHOUT ROWID;
"""

_PERSON = """
SELECT name, (SELECT COUNT(*) FROM photograph WHERE person_id = person.id), enrolled_s FROM person WHERE name_key = ?
"""


class NameTaken(Exception):
    """Another person has that name."""


class GalleryTooNew(AtelierError):
    """The file was written by a later version of the studio."""

    status = 503


@dataclass(frozen=True)
class Person:
    """Somebody enrolled. Times are seconds since the epoch."""

    name: str
    photographs: int
    enrolled_s: float


@dataclass(frozen=True)
class Photograph:
    """A face to be stored: the crop as JPEG, the digest of the picture it came from, its embedding (D,)."""

    jpeg: bytes
    digest: str
    embedding: npt.NDArray[np.float64]


def name_key(name: str) -> str:
    """The form in which two names are compared: "Zoë" and "ZOË" are one person, whichever way the ë is written."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


class Gallery:
    """An owner's gallery.

    Args:
        folder: the owner's durable folder for this family (`run.storage`).

    Raises:
        GalleryTooNew: at the first use of a file from a later version.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE_NAME

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are all kept at the end, or all dropped on an error."""
        connection = sqlite3.connect(self._file, timeout=10, isolation_level=None)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                _migrate(connection)
                yield connection
        finally:
            connection.close()

    def people(self) -> list[Person]:
        """Everybody, by name."""
        if not self._file.exists():
            return []
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT name, COUNT(photograph.id), enrolled_s FROM person "
                "LEFT JOIN photograph ON person_id = person.id GROUP BY person.id ORDER BY name_key"
            )
            return [Person(*row) for row in rows]

    def add(self, name: str, photographs: Sequence[Photograph], model: str) -> Person:
        """Store photographs of a person, new or known, all or none. One stored before under that person is left out."""
        now_s = time.time()
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO person (name, name_key, enrolled_s) VALUES (?, ?, ?) ON CONFLICT (name_key) DO NOTHING",
                (name, name_key(name), now_s),
            )
            (person_id,) = connection.execute("SELECT id FROM person WHERE name_key = ?", (name_key(name),)).fetchone()
            for photograph in photographs:
                added = connection.execute(
                    "INSERT INTO photograph (person_id, jpeg, digest, consent_s) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (person_id, digest) DO NOTHING RETURNING id",
                    (person_id, photograph.jpeg, photograph.digest, now_s),
                ).fetchone()
                if added is not None:
                    _store_embedding(connection, added[0], model, photograph.embedding)
            return Person(*connection.execute(_PERSON, (name_key(name),)).fetchone())

    def person(self, name: str) -> Person | None:
        """Somebody by name, or None."""
        return next((person for person in self.people() if name_key(person.name) == name_key(name)), None)

    def has(self, name: str, digest: str) -> bool:
        """Whether this picture is stored under that person."""
        if not self._file.exists():
            return False
        with self._transaction() as connection:
            found = connection.execute(
                "SELECT 1 FROM photograph JOIN person ON person_id = person.id WHERE name_key = ? AND digest = ?",
                (name_key(name), digest),
            )
            return found.fetchone() is not None

    def rename(self, name: str, new_name: str) -> bool:
        """Give a person another name; False where there is no such person. Raises NameTaken."""
        if not self._file.exists():
            return False
        with self._transaction() as connection:
            try:
                changed = connection.execute(
                    "UPDATE person SET name = ?, name_key = ? WHERE name_key = ?",
                    (new_name, name_key(new_name), name_key(name)),
                )
            except sqlite3.IntegrityError as fault:
                raise NameTaken(new_name) from fault
            return changed.rowcount == 1

    def delete(self, name: str) -> bool:
        """Delete a person with all photographs and embeddings; False where there is no such person."""
        if not self._file.exists():
            return False
        with self._transaction() as connection:
            return connection.execute("DELETE FROM person WHERE name_key = ?", (name_key(name),)).rowcount == 1

    def embeddings(self, model: str) -> tuple[list[str], npt.NDArray[np.float64]]:
        """The names (N) and the embeddings (N, D) that a model has made of the stored faces."""
        if not self._file.exists():
            return [], np.empty((0, 0))
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT name, vector FROM embedding JOIN photograph ON photograph_id = photograph.id "
                "JOIN person ON person_id = person.id WHERE model = ? ORDER BY photograph.id",
                (model,),
            ).fetchall()
        if not rows:
            return [], np.empty((0, 0))
        return [name for name, _ in rows], np.array([np.frombuffer(vector, dtype="<f8") for _, vector in rows])

    def not_embedded(self, model: str) -> list[tuple[int, bytes]]:
        """(id, JPEG) of the faces that a model has not embedded yet."""
        if not self._file.exists():
            return []
        with self._transaction() as connection:
            return connection.execute(
                "SELECT id, jpeg FROM photograph WHERE id NOT IN (SELECT photograph_id FROM embedding WHERE model = ?)",
                (model,),
            ).fetchall()

    def add_embeddings(self, model: str, embeddings: dict[int, npt.NDArray[np.float64]]) -> None:
        """Store what a model has made of faces that are in the gallery, by their ids; deleted ones are passed over."""
        with self._transaction() as connection:
            for photograph_id, embedding in embeddings.items():
                if connection.execute("SELECT 1 FROM photograph WHERE id = ?", (photograph_id,)).fetchone():
                    _store_embedding(connection, photograph_id, model, embedding)


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise GalleryTooNew(
            "This gallery was written by a later version of the studio.",
            expected=f"version {SCHEMA_VERSION}",
            got=f"version {version}",
            hint="Update the studio.",
        )
    if version == 0:
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _store_embedding(
    connection: sqlite3.Connection, photograph_id: int, model: str, embedding: npt.NDArray[np.float64]
) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO embedding (photograph_id, model, vector) VALUES (?, ?, ?)",
        (photograph_id, model, embedding.astype("<f8").tobytes()),
    )
