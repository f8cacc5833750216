"""The date of a receipt, found by rules in its rows.

The rules were written with the 120 receipts of the SROIE subset's part to learn from (Huang et al. 2019, "ICDAR2019
Competition on Scanned Receipt OCR and Information Extraction", arXiv:2103.10213).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

from backends.vqa.lines import Field, Row

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_SEPARATED = r"\s?[-/.:]\s?"
_DATES = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"(?<!\d)(?P<y>20\d\d){_SEPARATED}(?P<m>\d{{1,2}}){_SEPARATED}(?P<d>\d{{1,2}})(?!\d)",
        rf"(?<!\d)(?P<d>\d{{1,2}}){_SEPARATED}(?P<m>\d{{1,2}}){_SEPARATED}(?P<y>(?:19|20)\d\d)",
        rf"(?<!\d)(?P<d>\d{{1,2}})\s?[-/.,]?\s?{_MONTH}\.?\s?[-/.,']?\s?(?P<y>20\d\d|\d\d)(?!\d)",
        rf"{_MONTH}\.?\s?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s?(?P<y>20\d\d)",
        r"(?<!\d)(?P<d>\d{1,2})\s?[-/.]\s?(?P<m>\d{1,2})\s?[-/.]\s?(?P<y>\d\d)(?!\d)",
        r"(?<!\d)(?P<y>20[012]\d)(?P<m>0[1-9]|1[0-2])(?P<d>[0-2]\d|3[01])(?!\d)",
    )
)
_DATE_LABEL = re.compile(r"\bd[ao]te|tarikh|\bdt\b|invoice date|bill date", re.I)


def date(rows: Sequence[Row]) -> Field | None:
    """The day of the purchase, day before month as receipts mostly have it; None without any."""
    found = []
    for number, row in enumerate(rows):
        text = row.text
        for rank, pattern in enumerate(_DATES):
            for match in pattern.finditer(text):
                day = _day(match)
                if day is None:
                    continue
                labelled = bool(_DATE_LABEL.search(text[: match.start()]))
                timed = bool(re.search(r"\d{1,2}:\d\d", text))
                weight = 3.0 * labelled + 1.5 * timed - 0.1 * rank - 0.5 * number / len(rows)
                found.append((weight, -number, day, match[0].strip(), row, labelled))
    if not found:
        return None
    weight, _, day, text, row, labelled = max(found, key=lambda each: each[:2])
    because = "the row says that it is the date" if labelled else "it is the first date there"
    return Field(text, (row.box,), f"{because}; taken as {day:%d %B %Y}")


def parsed_date(text: str) -> datetime.date | None:
    """The day that a text names, or None."""
    for pattern in _DATES:
        match = pattern.search(text)
        day = _day(match) if match else None
        if day is not None:
            return day
    return None


def _day(match: re.Match[str]) -> datetime.date | None:
    parts = match.groupdict()
    month = _MONTHS.index(parts["name"].lower()[:3]) + 1 if parts.get("name") else int(parts["m"])
    day, year = int(parts["d"]), int(parts["y"])
    year += 2000 if year < 100 else 0
    if month > 12 >= day:
        day, month = month, day
    try:
        made = datetime.date(year, month, day)
    except ValueError:
        return None
    return made if 1990 <= year <= 2049 else None
