"""The search index of a collection: a snapshot on disk, and what came after it in memory.

SQLite is the truth. A snapshot is a folder with FAISS's and bm25s's files, written whole before the row that names it
is committed; so the pair is consistent whenever the process dies, and a lost folder is made again from the vectors in
SQLite, without the model. Passages that came after the snapshot are compared one by one until they are many enough for
a new one; those that went are left out of what is found.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from backends.documents.database import Database
from backends.documents.disk import new_folder, snapshots_folder, sweep
from backends.documents.lexical import Segment, Segments, stemmer
from backends.documents.vectors import Ids, Kind, VectorIndex, Vectors, kind_for

log = logging.getLogger(__name__)

#: A new snapshot is written when this many passages came after the last one, or this share of it.
SNAPSHOT_AFTER, SNAPSHOT_SHARE = 512, 0.1
#: A snapshot is made anew, not continued, when this share of it is gone.
_GONE_SHARE = 0.25

_NEW_PASSAGES = """
SELECT chunk.id, vector, headings, text FROM chunk JOIN document ON chunk.document_id = document.id
JOIN vector ON vector.chunk_id = chunk.id AND vector.model = ?
WHERE collection_id = ? AND chunk.id > ? ORDER BY chunk.id
"""


@dataclass(frozen=True)
class _Snapshot:
    """What is read from a snapshot's folder; never changed."""

    folder: str
    last_chunk_id: int
    vectors: VectorIndex
    lexical: Segment


@dataclass(frozen=True)
class Index:
    """One state of a collection, to be searched.

    Attributes:
        version: the collection's, of which this is the state.
        ids: the passages that there are (N), ascending.
    """

    version: int
    ids: Ids
    snapshot: _Snapshot | None
    tail_ids: Ids
    tail_vectors: Vectors
    tail_lexical: Segment

    @property
    def kind(self) -> Kind:
        """How vectors are searched: exact, HNSW or IVF."""
        return self.snapshot.vectors.kind if self.snapshot else "exact"

    @property
    def nbytes(self) -> int:
        """Memory it takes, in bytes, about."""
        held = self.ids.nbytes + self.tail_vectors.nbytes + self.tail_lexical.nbytes
        return held + (self.snapshot.vectors.nbytes + self.snapshot.lexical.nbytes if self.snapshot else 0)

    @cached_property
    def words(self) -> Segments:
        """The index of words, as one."""
        return Segments([*([self.snapshot.lexical] if self.snapshot else []), self.tail_lexical])

    def near(self, query: Vectors, count: int) -> Ids:
        """The passages nearest to a vector (D,), at most `count` of each part."""
        best = self.tail_ids[np.argsort(-(self.tail_vectors @ query))[:count]]
        if self.snapshot is None:
            return best[self._alive(best)]
        gone = len(self.snapshot.vectors.ids) + len(self.tail_ids) - len(self.ids)
        ids, _ = self.snapshot.vectors.search(query, count + min(gone, count))
        ids = np.concatenate([ids, best])
        return ids[self._alive(ids)]

    def worded(self, weights: Mapping[str, float], count: int) -> Ids:
        """The passages with the best BM25 for weighted stems, at most `count` of each part."""
        ids = self.words.best(weights, count)
        return ids[self._alive(ids)]

    def vectors_of(self, ids: Ids) -> Vectors:
        """The vectors (M, D) of passages that `near` or `worded` has found."""
        made = np.empty((len(ids), self.tail_vectors.shape[1]), np.float32)
        new = np.ones(len(ids), np.bool_)
        if self.snapshot:
            here, made_here = self.snapshot.vectors.reconstruct(ids)
            made[here], new = made_here, ~here
        made[new] = self.tail_vectors[np.searchsorted(self.tail_ids, ids[new])]
        return made

    def _alive(self, ids: Ids) -> npt.NDArray[np.bool_]:
        if not len(self.ids):
            return np.zeros(len(ids), np.bool_)
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.asarray(self.ids[places] == ids)


class Indexes:
    """The indexes of all owners' collections that were asked lately.

    Args:
        model: whose vectors are searched.
        dimensions: of its vectors.
        budget_bytes: memory they may take; the one that was asked longest ago goes first.
    """

    def __init__(self, model: str, dimensions: int, budget_bytes: int = 1_000_000_000) -> None:
        self._model = model
        self._dimensions = dimensions
        self._budget_bytes = budget_bytes
        self._held: OrderedDict[tuple[Path, int], Index] = OrderedDict()
        self._lock = threading.Lock()

    def holds(self, database: Database, collection_id: int, version: int) -> bool:
        """Whether this very state of a collection is in memory."""
        with self._lock:
            held = self._held.get((database.folder, collection_id))
        return held is not None and held.version == version

    def of(self, database: Database, collection_id: int, version: int) -> Index:
        """The index of a collection as it is now; only what changed since the last call is read."""
        key = (database.folder, collection_id)
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
        if held is not None and held.version == version:
            return held
        made = self._read(database, collection_id, held)
        with self._lock:
            self._held[key] = made
            self._held.move_to_end(key)
            while len(self._held) > 1 and sum(index.nbytes for index in self._held.values()) > self._budget_bytes:
                self._held.popitem(last=False)
        return made

    def refresh(self, database: Database, collection_id: int, version: int) -> Index:
        """The index after a change; writes a new snapshot where enough has come or gone since the last."""
        index = self.of(database, collection_id, version)
        snapshot = index.snapshot
        of_snapshot = len(snapshot.vectors.ids) if snapshot else 0
        gone = of_snapshot + len(index.tail_ids) - len(index.ids)
        if (
            len(index.tail_ids) < max(SNAPSHOT_AFTER, SNAPSHOT_SHARE * of_snapshot)
            and gone <= _GONE_SHARE * of_snapshot
        ):
            return index
        self._write(database, collection_id, index, anew=gone > _GONE_SHARE * of_snapshot)
        with self._lock:
            self._held.pop((database.folder, collection_id), None)
        return self.of(database, collection_id, version)

    def _read(self, database: Database, collection_id: int, held: Index | None) -> Index:
        with database.reading() as connection:
            state = connection.execute("SELECT version FROM collection WHERE id = ?", (collection_id,)).fetchone()
            row = connection.execute(
                "SELECT folder, kind, last_chunk_id FROM snapshot WHERE collection_id = ? AND model = ?",
                (collection_id, self._model),
            ).fetchone()
            snapshot = self._snapshot(database, row, held)
            after = snapshot.last_chunk_id if snapshot else 0
            rows = connection.execute(_NEW_PASSAGES, (self._model, collection_id, after)).fetchall()
            ids = [
                chunk_id
                for (chunk_id,) in connection.execute(
                    "SELECT chunk.id FROM chunk JOIN document ON document_id = document.id WHERE collection_id = ? "
                    "ORDER BY chunk.id",
                    (collection_id,),
                )
            ]
        stems = stemmer()
        tail_ids = [row[0] for row in rows]
        return Index(
            version=state[0] if state else -1,
            ids=np.asarray(ids, np.int64),
            snapshot=snapshot,
            tail_ids=np.asarray(tail_ids, np.int64),
            tail_vectors=self._matrix([row[1] for row in rows]),
            tail_lexical=Segment.of(tail_ids, [stems(searched_text(json.loads(row[2]), row[3])) for row in rows]),
        )

    def _matrix(self, blobs: Sequence[bytes]) -> Vectors:
        flat = np.frombuffer(b"".join(blobs), "<f2").astype(np.float32)
        return flat.reshape(len(blobs), self._dimensions)  # (N, D)

    def _snapshot(self, database: Database, row: tuple[str, Kind, int] | None, held: Index | None) -> _Snapshot | None:
        if row is None:
            return None
        name, kind, last_chunk_id = row
        if held is not None and held.snapshot is not None and held.snapshot.folder == name:
            return held.snapshot
        folder = snapshots_folder(database) / name
        try:
            return _Snapshot(name, last_chunk_id, VectorIndex.load(folder, kind), Segment.load(folder))
        except (OSError, RuntimeError, ValueError, EOFError):  # gone or damaged: everything in it is in SQLite too
            log.warning("the snapshot %s of a collection cannot be read; its passages are read one by one", name)
            return None

    def _write(self, database: Database, collection_id: int, index: Index, *, anew: bool) -> None:
        """Write a snapshot of a state and name it in SQLite, unless another thread has written one meanwhile."""
        parent = snapshots_folder(database)
        with database.reading() as connection:
            (generation,) = connection.execute(
                "SELECT COALESCE(MAX(generation), 0) FROM snapshot WHERE collection_id = ? AND model = ?",
                (collection_id, self._model),
            ).fetchone()
        whole = self._whole(database, collection_id)
        with new_folder(parent) as folder:
            vectors = self._continued(index, whole) if not anew else None
            vectors = vectors or VectorIndex.of(whole.tail_ids, whole.tail_vectors)
            vectors.save(folder)
            whole.tail_lexical.save(folder)
        with database.writing() as connection:
            old = connection.execute(
                "SELECT folder, generation FROM snapshot WHERE collection_id = ? AND model = ?",
                (collection_id, self._model),
            ).fetchone()
            known = connection.execute("SELECT 1 FROM collection WHERE id = ?", (collection_id,)).fetchone()
            current = known is not None and (old[1] if old else 0) == generation
            if current:
                connection.execute(
                    "INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        collection_id,
                        self._model,
                        generation + 1,
                        folder.name,
                        vectors.kind,
                        int(vectors.ids[-1]) if len(vectors.ids) else 0,
                        len(vectors.ids),
                    ),
                )
        useless = (old[0] if old else None) if current else folder.name
        if useless:
            shutil.rmtree(parent / useless, ignore_errors=True)
        sweep(database)

    def _whole(self, database: Database, collection_id: int) -> Index:
        """Everything of a collection read from SQLite, as if there were no snapshot."""
        with database.reading() as connection:
            rows = connection.execute(_NEW_PASSAGES, (self._model, collection_id, 0)).fetchall()
        stems = stemmer()
        ids = [row[0] for row in rows]
        return Index(
            version=0,
            ids=np.asarray(ids, np.int64),
            snapshot=None,
            tail_ids=np.asarray(ids, np.int64),
            tail_vectors=self._matrix([row[1] for row in rows]),
            tail_lexical=Segment.of(ids, [stems(searched_text(json.loads(row[2]), row[3])) for row in rows]),
        )

    @staticmethod
    def _continued(index: Index, whole: Index) -> VectorIndex | None:
        """The snapshot's vectors with the new ones added, where that is cheaper than making them anew: a graph.

        None where there is none to continue, where another kind is due, or where passages of it are gone.
        """
        snapshot = index.snapshot
        if snapshot is None or snapshot.vectors.kind == "exact" or snapshot.vectors.kind != kind_for(len(whole.ids)):
            return None
        if not np.isin(snapshot.vectors.ids, whole.ids, assume_unique=True).all():
            return None
        new = whole.ids > snapshot.last_chunk_id
        copy = snapshot.vectors.copy()
        copy.add(whole.ids[new], whole.tail_vectors[new])
        return copy


def searched_text(headings: Sequence[str], text: str) -> str:
    """What is embedded and indexed of a passage: its headings, where the text itself does not begin with them."""
    led = " > ".join(heading for heading in headings if heading and not text.startswith(heading))
    return f"{led}\n{text}" if led else text
