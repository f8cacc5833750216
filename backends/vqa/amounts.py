"""The total of a receipt, and prices of items, found by rules in its rows.

The rules were written with the 120 receipts of the SROIE subset's part to learn from (Huang et al. 2019, "ICDAR2019
Competition on Scanned Receipt OCR and Information Extraction", arXiv:2103.10213).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from backends.vqa.lines import Field, Line, Row

_AMOUNT = re.compile(
    r"(?<!\d:)(?<![\d.,/-])(?:RM|MYR|USD|EUR|GBP|[$€£S])?\s?(\d{1,3}(?:[,.\s]\d{3})*|\d+)\s?[.,]\s?(\d{2})(?![\d/%])",
    re.I,
)
_TOTAL = r"t[o0]t[ao][li1!]|jumlah|tota"
#: What stands before an amount, and how much that speaks for its being the total.
_LABELS = tuple(
    (re.compile(pattern, re.I), weight)
    for pattern, weight in (
        (_TOTAL, 4.0),
        (
            r"grand|n[ae]tt?\b|round(ed|ing adj.*total)|payable|amount\s*due|amt\s*due|to\s*pay|(balance|total)\s*due",
            3.0,
        ),
        (r"incl|inc\.|with gst|w/gst|after", 2.0),
        (r"\bam(oun)?t\b|\brm\b|\bdue\b|\bsales?\b|\btl\b|\btot\b", 0.7),
        (r"sub|excl|exc\.|before|w/o|without", -3.5),
        (r"qty|quantity|item|count|pcs|unit|points?|saving|disc", -4.5),
        (r"gst\s*(total|amt|amount|@|\d|summary|:)|total\s*(gst|tax)|\btax\b(?!.*incl)|vat|s\.?tax|service\s*ch", -3.0),
        (r"incl\w*\s*(of\s*)?gst|gst\s*incl|inclusive", 2.5),
        (r"change|chang|baki|balance(?!\s*due)", -7.0),
        (r"cash|tender|paid|payment|visa|master|card|credit|debit|received|terima", -3.5),
        (r"round(ing|\.)?\s*(adj|amt|amount)?\s*:?\s*$|rounding", -3.0),
        (r"(gst|tax)\s*payable|included in", -7.0),
    )
)
_SUMMARY = re.compile(
    r"^\W*(sr|zr|ze|[szt])\b.{0,6}\d\s?%|(gst|tax|g\.?s\.?t\.?)\s*(summ|analy|code|rate)|summ?ary|\bamount\s*\(rm\)\s*tax",
    re.I,
)
_CASH, _CHANGE = (
    re.compile(r"cash|tender|paid|payment|visa|master|card|received", re.I),
    re.compile(r"chang|baki", re.I),
)
_LEAST_TOTAL = 2.0
_MOST_ROUNDED = 5  # cents


@dataclass
class _Candidate:
    """An amount that may be the total."""

    cents: int
    line: Line
    label: str
    row: int
    weight: float = 0.0
    reasons: list[str] = field(default_factory=list)


def total(rows: Sequence[Row]) -> Field | None:
    """The amount to be paid; None where no amount is called a total."""
    found = list(_candidates(rows))
    if not found:
        return None
    counts = Counter(candidate.cents for candidate in found)
    paid = _paid(found)
    largest = max((c.cents for c in found if not (_CASH.search(c.label) or _CHANGE.search(c.label))), default=0)
    rounded = _rounded(found)
    first = min((c.row for c in found if re.search(_TOTAL, c.label, re.I)), default=0)
    ends = next((n for n, row in enumerate(rows) if n > first and _SUMMARY.search(row.text)), len(rows))
    for candidate in found:
        candidate.weight = sum(weight for pattern, weight in _LABELS if pattern.search(candidate.label))
        candidate.weight += 0.6 * min(counts[candidate.cents] - 1, 3)
        if candidate.cents == paid:
            candidate.weight += 3.0
            candidate.reasons.append("it is the cash less the change")
        if candidate.row in rounded:
            candidate.weight += 5.0
            candidate.reasons.append("it is the total after rounding")
        if candidate.cents == largest:
            candidate.weight += 1.0
            candidate.reasons.append("it is the largest amount that was not handed over")
        if candidate.row > ends:
            candidate.weight -= 4.0
        if candidate.cents == 0:
            candidate.weight -= 8.0
        candidate.weight += 1.0 * candidate.row / len(rows)
    best = max(found, key=lambda candidate: (candidate.weight, candidate.row))
    if best.weight < _LEAST_TOTAL:
        return None
    label = best.label.strip(" :.-") or "no label"
    because = "; ".join([f"it stands beside “{label}”", *best.reasons])
    return Field(f"{best.cents // 100}.{best.cents % 100:02d}", (rows[best.row].box,), because)


def _candidates(rows: Sequence[Row]) -> Iterator[_Candidate]:
    """Each amount with what stands before it in its row, or in the row above where there is nothing."""
    for number, row in enumerate(rows):
        text, spans = "", []
        for line in row.lines:
            spans.append((len(text), line))
            text += f"{line.text} "
        at = 0
        for amount in _AMOUNT.finditer(text):
            label = _words(text[at : amount.start()]) or _words(_AMOUNT.sub(" ", text[: amount.start()]))
            at = amount.end()
            if not label and number and not _AMOUNT.search(rows[number - 1].text):
                label = rows[number - 1].text
            line = next(line for start, line in reversed(spans) if start <= amount.start(1))
            whole = re.sub(r"\D", "", amount[1])
            yield _Candidate(int(whole) * 100 + int(amount[2]), line, label, number)


def _words(text: str) -> str:
    """The words of a text, without figures; empty where there are none but a currency's."""
    words = " ".join(re.sub(r"[\d.,]+", " ", text).split())
    return words if re.search(r"[A-Za-z]{2}", re.sub(r"\b(RM|MYR|SR|ZRL?)\b", "", words)) else ""


def _rounded(found: Sequence[_Candidate]) -> set[int]:
    """Rows with an amount that is one further up plus or less the rounding between the two."""
    rows = set()
    for step in found:
        if re.search(r"round", step.label, re.I) and 0 < step.cents <= _MOST_ROUNDED:
            before = {c.cents for c in found if c.row < step.row and re.search(_TOTAL, c.label, re.I)}
            rows |= {c.row for c in found if c.row > step.row and {c.cents - step.cents, c.cents + step.cents} & before}
    return rows


def _paid(found: Sequence[_Candidate]) -> int | None:
    """What was handed over less the change."""
    change = next((c for c in reversed(found) if _CHANGE.search(c.label)), None)
    if change is None:
        return None
    cash = [c for c in found if _CASH.search(c.label) and not _CHANGE.search(c.label) and c.row <= change.row]
    return cash[-1].cents - change.cents if cash and cash[-1].cents > change.cents else None


def price(rows: Sequence[Row], item: str) -> Field | None:
    """The last amount in the first row that has all the words of an item, or in the row below; None without."""
    words = re.findall(r"\w+", item.casefold())
    for number, row in enumerate(rows):
        if not words or not all(_stem(word) in row.text.casefold() for word in words):
            continue
        for place in (number, number + 1):
            found = list(_AMOUNT.finditer(rows[place].text)) if place < len(rows) else []
            if found:
                value = f"{_digits(found[-1][1])}.{found[-1][2]}"
                boxes = tuple(rows[n].box for n in range(number, place + 1))
                return Field(value, boxes, f"it stands in the row “{row.text}”, or below it")
    return None


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
