"""An owner's collections and the pictures in them."""

from __future__ import annotations

import sqlite3
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from backends.search.database import Database

Vectors = npt.NDArray[np.float32]
#: What a passage is: words read in the picture, or a sentence about it.
PassageKind = Literal["text", "seen"]

MAX_PICTURES = 100_000


class NameTaken(Exception):
    """Another collection has that name."""


@dataclass(frozen=True)
class Collection:
    """Pictures that are searched together. `version` grows with each change."""

    id: int
    name: str
    created_s: float
    version: int
    pictures: int


@dataclass(frozen=True)
class Picture:
    """A picture in a collection. `name` is unique in it; sizes are those of the picture as it came, in pixels."""

    id: int
    name: str
    width: int
    height: int
    added_s: float


@dataclass(frozen=True)
class Passage:
    """Words about a picture, with the vector (D,) of their meaning."""

    kind: PassageKind
    text: str
    vector: Vectors


@dataclass(frozen=True)
class NewPicture:
    """A picture ready to be stored.

    Attributes:
        digest: SHA-256 of its pixels.
        hash: 8 bytes, see `backends.search.likeness`.
        preview, jpeg: the picture as JPEG, small to be shown, and as large as other models need it.
        look: the vector (D,) of its look.
    """

    name: str
    digest: str
    resolution_wh: tuple[int, int]
    hash: bytes
    preview: bytes
    jpeg: bytes
    look: Vectors
    passages: Sequence[Passage]


def name_key(name: str) -> str:
    """The form in which two names are compared, without regard to capital letters and spellings of accents."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


_COLLECTION = """
SELECT id, name, created_s, version, (SELECT COUNT(*) FROM picture WHERE collection_id = collection.id) FROM collection
"""
_PICTURE = "SELECT id, name, width, height, added_s FROM picture"
_IN_COLLECTION = "(SELECT id FROM picture WHERE collection_id = ?)"


class Library:
    """An owner's collections.

    Args:
        folder: the owner's durable folder for this family (`run.storage`).
    """

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder)

    def all(self) -> list[Collection]:
        """All, by name."""
        if not self.database.there:
            return []
        with self.database.reading() as connection:
            rows = connection.execute(f"{_COLLECTION} ORDER BY name_key")
            return [Collection(*row) for row in rows]

    def named(self, name: str) -> Collection | None:
        """One by its name, or None."""
        if not self.database.there:
            return None
        with self.database.reading() as connection:
            rows = connection.execute(f"{_COLLECTION} WHERE name_key = ?", (name_key(name),))
            found = rows.fetchone()
        return Collection(*found) if found else None

    def create(self, name: str) -> int:
        """The id of the collection of that name, made where there is none."""
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO collection (name, name_key, created_s) VALUES (?, ?, ?) ON CONFLICT (name_key) DO NOTHING",
                (name, name_key(name), time.time()),
            )
            row = connection.execute("SELECT id FROM collection WHERE name_key = ?", (name_key(name),)).fetchone()
        return int(row[0])

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
        there = self.named(name)
        if there is None:
            return False
        with self.database.writing() as connection:
            _forget_words(connection, _IN_COLLECTION, there.id)
            gone = connection.execute("DELETE FROM collection WHERE id = ?", (there.id,)).rowcount == 1
        self.database.empty_log()
        return gone

    def pictures(self, collection_id: int) -> list[Picture]:
        """The pictures of a collection, by name."""
        with self.database.reading() as connection:
            rows = connection.execute(f"{_PICTURE} WHERE collection_id = ? ORDER BY name", (collection_id,))
            return [Picture(*row) for row in rows]

    def picture(self, collection_id: int, name: str) -> Picture | None:
        """One by its name, or None."""
        with self.database.reading() as connection:
            rows = connection.execute(f"{_PICTURE} WHERE collection_id = ? AND name = ?", (collection_id, name))
            found = rows.fetchone()
        return Picture(*found) if found else None

    def known(self, collection_id: int, digest: str) -> str | None:
        """The name under which a picture with these very pixels is in a collection, or None."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT name FROM picture WHERE collection_id = ? AND digest = ?", (collection_id, digest)
            ).fetchone()
        return str(row[0]) if row else None

    def add(self, collection_id: int, new: NewPicture, model: str) -> str:
        """Store a picture, all of it or nothing; the name that it has got: a number is added to one that is taken.

        One that came in meanwhile, from another thread, is passed over.
        """
        with self.database.writing() as connection:
            known = connection.execute(
                "SELECT name FROM picture WHERE collection_id = ? AND digest = ?", (collection_id, new.digest)
            ).fetchone()
            if known:
                return str(known[0])
            name = _free_name(connection, collection_id, new.name)
            (picture_id,) = connection.execute(
                "INSERT INTO picture (collection_id, name, digest, width, height, hash, added_s) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (collection_id, name, new.digest, *new.resolution_wh, new.hash, time.time()),
            ).fetchone()
            connection.execute("INSERT INTO pixels VALUES (?, ?, ?)", (picture_id, new.preview, new.jpeg))
            connection.execute("INSERT INTO look VALUES (?, ?, ?)", (picture_id, model, stored(new.look)))
            for passage in new.passages:
                (passage_id,) = connection.execute(
                    "INSERT INTO passage (picture_id, kind, vector) VALUES (?, ?, ?) RETURNING id",
                    (picture_id, passage.kind, stored(passage.vector)),
                ).fetchone()
                connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (passage_id, passage.text))
            _changed(connection, collection_id)
        return name

    def remove(self, collection_id: int, name: str) -> bool:
        """Remove a picture; False where there is none of that name."""
        with self.database.writing() as connection:
            row = connection.execute(
                "SELECT id FROM picture WHERE collection_id = ? AND name = ?", (collection_id, name)
            ).fetchone()
            if row is None:
                return False
            _forget_words(connection, "(?)", row[0])
            connection.execute("DELETE FROM picture WHERE id = ?", row)
            _changed(connection, collection_id)
        self.database.empty_log()
        return True

    def previews(self, picture_ids: Sequence[int]) -> dict[int, tuple[str, bytes]]:
        """Name and small JPEG of pictures, by their ids; those that are gone are left out."""
        marks = ", ".join("?" * len(picture_ids))
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT id, name, preview FROM picture JOIN pixels ON picture_id = id WHERE id IN ({marks})",
                list(picture_ids),
            ).fetchall()
        return {picture_id: (name, preview) for picture_id, name, preview in rows}

    def hashes(self, collection_id: int) -> list[tuple[int, bytes]]:
        """(id, perceptual hash) of the pictures of a collection, in the order in which they came."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT id, hash FROM picture WHERE collection_id = ? ORDER BY id", (collection_id,)
            )
            return [(picture_id, bytes(value)) for picture_id, value in rows]

    def without_look(self, collection_id: int, model: str) -> list[int]:
        """The pictures that a model has not looked at yet."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM picture WHERE collection_id = ? "
                "AND id NOT IN (SELECT picture_id FROM look WHERE model = ?)",
                (collection_id, model),
            )
            return [row[0] for row in rows]

    def jpeg(self, picture_id: int) -> bytes | None:
        """A picture as it is kept, or None if it is gone."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT jpeg FROM pixels WHERE picture_id = ?", (picture_id,)).fetchone()
        return bytes(row[0]) if row else None

    def look(self, picture_id: int, model: str) -> Vectors | None:
        """What a model makes of a picture (D,), or None."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT vector FROM look WHERE picture_id = ? AND model = ?", (picture_id, model)
            ).fetchone()
        return np.asarray(loaded([row[0]])[0], np.float32) if row else None

    def add_look(self, collection_id: int, picture_id: int, model: str, look: Vectors) -> None:
        """Store what another model makes of a picture; one that is gone is passed over."""
        with self.database.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO look SELECT id, ?, ? FROM picture WHERE id = ?",
                (model, stored(look), picture_id),
            )
            _changed(connection, collection_id)


def stored(vector: Vectors) -> bytes:
    """A vector (D,) as it is kept: 16-bit floats, the lowest byte first."""
    return vector.astype("<f2").tobytes()


def loaded(blobs: Sequence[bytes]) -> Vectors:
    """Vectors (N, D) as `stored` has written them."""
    return np.frombuffer(b"".join(blobs), "<f2").astype(np.float32).reshape(len(blobs), -1)


def _changed(connection: sqlite3.Connection, collection_id: int) -> None:
    connection.execute("UPDATE collection SET version = version + 1 WHERE id = ?", (collection_id,))


def _forget_words(connection: sqlite3.Connection, pictures: str, value: int) -> None:
    """Delete the words of pictures; merging what is left drops them from the index of words too."""
    connection.execute(
        f"DELETE FROM words WHERE rowid IN (SELECT id FROM passage WHERE picture_id IN {pictures})", (value,)
    )
    connection.execute("INSERT INTO words (words) VALUES ('optimize')")


def _free_name(connection: sqlite3.Connection, collection_id: int, name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    number, free = 1, name
    while connection.execute(
        "SELECT 1 FROM picture WHERE collection_id = ? AND name = ?", (collection_id, free)
    ).fetchone():
        number += 1
        free = f"{stem} ({number}){dot}{ending}" if stem else f"{name} ({number})"
    return free
