"""Finds passages: by meaning and by words, fused, then once more with what the best of them are about.

1. The nearest passages by cosine, and the best by BM25.
2. Both scores of each are added; BM25 as a share of the best one.
3. The best few are taken for relevant: the question's vector moves towards theirs (Rocchio 1971), their most telling
   stems join the question's (Lavrenko and Croft 2001, as RM3), and the candidates are scored again. This finds more
   of a topic, but would bury the one passage that holds a fact; so the first of the first round stays first.

The weights were chosen on the odd queries of Cranfield and the training questions of XQuAD;
`bench/documents_quality.py` reports the others beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backends.documents.embedder import Embedder
from backends.documents.index import Index, Indexes, searched_text
from backends.documents.lexical import stemmer
from backends.documents.library import Library, Passage

CANDIDATES = 100
#: What the best BM25 counts beside a cosine.
BM25_WEIGHT = 0.4
#: Feedback: from how many passages, how much their mean counts beside the question, how many stems, and their weight.
FEEDBACK_PASSAGES, FEEDBACK_VECTOR, FEEDBACK_TERMS, FEEDBACK_TERM = 5, 1.0, 40, 0.5

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Hit:
    """A passage that was found.

    Attributes:
        score: what it is ranked by; only comparable within one search.
        cosine: of the question and the passage; None where another model has searched.
        bm25: for the question's own words.
    """

    passage: Passage
    score: float
    cosine: float | None
    bm25: float


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Attributes:
        hits: the passages, best first.
        how: how they were searched, in words.
        idf: how rare a stem is in the collection.
    """

    hits: list[Hit]
    how: str
    idf: Callable[[str], float]


class Retriever:
    """Searches collections with one embedding model.

    Args:
        embedder: makes the questions' vectors.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.indexes = Indexes(embedder.name, embedder.dimensions)

    def search(
        self, library: Library, collection_id: int, version: int, question: str, count: int, *, hybrid: bool = True
    ) -> Found:
        """The best `count` passages of a collection for a question; by meaning alone where not `hybrid`."""
        index = self.indexes.of(library.database, collection_id, version)
        stems = stemmer()
        query = self.embedder.query(question)
        terms = dict.fromkeys(stems(question), 1.0) if hybrid else {}
        ids = np.unique(np.concatenate([index.near(query, CANDIDATES), index.worded(terms, CANDIDATES)]))
        how = f"{len(index.ids):,} passages, {index.kind} search" + (" and BM25" if hybrid else "")
        if not len(ids):
            return Found([], how, index.words.idf)
        vectors = index.vectors_of(ids)
        cosines, bm25 = vectors @ query, index.words.scores_of(ids, terms)
        first = _fused(cosines, bm25)
        order = np.argsort(-first, kind="stable")
        if not hybrid:
            passages = library.passages(ids[order[:count]].tolist())
            return Found(_hits(passages, ids, first, cosines, bm25), how, index.words.idf)
        best = order[:FEEDBACK_PASSAGES]
        read = library.passages(ids[best].tolist())
        moved = query + FEEDBACK_VECTOR * vectors[best].mean(axis=0)
        moved /= np.linalg.norm(moved)
        more = _expanded(terms, [stems(searched_text(p.headings, p.text)) for p in read], index)
        scores = _fused(vectors @ moved, index.words.scores_of(ids, more))
        scores[order[0]] = scores.max() + 1e-3
        chosen = ids[np.argsort(-scores, kind="stable")[:count]].tolist()
        held = {passage.chunk_id: passage for passage in read}
        rest = library.passages([i for i in chosen if i not in held])
        held |= {passage.chunk_id: passage for passage in rest}
        return Found(_hits([held[i] for i in chosen if i in held], ids, scores, cosines, bm25), how, index.words.idf)


def _fused(cosines: Scores, bm25: Scores) -> Scores:
    top = float(bm25.max())
    fused: Scores = cosines + (BM25_WEIGHT / top) * bm25 if top > 0 else cosines.copy()
    return fused


def _expanded(terms: Mapping[str, float], texts: Sequence[Sequence[str]], index: Index) -> dict[str, float]:
    """The question's stems and the most telling ones of some passages: frequent in them, rare elsewhere."""
    telling: Counter[str] = Counter()
    for stems in texts:
        for stem, times in Counter(stems).items():
            telling[stem] += times / len(stems) * index.words.idf(stem)  # type: ignore[assignment]
    weights = dict(terms)
    top = telling.most_common(FEEDBACK_TERMS)
    for stem, value in top:
        weights[stem] = weights.get(stem, 0.0) + FEEDBACK_TERM * value / top[0][1]
    return weights


def _hits(
    passages: Sequence[Passage], ids: npt.NDArray[np.int64], scores: Scores, cosines: Scores, bm25: Scores
) -> list[Hit]:
    places = np.searchsorted(ids, [passage.chunk_id for passage in passages])
    return [
        Hit(passage, float(scores[place]), float(cosines[place]), float(bm25[place]))
        for passage, place in zip(passages, places, strict=True)
    ]
