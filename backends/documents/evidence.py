"""How well a sentence answers a question, from a passage that was found.

A linear model over a few pieces of evidence: likeness in meaning (the sentence alone, and its words as the embedding
model sees them in their passage, after the late interaction of ColBERT, Khattab and Zaharia 2020, arXiv:2004.12832),
shared words, and whether something of the kind that is asked for is there (Li and Roth 2002). Its weights are in
`evidence.json`, written by `recipes/documents.py` from the training questions of XQuAD.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from backends.documents.asked import Kind, answers_kind, kind_of, new_names
from backends.documents.embedder import Embedder, TokenVectors
from backends.documents.lexical import is_stopword, stemmer
from backends.documents.retrieval import Hit
from backends.documents.sentences import Span, sentences

Features = npt.NDArray[np.float64]

FEATURES = (
    "meaning of the sentence",
    "words in the sentence",
    "words in it and the one before",
    "words in it and both around",
    "word pairs in the sentence",
    "the kind that is asked for",
    "new names",
    "new words",
    "figures where figures are asked for",
    "meaning, word by word",
    "meaning, word by word, every word",
    "the word least met",
    "meaning within the passage",
    "passage below the best",
    "passage is the best",
    "meaning of the passage",
)

_WORD = re.compile(r"[\w'-]+")
_STOPWORD_WEIGHT = 0.2
_KEPT_PASSAGES = 256
_TOGETHER = 16


@dataclass(frozen=True)
class Sentence:
    """A sentence of a passage that was found.

    Attributes:
        hit: the passage.
        span: its characters in the passage's text.
        features: see FEATURES.
    """

    hit: Hit
    span: Span
    features: Features

    @property
    def text(self) -> str:
        """Its words."""
        return self.hit.passage.text[self.span[0] : self.span[1]]


@dataclass(frozen=True)
class _Read:
    """A passage as the model sees it: its sentences, their vectors (S, D), and its word pieces."""

    spans: list[Span]
    vectors: npt.NDArray[np.float32]
    whole: TokenVectors
    stems: list[list[str]]


class Reader:
    """Reads passages for questions. Keeps what it made of the last ones.

    Args:
        embedder: sees meanings.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._kept: OrderedDict[str, _Read] = OrderedDict()
        self._lock = Lock()

    def sentences(self, question: str, hits: Sequence[Hit], idf: Callable[[str], float]) -> list[Sentence]:
        """The sentences of passages with the evidence in each, in reading order.

        Args:
            question: as it was searched.
            hits: the passages, best first.
            idf: how rare a stem is in the collection.
        """
        if not hits:
            return []
        asked = _Question.of(question, self._embedder, idf)
        best = max(hit.score for hit in hits)
        found = []
        for rank, (hit, read) in enumerate(zip(hits, self._read([hit.passage.text for hit in hits]), strict=True)):
            cosine = float(read.whole.whole @ asked.seen.whole) if hit.cosine is None else hit.cosine
            of_passage = (min(0.0, hit.score - best), float(rank == 0), cosine)
            for number, span in enumerate(read.spans):
                features = np.array([*asked.evidence(hit.passage.text, read, number), *of_passage])
                found.append(Sentence(hit, span, features))
        return found

    def _read(self, texts: Sequence[str]) -> list[_Read]:
        """Each passage's sentences, from what is kept or anew."""
        with self._lock:
            known = {text: self._kept[text] for text in texts if text in self._kept}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        for start in range(0, len(new), _TOGETHER):
            known |= self._read_new(new[start : start + _TOGETHER])
        with self._lock:
            for text in texts:
                self._kept[text] = known[text]
                self._kept.move_to_end(text)
            while len(self._kept) > _KEPT_PASSAGES:
                self._kept.popitem(last=False)
        return [known[text] for text in texts]

    def _read_new(self, texts: Sequence[str]) -> dict[str, _Read]:
        spans = [sentences(text) for text in texts]
        alone = [text[a:b] for text, own in zip(texts, spans, strict=True) for a, b in own]
        vectors = self._embedder.passages(alone) if alone else np.empty((0, self._embedder.dimensions), np.float32)
        whole = self._embedder.read(texts)
        own_stemmer, made, at = stemmer(), {}, 0
        for text, own, seen in zip(texts, spans, whole, strict=True):
            stems = [own_stemmer(text[a:b]) for a, b in own]
            made[text] = _Read(own, vectors[at : at + len(own)], seen, stems)
            at += len(own)
        return made


@dataclass(frozen=True)
class _Question:
    """A question with everything that sentences are compared by."""

    stems: list[str]
    rarity: npt.NDArray[np.float64]
    words: frozenset[str]
    kind: Kind
    seen: TokenVectors
    weights: npt.NDArray[np.float64]

    @classmethod
    def of(cls, question: str, embedder: Embedder, idf: Callable[[str], float]) -> _Question:
        stems = stemmer()(question)
        distinct = list(dict.fromkeys(stems))
        rarity = np.array([idf(stem) for stem in distinct])
        seen = embedder.read([question], question=True)[0]
        pieces = [question[a:b].lower() for a, b in seen.places]
        weights = np.array([_STOPWORD_WEIGHT if is_stopword(w) or not w.isalnum() else 1.0 for w in pieces])
        return cls(
            stems,
            rarity / max(float(rarity.sum()), 1e-9),
            frozenset(word.lower() for word in _WORD.findall(question)),
            kind_of(question),
            seen,
            weights / max(float(weights.sum()), 1e-9),
        )

    def evidence(self, passage: str, read: _Read, number: int) -> list[float]:
        """The features that are the sentence's own."""
        span = read.spans[number]
        text = passage[span[0] : span[1]]
        own = set(read.stems[number])
        before = own | set(read.stems[number - 1] if number else ())
        around = before | set(read.stems[number + 1] if number + 1 < len(read.spans) else ())
        figures = any(c.isdigit() for c in text) and self.kind in ("number", "date")
        return [
            float(read.vectors[number] @ self.seen.whole),
            self._shared(own),
            self._shared(before),
            self._shared(around),
            self._pairs(read.stems[number]),
            answers_kind(text, self.kind, self.words),
            min(4, new_names(text, self.words)) / 4,
            float(np.log1p(len(own.difference(self.stems)))) / 3,
            float(figures),
            *self._word_by_word(read.whole, span),
        ]

    def _shared(self, stems: set[str]) -> float:
        """The share of the question's words, by rarity, that are there."""
        distinct = dict.fromkeys(self.stems)
        return float(sum(rare for stem, rare in zip(distinct, self.rarity, strict=True) if stem in stems))

    def _pairs(self, stems: Sequence[str]) -> float:
        own = set(zip(self.stems, self.stems[1:], strict=False))
        return len(own & set(itertools.pairwise(stems))) / (len(own) + 1)

    def _word_by_word(self, whole: TokenVectors, span: Span) -> list[float]:
        inside = (whole.places[:, 0] < span[1]) & (whole.places[:, 1] > span[0])
        if not inside.any() or not len(self.weights):  # beyond what the model reads of a passage
            return [0.0, 0.0, 0.0, 0.0]
        vectors = whole.tokens[inside]  # (T, D)
        met = (self.seen.tokens @ vectors.T).max(axis=1)  # (Q, T) -> (Q,)
        telling = self.weights > self.weights.max() / 2
        pooled = vectors.mean(axis=0)
        pooled /= max(float(np.linalg.norm(pooled)), 1e-9)
        return [
            float(met @ self.weights),
            float(met.mean()),
            float(met[telling].min()),
            float(pooled @ self.seen.whole),
        ]


@dataclass(frozen=True)
class Judge:
    """The linear models: which sentence answers, and whether the passages answer at all.

    Attributes:
        mean, scale, weights: of the features of a sentence.
        relevance: weights of `relevance_features`, and the constant.
        threshold: below this relevance the documents don't say.
    """

    mean: Features
    scale: Features
    weights: Features
    relevance: Features
    threshold: float

    @classmethod
    def load(cls, file: Path | None = None) -> Judge:
        """The shipped one, or that of a file."""
        held = json.loads((file or Path(__file__).with_name("evidence.json")).read_text("utf-8"))
        if tuple(held["features"]) != FEATURES:
            raise ValueError("evidence.json was made for other features: run python -m recipes documents")
        arrays = {name: np.array(held[name]) for name in ("mean", "scale", "weights", "relevance")}
        return cls(**arrays, threshold=float(held["threshold"]))

    def scores(self, found: Sequence[Sentence]) -> Features:
        """One per sentence (N); only comparable within one question."""
        if not found:
            return np.empty(0)
        features = np.array([sentence.features for sentence in found])  # (N, F)
        scores: Features = ((features - self.mean) / self.scale) @ self.weights
        return scores

    def relevance_of(self, found: Sequence[Sentence], scores: Features) -> float:
        """How likely it is that the best of these sentences answers the question, 0..1."""
        if not found:
            return 0.0
        score = float(relevance_features(found, scores) @ self.relevance[:-1] + self.relevance[-1])
        return 1 / (1 + math.exp(-score))


_MEANING, _AROUND, _WORD_BY_WORD = (
    FEATURES.index(name) for name in ("meaning of the sentence", "words in it and both around", "meaning, word by word")
)


def relevance_features(found: Sequence[Sentence], scores: Features) -> Features:
    """What tells whether passages answer at all (3): sentences count, so that long passages are no worse than short."""
    best = found[int(np.argmax(scores))].features
    nearest = max(float(sentence.features[_MEANING]) for sentence in found)
    return np.array([nearest, best[_WORD_BY_WORD], best[_AROUND]])
