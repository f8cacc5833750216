"""What kind of answer a question asks for, and which sentences have something of that kind."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

Kind = Literal["person", "place", "date", "number", "reason", "name", "other"]

_NUMBER = re.compile(
    r"\b(?:how (?:many|much|long|far|tall|high|old|often|fast|large|big|wide|deep|heavy|hot)|"
    r"what (?:is|was|are|were) the "
    r"(?:\w+ )?(?:number|amount|price|cost|percentage|population|size|length|height|weight|distance|rate|average|total|"
    r"temperature|speed|score)|what (?:percentage|percent|number|amount|fraction|proportion)|at what (?:age|price|"
    r"temperature|speed|rate))\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:when|(?:what|which) (?:year|date|day|month|century|decade|time|era|period)|how long ago)\b", re.IGNORECASE
)
_PERSON = re.compile(r"\b(?:who|whom|whose)\b", re.IGNORECASE)
_PLACE = re.compile(
    r"\b(?:where|(?:what|which) (?:country|city|town|state|place|region|area|location|continent|island|river|county|"
    r"street|building|university|school|stadium))\b",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"\b(?:why|what (?:caused|causes|reason)|for what reason|how (?:do|does|did|can|is|are|was|were))\b", re.IGNORECASE
)
_NAME = re.compile(
    r"\b(?:what|which)\b.*\b(?:name|called|named|known|team|company|group|organi[sz]ation|book|film|song|title)\b",
    re.IGNORECASE,
)

_DIGITS = re.compile(r"\d")
_YEAR = re.compile(r"\b(?:1\d{3}|20\d{2}|\d{1,2}(?:st|nd|rd|th) century|\d{3,4} ?(?:bc|ad|bce|ce))\b", re.IGNORECASE)
_MONTH = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday|"
    r"wednesday|thursday|friday|saturday|sunday|spring|summer|autumn|winter|morning|evening|o'clock|today|annually)\b",
    re.IGNORECASE,
)
_NUMBER_WORD = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand|"
    r"million|billion|half|third|quarter|dozen|twice|once|percent|both|none|several)\b",
    re.IGNORECASE,
)
_CAUSE = re.compile(
    r"\b(?:because|since|due to|so that|in order to|therefore|thus|as a result|caused|leads? to|to (?:avoid|prevent|"
    r"allow|make|ensure|reduce|increase)|by \w+ing)\b",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(r"\b(?:in|at|near|from|on|to|of|across|between|through) (?:the )?[A-Z]\w+")
_CAPITAL = re.compile(r"[A-Z][\w'\u2019.-]*")


def kind_of(question: str) -> Kind:
    """What a question asks for."""
    for pattern, kind in _KINDS:
        if pattern.search(question):
            return kind
    return "other"


_KINDS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (_NUMBER, "number"),
    (_DATE, "date"),
    (_PERSON, "person"),
    (_PLACE, "place"),
    (_REASON, "reason"),
    (_NAME, "name"),
)


def new_names(sentence: str, question_words: Collection[str]) -> int:
    """How many capitalised words a sentence has that the question has not, its first word left out."""
    words = list(_CAPITAL.finditer(sentence))
    return sum(word.start() > 0 and word[0].lower().rstrip(".") not in question_words for word in words)


def answers_kind(sentence: str, kind: Kind, question_words: Collection[str]) -> float:
    """How much of what is asked for is in a sentence: 0 nothing, 1 surely something."""
    match kind:
        case "number":
            numbers = [n for n in re.findall(r"\d[\d.,]*", sentence) if n.strip(".,") not in question_words]
            plain = [n for n in numbers if not _YEAR.fullmatch(n)]
            return 1.0 if plain else 0.7 if _NUMBER_WORD.search(sentence) else 0.4 if numbers else 0.0
        case "date":
            years = [year for year in _YEAR.findall(sentence) if year not in question_words]
            return 1.0 if years else 0.6 if _MONTH.search(sentence) else 0.3 if _DIGITS.search(sentence) else 0.0
        case "person" | "name":
            return min(1.0, new_names(sentence, question_words) / 2)
        case "place":
            near = 0.5 if _PREPOSITION.search(sentence) else 0.0
            return near + 0.5 * min(1.0, new_names(sentence, question_words))
        case "reason":
            return 1.0 if _CAUSE.search(sentence) else 0.0
        case "other":
            return 0.0
