"""BM25 over segments, by bm25s (Lù 2024, arXiv:2407.03618) with Snowball stems.

An index of bm25s is made in one go. So that a new file does not mean a new index of everything, a collection has a
large segment on disk and a small one of what came later. Each was weighted with its own document frequencies; a
query's scores are corrected to those of the whole, term by term.
"""

from __future__ import annotations

import logging
import math
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

K1, B = 1.2, 0.75

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_STOPWORDS = frozenset(
    """
    a an and are as at be been being but by can could did do does doing for from had has have having he her his how
    i if in into is it its may might must of on or our shall she should so such than that the their them then there
    these they this those to was we were what when where which while who whom whose why will with would you your
    """.split()  # noqa: SIM905
)


class Stemmer:
    """Texts as stems. Not to be used by two threads at once.

    Args:
        language: one of Snowball's.
    """

    def __init__(self, language: str = "english") -> None:
        import Stemmer as Snowball

        self._snowball = Snowball.Stemmer(language)

    def __call__(self, text: str) -> list[str]:
        """The stems of a text's words in their order, without the most frequent words."""
        words = (word.removesuffix("'s") for word in _WORD.findall(text.lower().replace("\u2019", "'")))
        stems: list[str] = self._snowball.stemWords([word for word in words if word not in _STOPWORDS])
        return stems


def stemmer() -> Stemmer:
    """This thread's own, which remembers the words that it has seen."""
    if not hasattr(_OWN, "stemmer"):
        _OWN.stemmer = Stemmer()
    made: Stemmer = _OWN.stemmer
    return made


_OWN = threading.local()


class Segment:
    """An index of some passages.

    Attributes:
        ids: the passages (N), ascending.
    """

    def __init__(self, ids: npt.NDArray[np.int64], index: Any) -> None:
        self.ids = ids
        self._index = index

    @classmethod
    def of(cls, ids: Sequence[int], texts: Sequence[Sequence[str]]) -> Segment:
        """Index the stems of passages."""
        index = _bm25s().BM25(k1=K1, b=B, method="lucene")
        if any(texts):
            index.index(list(texts), show_progress=False)
        else:
            index = None
        return cls(np.asarray(ids, np.int64), index)

    def save(self, folder: Path) -> None:
        """Write it as files of bm25s."""
        np.save(folder / "ids.npy", self.ids)
        if self._index is not None:
            self._index.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> Segment:
        """Read what `save` wrote."""
        there = (folder / "params.index.json").is_file()
        index = _bm25s().BM25.load(folder, show_progress=False) if there else None
        return cls(np.load(folder / "ids.npy"), index)

    @property
    def nbytes(self) -> int:
        """Memory of its arrays, in bytes."""
        held = self._index.scores if self._index is not None else {}
        return self.ids.nbytes + sum(array.nbytes for array in held.values() if isinstance(array, np.ndarray))

    def frequency(self, term: str) -> int:
        """In how many of the passages a stem stands."""
        at = self._index.vocab_dict.get(term) if self._index is not None else None
        if at is None:
            return 0
        pointers = self._index.scores["indptr"]
        return int(pointers[at + 1] - pointers[at])

    def scores(self, weights: Sequence[tuple[str, float]]) -> npt.NDArray[np.float32]:
        """The weighted scores of every passage (N)."""
        scores = np.zeros(len(self.ids), np.float32)
        for term, weight in weights:
            places, held = self._postings(term)
            scores[places] += weight * held
        return scores

    def scores_of(self, ids: npt.NDArray[np.int64], weights: Sequence[tuple[str, float]]) -> npt.NDArray[np.float32]:
        """The weighted scores of some passages (M); 0 for those of other segments."""
        scores = np.zeros(len(ids), np.float32)
        if not len(self.ids):
            return scores
        wanted = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        here = self.ids[wanted] == ids
        for term, weight in weights:
            places, held = self._postings(term)
            if len(places):
                at = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
                scores += np.where(here & (places[at] == wanted), weight * held[at], 0)
        return scores

    def _postings(self, term: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Where a stem stands, ascending, and its scores there as this segment alone weights them."""
        at = self._index.vocab_dict.get(term) if self._index is not None else None
        if at is None:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        held = self._index.scores
        start, end = held["indptr"][at], held["indptr"][at + 1]
        return held["indices"][start:end], held["data"][start:end]


def _bm25s() -> Any:
    """The library, without what it tells about each index."""
    import bm25s

    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return bm25s


class Segments:
    """The segments of one collection, weighted as one.

    Attributes:
        total: passages in all.
    """

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self.total = sum(len(segment.ids) for segment in segments)
        self._idfs: dict[str, float] = {}  # of the stems that were asked for; no more than the vocabulary

    def idf(self, term: str) -> float:
        """How rare a stem is in the collection, as Lucene has it: never negative."""
        known = self._idfs.get(term)
        if known is None:
            frequency = sum(segment.frequency(term) for segment in self._segments)
            known = self._idfs[term] = _idf(frequency, self.total)
        return known

    def best(self, weights: Mapping[str, float], count: int) -> npt.NDArray[np.int64]:
        """The passages of the highest scores above 0, at most `count` of each segment, in no order."""
        found = []
        for segment in self._segments:
            scores = segment.scores(self._corrected(segment, weights))
            places = np.argpartition(-scores, count - 1)[:count] if len(scores) > count else np.arange(len(scores))
            found.append(segment.ids[places[scores[places] > 0]])
        return np.concatenate(found)

    def scores_of(self, ids: npt.NDArray[np.int64], weights: Mapping[str, float]) -> npt.NDArray[np.float32]:
        """BM25 of some passages (M), each term's part multiplied by its weight."""
        scores = np.zeros(len(ids), np.float32)
        for segment in self._segments:
            scores += segment.scores_of(ids, self._corrected(segment, weights))
        return scores

    def _corrected(self, segment: Segment, weights: Mapping[str, float]) -> list[tuple[str, float]]:
        """The weights that turn a segment's own scores into those of the whole collection."""
        made = []
        for term, weight in weights.items():
            own = segment.frequency(term)
            if own:
                made.append((term, weight * self.idf(term) / _idf(own, len(segment.ids))))
        return made


def is_stopword(word: str) -> bool:
    """Whether a word, in small letters, is too frequent to tell anything."""
    return word in _STOPWORDS


def _idf(frequency: int, total: int) -> float:
    """As Lucene has it, never negative."""
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))
