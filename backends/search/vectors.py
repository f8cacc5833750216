"""FAISS indexes of what an owner's collections were searched for lately, in memory; SQLite is the truth.

Every vector is compared: up to the 100,000 pictures that a collection may have this takes milliseconds, and what comes
and goes is added and removed without making the index anew. Douze et al. 2024, "The Faiss library", arXiv:2401.08281.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from backends.search.database import Database
from backends.search.library import Vectors, loaded

#: Vectors that are read at once.
_AT_ONCE = 2_000

#: `looks` are of pictures, by one model; `meanings` of the words about them.
Which = Literal["looks", "meanings"]
_IDS = {
    "looks": "SELECT picture_id FROM look JOIN picture ON picture_id = picture.id "
    "WHERE collection_id = ? AND model = ?",
    "meanings": "SELECT passage.id FROM passage JOIN picture ON picture_id = picture.id "
    "WHERE collection_id = ? AND ? = ''",
}
_VECTORS = {
    "looks": "SELECT picture_id, vector FROM look WHERE model = ? AND picture_id IN ({})",
    "meanings": "SELECT id, vector FROM passage WHERE ? = '' AND id IN ({})",
}


@dataclass
class _Held:
    """An index, and the state of the collection that it has; `index` is None while it is empty."""

    version: int = -1
    index: Any = None
    ids: set[int] = field(default_factory=set)

    @property
    def nbytes(self) -> int:
        """Memory it takes, in bytes, about."""
        return len(self.ids) * (self.index.d * 4 + 100) if self.index is not None else 0


class VectorIndexes:
    """The indexes of all owners' collections that were searched lately. For many threads.

    Args:
        budget_bytes: memory they may take; the one that was searched longest ago goes first.
    """

    def __init__(self, budget_bytes: int = 1_000_000_000) -> None:
        self._budget_bytes = budget_bytes
        self._held: OrderedDict[tuple[Path, int, Which, str], _Held] = OrderedDict()
        self._lock = threading.Lock()

    def near(
        self, database: Database, collection_id: int, which: Which, query: Vectors, count: int, model: str = ""
    ) -> dict[int, float]:
        """The nearest to a vector (D,) of unit length: id to cosine, the nearest first.

        Args:
            which: whether ids are of pictures or of passages.
            model: whose vectors of the pictures are compared.
        """
        key = (database.folder, collection_id, which, model)
        with self._lock:
            held = self._held.setdefault(key, _Held())
            self._held.move_to_end(key)
            _bring_up(held, database, collection_id, which, model)
            self._keep_to_budget()
            if held.index is None or not held.ids:
                return {}
            scores, ids = held.index.search(query[None].astype(np.float32), min(count, len(held.ids)))
        return {int(number): float(score) for number, score in zip(ids[0], scores[0], strict=True)}

    def holds(self, database: Database, collection_id: int, version: int, model: str) -> bool:
        """Whether the looks of this very state of a collection, by a model, are in memory."""
        with self._lock:
            held = self._held.get((database.folder, collection_id, "looks", model))
        return held is not None and held.version == version

    def _keep_to_budget(self) -> None:
        while len(self._held) > 1 and sum(held.nbytes for held in self._held.values()) > self._budget_bytes:
            self._held.popitem(last=False)


def _bring_up(held: _Held, database: Database, collection_id: int, which: Which, model: str) -> None:
    """Add what came to the collection since the last search, and remove what went."""
    import faiss

    with database.reading() as connection:
        row = connection.execute("SELECT version FROM collection WHERE id = ?", (collection_id,)).fetchone()
        version = row[0] if row else -1
        if held.version == version:
            return
        ids = {row[0] for row in connection.execute(_IDS[which], (collection_id, model))}
        gone, new = held.ids - ids, sorted(ids - held.ids)
        if gone:
            held.index.remove_ids(np.array(sorted(gone), np.int64))
        for start in range(0, len(new), _AT_ONCE):
            part = new[start : start + _AT_ONCE]
            query = _VECTORS[which].format(", ".join("?" * len(part)))
            rows = connection.execute(query, (model, *part)).fetchall()
            vectors = loaded([vector for _, vector in rows])  # (n, D)
            if held.index is None:
                held.index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
            held.index.add_with_ids(vectors, np.array([number for number, _ in rows], np.int64))
    held.ids, held.version = ids, version
