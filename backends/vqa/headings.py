"""Who issued a receipt, and where, found by rules in its first rows.

The rules were written with the 120 receipts of the SROIE subset's part to learn from (Huang et al. 2019, "ICDAR2019
Competition on Scanned Receipt OCR and Information Extraction", arXiv:2103.10213).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from backends.vqa.dates import parsed_date
from backends.vqa.lines import Field, Row

_TRADE = re.compile(
    r"\b(sdn|bhd|s/b|plt|ltd|limited|inc|llc|gmbh|pty|plc|enterprises?|trading|restaurant?|restoran|hardware|mart|"
    r"supermarket|hyper\w*|stores?|shop|cafe|kopitiam|bakery|cake|book\w*|stationery|pharmacy|clinic|hotel|petrol|"
    r"station|company|co|corner|kitchen|bistro|house|centre|center|market|mini|pasar\w*|perniagaan|syarikat|electrical|"
    r"furniture|gallery|seafood|food|industries|services?|group|holdings?|marketing|kedai)\b\.?",
    re.I,
)
_LEGAL = re.compile(r"\b(s[do]n\.?|bhd|s/b|5/b|plt|ltd|limited|llc|gmbh|pty|plc)\b|sdnbhd", re.I)
_ENDING = re.compile(r"^\W*(sdn\.?\s*bhd\.?|\(?m\)?\s*sdn\.?\s*bhd\.?|bhd\.?|s/b|enterprise|plt)\b", re.I)
_NOT_A_NAME = re.compile(
    r"invoice|receipt|\btax\b|\bcash bill|gst|reg\b|\bno\.?\s*[:.]|\btel|\bfax|welcome|thank|paid|date|copy|cashier|"
    r"www\.|http|@|original|\bid\b|co\.?\s*reg|roc\b",
    re.I,
)
_REGISTRATION = re.compile(
    r"\s*[\[(]?\s*(?:co\.?\s*reg\.?\s*(?:no)?\.?:?\s*)?[A-Z]{0,2}\d{4,}[\w\s-]*[\])]?\s*\.?$", re.I
)
_STREET = re.compile(
    r"^\W*(no\.?|lot|jalan|jln|jl|unit|block|blok|level|ground|suite|plot|persiaran|lorong|taman|\d+[a-z]?\s*[,.&-]|\d+\s+\w)|"
    r"\b(jalan|jln|road|street|lane|avenue|taman|lorong|persiaran|bandar|selangor|johor|kuala lumpur|pulau pinang)\b|"
    r"\b\d{5}\b",
    re.I,
)
_HEAD_ROWS = 9


def company(rows: Sequence[Row]) -> Field | None:
    """The name above the address; None where the first rows have no name."""
    head = list(rows[:_HEAD_ROWS])
    street = next((n for n, row in enumerate(head) if n and _STREET.search(row.text)), len(head))
    named = [n for n in range(street) if _is_name(head[n].text)] or [
        n for n in range(street, len(head)) if _is_name(head[n].text)
    ]
    if not named:
        return None
    first = last = _choice(head, named)
    if _ENDING.match(head[first].text) and first - 1 in named:
        first -= 1
    while last + 1 < min(street, len(head)) and _goes_on(head[last].text, head[last + 1].text):
        last += 1
    value = " ".join(_named(row.text) for row in head[first : last + 1]).strip(" ,-")
    legal = _LEGAL.search(value) or _TRADE.search(value)
    because = f"it stands above the address and has “{legal[0]}” in it" if legal else "it is the first name at the top"
    return Field(value, tuple(row.box for row in head[first : last + 1]), because)


def _choice(head: Sequence[Row], named: Sequence[int]) -> int:
    """The row of the name: the first that is more than one stray word, unless one further down is a legal name."""
    likely = [n for n in named if len(_named(head[n].text).split()) > 1 or _TRADE.search(head[n].text)] or list(named)
    legal = [n for n in likely if _LEGAL.search(head[n].text)]
    return legal[0] if legal and not _TRADE.search(head[likely[0]].text) else likely[0]


def _goes_on(text: str, following: str) -> bool:
    """Whether a name goes on in the next row."""
    if text.rstrip().endswith(("&", "-")) or _ENDING.match(following):
        return True
    return bool(not _LEGAL.search(text) and _LEGAL.search(following)) or text.count("(") > text.count(")")


def _named(text: str) -> str:
    """A row without the number of registration, and without what leads to a name."""
    return re.sub(r"^\W*(owned|own|operated)\s*by\s*:?", "", _REGISTRATION.sub("", text), flags=re.I).strip()


def address(rows: Sequence[Row]) -> Field | None:
    """The rows of the address, below the name; None where no row looks like a street or a place."""
    head = list(rows[: _HEAD_ROWS + 4])
    start = next(
        (n for n, row in enumerate(head) if n and _STREET.search(row.text) and not _NOT_A_NAME.search(row.text)), None
    )
    if start is None:
        return None
    end = start
    while end + 1 < len(head) and end - start < 4:
        text = head[end + 1].text
        if _NOT_A_NAME.search(text) or not re.search(r"[A-Za-z]{3}", text) or parsed_date(text):
            break
        if not (_STREET.search(text) or head[end].text.rstrip().endswith(",")):
            break
        end += 1
    taken = head[start : end + 1]
    return Field(
        " ".join(row.text for row in taken),
        tuple(row.box for row in taken),
        "these rows look like a street and a place",
    )


def _is_name(text: str) -> bool:
    name = _named(text)
    letters = sum(sign.isalpha() for sign in name)
    return (
        letters >= 3
        and letters >= 0.6 * len(name.replace(" ", ""))
        and not _NOT_A_NAME.search(name)
        and parsed_date(text) is None
    )
