"""Splits text into sentences by rules, keeping where each one stands. No model, no download."""

from __future__ import annotations

import re

Span = tuple[int, int]

#: A full stop after these does not end a sentence.
_ABBREVIATIONS = frozenset(
    """
    mr mrs ms dr prof st sr jr vs etc al fig figs eq eqs ref refs no nos vol vols ch sec art pp approx ca cf eg ie
    inc ltd co corp dept est gen col sgt capt lt rev hon jan feb mar apr jun jul aug sep sept oct nov dec mon tue
    wed thu fri sat sun min max usw bzw nr str z.b d.h u.a e.g i.e a.m p.m u.s u.k u.n ph.d
    """.split()  # noqa: SIM905
)
_END = re.compile(r"[.!?…。\uff01\uff1f]+[\"'”\u2019)\]»]*(?=\s|$)|[。\uff01\uff1f]")
_BREAK = re.compile(r"\n[ \t]*\n|\n(?=[ \t]*(?:[-*•\u2013]|\d{1,3}[.)])[ \t])|\f|\v")
_LAST_WORD = re.compile(r"[\w.]+$")
_NEXT = re.compile(r"\s+(\S)")


def sentences(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """The sentences in `text[start:end]` as (start, end) in the whole text, without the blanks around them.

    A blank line, a form feed and the start of a list item end a sentence too; a single line break does not.
    """
    end = len(text) if end is None else end
    found: list[Span] = []
    at = start
    for line_break in [*_BREAK.finditer(text, start, end), None]:
        until = line_break.start() if line_break else end
        found += _of_paragraph(text, at, until)
        at = line_break.end() if line_break else end
    return found


def _of_paragraph(text: str, start: int, end: int) -> list[Span]:
    spans, at = [], start
    for stop in _END.finditer(text, start, end):
        if _ends(text, stop, at, end):
            spans.append((at, stop.end()))
            at = stop.end()
    spans.append((at, end))
    return [span for span in (_trimmed(text, *span) for span in spans) if span[0] < span[1]]


def _ends(text: str, stop: re.Match[str], start: int, end: int) -> bool:
    """Whether a sentence ends at this mark: not after an abbreviation or an initial, nor before a small letter."""
    if stop[0][0] != ".":
        return True
    following = _NEXT.match(text, stop.end(), end)
    if following is None:
        return True
    before = text[start : stop.start()]
    if not before.strip():  # nothing but the mark itself
        return False
    if before[-1].isspace():  # typed with a blank before its full stops, as old abstracts are
        return True
    if following[1].islower():
        return False
    last = _LAST_WORD.search(before)
    word = last[0].lower() if last else ""
    return not (
        word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and last is not None and last[0].isupper())
    )


def _trimmed(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
