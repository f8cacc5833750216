"""Answers from the documents' own sentences: the one that answers, marked in its passage, and others that may too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from backends.documents.evidence import Judge, Reader, Sentence
from backends.documents.fields import Citation
from backends.documents.places import escaped
from backends.documents.retrieval import Hit
from backends.documents.sentences import sentences

#: A further sentence is quoted if its share of the answer is at least this, and as many at most.
_FURTHER_SHARE, _FURTHER = 0.12, 2

NOT_FOUND = "The documents don't say."
NOT_SURE = f"{NOT_FOUND} The nearest passages are listed as sources."


@dataclass(frozen=True)
class Answer:
    """What was found: Markdown, and where it comes from."""

    text: str
    found: bool
    citations: list[Citation]
    relevance: float


class Extractor:
    """Picks sentences.

    Args:
        reader: finds the evidence in passages.
        judge: weighs it.
    """

    def __init__(self, reader: Reader, judge: Judge) -> None:
        self._reader = reader
        self._judge = judge

    def answer(self, question: str, hits: Sequence[Hit], idf: Callable[[str], float], asked: str = "") -> Answer:
        """The answer to a question from the passages that were found, best first; says so where they do not have it.

        Args:
            question: as it was searched.
            hits: the passages.
            idf: how rare a stem is in the collection.
            asked: a follow-up question as it was asked, without the words that were put to it.
        """
        ranked, relevance = self.ranked(question, hits, idf, asked)
        if relevance < self._judge.threshold or not ranked:
            nearest = self.citations(ranked, hits)
            return Answer(NOT_SURE if nearest else NOT_FOUND, False, nearest, relevance)
        chosen = _chosen(ranked)
        cited = [cite(number, sentence, share) for number, (sentence, share) in enumerate(chosen, 1)]
        return Answer(_told(cited), True, cited, relevance)

    def ranked(
        self, question: str, hits: Sequence[Hit], idf: Callable[[str], float], asked: str = ""
    ) -> tuple[list[tuple[Sentence, float]], float]:
        """The sentences, best first, each with its share of the answer, and the relevance of all of them.

        A follow-up counts by half as it was asked: the words put to it lead to the place, but are not what is asked.
        """
        found = self._reader.sentences(question, hits, idf)
        if not found:
            return [], 0.0
        scores = self._judge.scores(found)
        relevance = self._judge.relevance_of(found, scores)
        if asked and asked != question:
            scores = (scores + self._judge.scores(self._reader.sentences(asked, hits, idf))) / 2
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        order = np.argsort(-shares, kind="stable")
        return [(found[i], float(shares[i])) for i in order], relevance

    @staticmethod
    def citations(ranked: Sequence[tuple[Sentence, float]], hits: Sequence[Hit]) -> list[Citation]:
        """Each passage in its own order, its best sentence as the quote."""
        best: dict[int, tuple[Sentence, float]] = {}
        for sentence, share in ranked:
            best.setdefault(sentence.hit.passage.chunk_id, (sentence, share))
        there = [best[hit.passage.chunk_id] for hit in hits if hit.passage.chunk_id in best]
        return [cite(number, sentence, share) for number, (sentence, share) in enumerate(there, 1)]


def _chosen(ranked: Sequence[tuple[Sentence, float]]) -> list[tuple[Sentence, float]]:
    """The best sentence, and others that may answer too: from other places, not the same words again."""
    chosen = [ranked[0]]
    for sentence, share in ranked[1:]:
        if len(chosen) > _FURTHER or share < _FURTHER_SHARE:
            break
        if all(_differs(sentence, other) for other, _ in chosen):
            chosen.append((sentence, share))
    return chosen


def _differs(one: Sentence, other: Sentence) -> bool:
    first, second = set(one.text.lower().split()), set(other.text.lower().split())
    return len(first & second) < 0.7 * min(len(first), len(second))


def cite(number: int, sentence: Sentence, score: float) -> Citation:
    """A sentence as a source."""
    passage = sentence.hit.passage
    return Citation(
        number=number,
        collection=passage.collection,
        document=passage.document,
        page=passage.page,
        page_index=passage.page_index,
        span=(passage.start + sentence.span[0], passage.start + sentence.span[1]),
        passage_span=(passage.start, passage.end),
        headings=list(passage.headings),
        quote=sentence.text,
        passage=passage.text,
        score=round(score, 4),
    )


def _told(cited: Sequence[Citation]) -> str:
    """The best sentence marked between its neighbours, then the others on a line of their own."""
    first = cited[0]
    parts = [f"{marked(first)} [{first.number}]"]
    if len(cited) > 1:
        parts.append("It may also be this:")
        parts += [f"{escaped(' '.join(one.quote.split()))} [{one.number}]" for one in cited[1:]]
    return "\n\n".join(parts)


def marked(citation: Citation) -> str:
    """A quote in bold with the sentence before and the one after it, where the passage has them."""
    start = citation.span[0] - citation.passage_span[0]
    spans = sentences(citation.passage)
    at = next((i for i, span in enumerate(spans) if span[0] == start), 0)
    words = [" ".join(citation.passage[a:b].split()) for a, b in spans[max(0, at - 1) : at + 2]]
    bold = min(at, 1)
    return " ".join(f"**{escaped(text)}**" if i == bold else escaped(text) for i, text in enumerate(words))
