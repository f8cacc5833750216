"""Cuts pages into passages of whole sentences that overlap, sized in tokens of the model that will embed them."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from backends.documents.parsers.parsed import Page
from backends.documents.sentences import Span, sentences

#: Counts the tokens of each text, without the model's own marks at both ends.
CountTokens = Callable[[Sequence[str]], list[int]]

_WORDS_AT_ONCE = 40  # a piece of a sentence that is longer than a whole passage


@dataclass(frozen=True)
class Chunk:
    """A passage: characters `start` to `end` of a page's text, and the headings it stands under, outermost first."""

    page: int
    start: int
    end: int
    headings: tuple[str, ...]
    tokens: int


def chunks(pages: Sequence[Page], count: CountTokens, size_tokens: int, overlap_tokens: int) -> Iterator[Chunk]:
    """The passages of a document in their order; none crosses a page or a heading.

    Args:
        pages: the document's pages.
        count: counts tokens.
        size_tokens: the most tokens of a passage.
        overlap_tokens: the most tokens that a passage repeats of the one before, in whole sentences.
    """
    for index, page in enumerate(pages):
        for start, end, headings in _sections(page):
            spans = list(_pieces(page.text, sentences(page.text, start, end), count, size_tokens))
            counts = count([page.text[a:b] for a, b in spans]) if spans else []
            for first, last in _groups(counts, size_tokens, overlap_tokens):
                yield Chunk(index, spans[first][0], spans[last - 1][1], headings, sum(counts[first:last]))


def _sections(page: Page) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """(start, end, headings) of the stretches of a page that stand under one heading."""
    starts = [heading.start for heading in page.headings]
    edges = sorted({0, *starts, len(page.text)})
    for start, end in itertools.pairwise(edges):
        at = bisect_right(starts, start) - 1
        yield start, end, page.headings[at].path if at >= 0 else ()


def _pieces(text: str, spans: Sequence[Span], count: CountTokens, size_tokens: int) -> Iterator[Span]:
    """The sentences, those longer than a passage cut between words."""
    counts = count([text[start:end] for start, end in spans]) if spans else []
    for (start, end), tokens in zip(spans, counts, strict=True):
        if tokens <= size_tokens:
            yield start, end
        else:
            yield from _cut(text, start, end, max(1, min(_WORDS_AT_ONCE, size_tokens // 3)))


def _cut(text: str, start: int, end: int, words: int) -> Iterator[Span]:
    at, seen, previous_blank = start, 0, False
    for index in range(start, end):
        blank = text[index].isspace()
        seen += blank and not previous_blank
        previous_blank = blank
        if seen == words or index - at >= words * 12:  # a text without blanks is cut by its length
            yield at, index
            at, seen = (index + 1 if blank else index), 0
    if at < end:
        yield at, end


def _groups(counts: Sequence[int], size_tokens: int, overlap_tokens: int) -> Iterator[tuple[int, int]]:
    """[first, last) of the sentences of each passage."""
    first = 0
    while first < len(counts):
        last, total = first, 0
        while last < len(counts) and (last == first or total + counts[last] <= size_tokens):
            total += counts[last]
            last += 1
        yield first, last
        if last == len(counts):
            return
        back, shared = last, 0
        while back - 1 > first and shared + counts[back - 1] <= overlap_tokens:
            back -= 1
            shared += counts[back]
        first = back
