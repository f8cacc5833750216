"""FAISS indexes of a collection's vectors: which kind for which size, made, saved and searched.

Douze et al. 2024, "The Faiss library", arXiv:2401.08281.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["exact", "HNSW", "IVF"]
Vectors = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

#: Up to so many vectors every one is compared; above, a graph is walked; above the second, cells are probed.
EXACT_UNTIL = 20_000
HNSW_UNTIL = 2_000_000

_HNSW_LINKS, _HNSW_BUILD, _HNSW_SEARCH = 24, 80, 128
_IVF_PROBES = 32


def kind_for(count: int) -> Kind:
    """The kind of index for so many vectors."""
    if count <= EXACT_UNTIL:
        return "exact"
    return "HNSW" if count <= HNSW_UNTIL else "IVF"


class VectorIndex:
    """Vectors of unit length by passage id, searched by cosine.

    Attributes:
        kind: exact, HNSW or IVF.
        ids: the passages (N), ascending, in the order of the index.
    """

    def __init__(self, kind: Kind, ids: Ids, index: Any) -> None:
        self.kind = kind
        self.ids = ids
        self._index = index

    @classmethod
    def of(cls, ids: Ids, vectors: Vectors, kind: Kind | None = None) -> VectorIndex:
        """Index vectors (N, D); of the kind that goes with their number where none is given."""
        import faiss

        kind = kind or kind_for(len(ids))
        dimensions = vectors.shape[1]
        index: Any
        if kind == "exact":
            index = faiss.IndexFlatIP(dimensions)
        elif kind == "HNSW":
            index = faiss.IndexHNSWFlat(dimensions, _HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = _HNSW_BUILD
        else:
            cells = int(4 * np.sqrt(len(ids)))
            index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimensions), dimensions, cells, faiss.METRIC_INNER_PRODUCT)
            sample = np.random.default_rng(0).choice(len(ids), min(len(ids), cells * 64), replace=False)
            index.train(vectors[np.sort(sample)])
        made = cls(kind, np.empty(0, np.int64), index)
        made.add(ids, vectors)
        return made

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors (N, D) of passages with higher ids than those there are."""
        self._index.add(np.ascontiguousarray(vectors, np.float32))
        self.ids = np.concatenate([self.ids, ids])
        self._prepare()

    def copy(self) -> VectorIndex:
        """One that can be added to while this one is searched."""
        import faiss

        return VectorIndex(self.kind, self.ids, faiss.clone_index(self._index))

    def reconstruct(self, ids: Ids) -> tuple[npt.NDArray[np.bool_], Vectors]:
        """Which of some passages (M) are in here, and the vectors (K, D) of these."""
        if not len(self.ids):
            return np.zeros(len(ids), np.bool_), np.empty((0, self._index.d), np.float32)
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        here = np.asarray(self.ids[places] == ids)
        return here, self._index.reconstruct_batch(places[here])

    def _prepare(self) -> None:
        if self.kind == "HNSW":
            self._index.hnsw.efSearch = _HNSW_SEARCH
        elif self.kind == "IVF":
            self._index.nprobe = _IVF_PROBES
            self._index.make_direct_map()

    def search(self, query: Vectors, count: int) -> tuple[Ids, Vectors]:
        """The passages nearest to a vector (D,) and their cosines, best first; at most `count` of each."""
        if not len(self.ids):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        cosines, places = self._index.search(query[None, :], min(count, len(self.ids)))
        found = places[0] >= 0
        return self.ids[places[0][found]], cosines[0][found]

    @property
    def nbytes(self) -> int:
        """Memory it takes, in bytes, about."""
        links = 2 * _HNSW_LINKS * 4 if self.kind == "HNSW" else 0
        return int(len(self.ids) * (self._index.d * 4 + links + 8))

    def save(self, folder: Path) -> None:
        """Write it as FAISS's own file."""
        import faiss

        faiss.write_index(self._index, str(folder / "vectors.faiss"))
        np.save(folder / "vector_ids.npy", self.ids)

    @classmethod
    def load(cls, folder: Path, kind: Kind) -> VectorIndex:
        """Read what `save` wrote."""
        import faiss

        made = cls(kind, np.load(folder / "vector_ids.npy"), faiss.read_index(str(folder / "vectors.faiss")))
        made._prepare()
        return made
