"""An owner's collections and the documents in them."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from backends.documents.chunking import Chunk
from backends.documents.database import Database
from backends.documents.disk import snapshots_folder, write_whole
from backends.documents.parsers.parsed import Page, Parsed

Vectors = npt.NDArray[np.float32]


class NameTaken(Exception):
    """Another collection has that name."""


@dataclass(frozen=True)
class Collection:
    """Documents that are asked together. `version` grows with each change."""

    id: int
    name: str
    created_s: float
    version: int
    documents: int
    chunks: int


@dataclass(frozen=True)
class Document:
    """A file in a collection. `name` is unique in it; `pages` and `chunks` are counts."""

    id: int
    name: str
    kind: str
    sha256: str
    bytes: int
    added_s: float
    pages: int
    characters: int
    chunks: int


@dataclass(frozen=True)
class NewDocument:
    """A file ready to be stored: its pages, its passages, and their vectors (N, D)."""

    name: str
    data: bytes
    sha256: str
    parsed: Parsed
    chunks: Sequence[Chunk]
    vectors: Vectors


@dataclass(frozen=True)
class Passage:
    """A chunk with what it stands in."""

    chunk_id: int
    document_id: int
    collection: str
    document: str
    page_index: int
    page: int | None
    start: int
    end: int
    headings: tuple[str, ...]
    text: str


def name_key(name: str) -> str:
    """The form in which two names are compared, without regard to capital letters and spellings of accents."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


_COLLECTION = """
SELECT collection.id, collection.name, collection.created_s, collection.version, COUNT(document.id),
  (SELECT COUNT(*) FROM chunk JOIN document ON document_id = document.id WHERE collection_id = collection.id)
FROM collection LEFT JOIN document ON collection_id = collection.id
"""
_DOCUMENT = """
SELECT id, name, kind, sha256, bytes, added_s,
  (SELECT COUNT(*) FROM page WHERE document_id = document.id),
  (SELECT SUM(LENGTH(text)) FROM page WHERE document_id = document.id),
  (SELECT COUNT(*) FROM chunk WHERE document_id = document.id)
FROM document
"""
_PASSAGE = """
SELECT chunk.id, document.id, collection.name, document.name, page.position, page.number, chunk.start, chunk."end",
  chunk.headings, chunk.text
FROM chunk JOIN document ON chunk.document_id = document.id
JOIN collection ON collection.id = collection_id
JOIN page ON page.document_id = document.id AND page.position = chunk.page
"""


class Library:
    """An owner's collections.

    Args:
        folder: the owner's durable folder for this family (`run.storage`).
    """

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder)
        self._files = folder / "files"

    # collections

    def collections(self) -> list[Collection]:
        """All, by name."""
        if not self.database.there:
            return []
        with self.database.reading() as connection:
            rows = connection.execute(f"{_COLLECTION} GROUP BY collection.id ORDER BY name_key")
            return [Collection(*row) for row in rows]

    def collection(self, name: str) -> Collection | None:
        """One by its name, or None."""
        if not self.database.there:
            return None
        with self.database.reading() as connection:
            row = connection.execute(f"{_COLLECTION} WHERE name_key = ? GROUP BY collection.id", (name_key(name),))
            found = row.fetchone()
        return Collection(*found) if found else None

    def version(self, name: str) -> tuple[int, int] | None:
        """(id, version) of a collection by its name: whether anything has changed since somebody looked."""
        if not self.database.there:
            return None
        with self.database.reading() as connection:
            found = connection.execute("SELECT id, version FROM collection WHERE name_key = ?", (name_key(name),))
            row: tuple[int, int] | None = found.fetchone()
        return row

    def create(self, name: str) -> int:
        """The id of the collection of that name, made where there is none."""
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO collection (name, name_key, created_s) VALUES (?, ?, ?) ON CONFLICT (name_key) DO NOTHING",
                (name, name_key(name), time.time()),
            )
            (collection_id,) = connection.execute(
                "SELECT id FROM collection WHERE name_key = ?", (name_key(name),)
            ).fetchone()
        return int(collection_id)

    def rename(self, name: str, new_name: str) -> bool:
        """Give a collection another name; False where there is none. Raises NameTaken."""
        if not self.database.there:
            return False
        with self.database.writing() as connection:
            try:
                changed = connection.execute(
                    "UPDATE collection SET name = ?, name_key = ? WHERE name_key = ?",
                    (new_name, name_key(new_name), name_key(name)),
                )
            except sqlite3.IntegrityError as fault:
                raise NameTaken(new_name) from fault
            return changed.rowcount == 1

    def delete(self, name: str) -> bool:
        """Delete a collection with everything in it; False where there is none."""
        if not self.database.there:
            return False
        with self.database.writing() as connection:
            folders = connection.execute(
                "SELECT folder FROM snapshot JOIN collection ON collection_id = collection.id WHERE name_key = ?",
                (name_key(name),),
            ).fetchall()
            gone = connection.execute("DELETE FROM collection WHERE name_key = ?", (name_key(name),)).rowcount == 1
        for (folder,) in folders:
            shutil.rmtree(snapshots_folder(self.database) / folder, ignore_errors=True)
        if gone:
            self._forget()
        return gone

    # documents

    def documents(self, collection_id: int) -> list[Document]:
        """The documents of a collection, by name."""
        with self.database.reading() as connection:
            rows = connection.execute(f"{_DOCUMENT} WHERE collection_id = ? ORDER BY name", (collection_id,))
            return [Document(*row) for row in rows]

    def document(self, collection_id: int, name: str) -> Document | None:
        """One by its name, or None."""
        with self.database.reading() as connection:
            row = connection.execute(f"{_DOCUMENT} WHERE collection_id = ? AND name = ?", (collection_id, name))
            found = row.fetchone()
        return Document(*found) if found else None

    def named(self, collection_id: int, sha256: str) -> str | None:
        """The name under which this very file is in a collection, or None."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT name FROM document WHERE collection_id = ? AND sha256 = ?", (collection_id, sha256)
            ).fetchone()
        return str(row[0]) if row else None

    def add(self, collection_id: int, documents: Sequence[NewDocument], model: str) -> dict[str, str]:
        """Store documents, all or none, and say under which name each one is: its SHA-256 to its name.

        One that came in meanwhile, from another thread, is passed over. A name that another file has gets a number.
        """
        stored = {}
        with self.database.writing() as connection:  # only one at a time: `_forget` must not see a file without its row
            for document in documents:
                path = self._files / document.sha256
                if not path.exists():
                    write_whole(path, document.data)
                stored[document.sha256] = _add(connection, collection_id, document, model)
            connection.execute("UPDATE collection SET version = version + 1 WHERE id = ?", (collection_id,))
        return stored

    def remove(self, collection_id: int, name: str) -> bool:
        """Remove a document with its passages; False where there is none of that name."""
        with self.database.writing() as connection:
            gone = connection.execute(
                "DELETE FROM document WHERE collection_id = ? AND name = ?", (collection_id, name)
            ).rowcount
            if gone:
                connection.execute("UPDATE collection SET version = version + 1 WHERE id = ?", (collection_id,))
        if gone:
            self._forget()
        return bool(gone)

    def data(self, document: Document) -> bytes:
        """The file as it was added."""
        return (self._files / document.sha256).read_bytes()

    def pages(self, document_id: int) -> list[Page]:
        """The pages of a document, without their headings."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT number, text FROM page WHERE document_id = ? ORDER BY position", (document_id,)
            )
            return [Page(*row) for row in rows]

    # passages

    def not_embedded(self, collection_id: int, model: str) -> list[tuple[int, tuple[str, ...], str]]:
        """(id, headings, text) of the passages that a model has no vectors of yet."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT chunk.id, headings, text FROM chunk JOIN document ON document_id = document.id "
                "WHERE collection_id = ? AND chunk.id NOT IN (SELECT chunk_id FROM vector WHERE model = ?)",
                (collection_id, model),
            ).fetchall()
        return [(chunk_id, tuple(json.loads(headings)), text) for chunk_id, headings, text in rows]

    def add_vectors(self, collection_id: int, chunk_ids: Sequence[int], vectors: Vectors, model: str) -> None:
        """Store what a model has made (N, D) of passages that are there; those that went meanwhile are passed over."""
        with self.database.writing() as connection:
            for chunk_id, vector in zip(chunk_ids, vectors.astype("<f2"), strict=True):
                connection.execute(
                    "INSERT OR IGNORE INTO vector SELECT id, ?, ? FROM chunk WHERE id = ?",
                    (model, vector.tobytes(), chunk_id),
                )
            connection.execute("UPDATE collection SET version = version + 1 WHERE id = ?", (collection_id,))

    def passages(self, chunk_ids: Sequence[int]) -> list[Passage]:
        """Passages by their ids, in that order; those that are gone are left out."""
        marks = ", ".join("?" * len(chunk_ids))
        with self.database.reading() as connection:
            rows = connection.execute(f"{_PASSAGE} WHERE chunk.id IN ({marks})", list(chunk_ids)).fetchall()
        found = {row[0]: _passage(row) for row in rows}
        return [found[chunk_id] for chunk_id in chunk_ids if chunk_id in found]

    def neighbours(self, passage: Passage, reach: int) -> list[Passage]:
        """The passages around one on its page, itself among them, in their order."""
        with self.database.reading() as connection:
            rows = connection.execute(
                f"{_PASSAGE} WHERE chunk.document_id = ? AND chunk.page = ? AND chunk.id BETWEEN ? AND ? "
                "ORDER BY chunk.id",
                (passage.document_id, passage.page_index, passage.chunk_id - reach, passage.chunk_id + reach),
            )
            return [_passage(row) for row in rows]

    def _forget(self) -> None:
        """After a deletion: files that no document names go, and nothing is left in the log."""
        with self.database.writing() as connection:
            named = {row[0] for row in connection.execute("SELECT sha256 FROM document")}
            for path in self._files.glob("*"):
                if path.name not in named:
                    path.unlink()
        self.database.empty_log()


def _passage(row: tuple[int, int, str, str, int, int | None, int, int, str, str]) -> Passage:
    return Passage(*row[:8], tuple(json.loads(row[8])), row[9])


def _add(connection: sqlite3.Connection, collection_id: int, document: NewDocument, model: str) -> str:
    known = connection.execute(
        "SELECT name FROM document WHERE collection_id = ? AND sha256 = ?", (collection_id, document.sha256)
    ).fetchone()
    if known:
        return str(known[0])
    name = _free_name(connection, collection_id, document.name)
    (document_id,) = connection.execute(
        "INSERT INTO document (collection_id, name, kind, sha256, bytes, added_s) VALUES (?, ?, ?, ?, ?, ?) "
        "RETURNING id",
        (collection_id, name, document.parsed.kind, document.sha256, len(document.data), time.time()),
    ).fetchone()
    connection.executemany(
        "INSERT INTO page VALUES (?, ?, ?, ?)",
        [(document_id, position, page.number, page.text) for position, page in enumerate(document.parsed.pages)],
    )
    rows = []
    for chunk, vector in zip(document.chunks, document.vectors.astype("<f2"), strict=True):
        (chunk_id,) = connection.execute(
            'INSERT INTO chunk (document_id, page, start, "end", headings, text) VALUES (?, ?, ?, ?, ?, ?) '
            "RETURNING id",
            (
                document_id,
                chunk.page,
                chunk.start,
                chunk.end,
                json.dumps(chunk.headings, ensure_ascii=False),
                document.parsed.pages[chunk.page].text[chunk.start : chunk.end],
            ),
        ).fetchone()
        rows.append((chunk_id, model, vector.tobytes()))
    connection.executemany("INSERT INTO vector VALUES (?, ?, ?)", rows)
    return name


def _free_name(connection: sqlite3.Connection, collection_id: int, name: str) -> str:
    taken = {
        row[0] for row in connection.execute("SELECT name FROM document WHERE collection_id = ?", (collection_id,))
    }
    stem, dot, ending = name.rpartition(".")
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{stem} ({number}){dot}{ending}" if stem else f"{name} ({number})"
    return free
