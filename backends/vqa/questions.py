"""Turns a question into a program: what to find out, and of what."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_QUESTIONS = 10


@dataclass(frozen=True)
class Program:
    """What a question asks for.

    Attributes:
        goal: which of the answers in `backends.vqa.answers` it is.
        of: what it is about, in the question's own words; empty for the picture as a whole.
        where: a part of the picture: left, right, top, bottom or middle; empty for all of it.
    """

    goal: str
    of: str = ""
    where: str = ""


def questions_in(text: str) -> list[str]:
    """The questions of a text, one a line."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def parse(question: str) -> Program | None:
    """The program of a question, or None for a form that is not known."""
    asked = re.sub(r"[“”\"]", '"', question.casefold().replace("\u2019", "'")).strip(" ?.!")
    for pattern, goal in _FORMS:
        match = pattern.search(asked)
        if match:
            groups = match.groupdict()
            side = groups.get("where") or ""
            return Program(goal, _bare(groups.get("of") or ""), _SIDES.get(side, side))
    return None


def _bare(words: str) -> str:
    return re.sub(r"^(the|a|an|any|this|that|some|my|your)\s+", "", words.strip(' "'))


def looks_english(question: str) -> bool:
    """Whether a question has any of the commonest English words."""
    return bool(set(re.findall(r"[a-z']+", question.casefold())) & _COMMON)


_COMMON = frozenset(
    """a an and any are at can colour color do does for from how in is it many much of on picture say the there this to
    was what when where which who why with you""".split()  # noqa: SIM905 - a column of words would be a page long
)
_SIDES = {"upper": "top", "lower": "bottom", "centre": "middle", "center": "middle"}
_SIDE = r"(?P<where>left|right|top|upper|bottom|lower|middle|centre|center)"
_PICTURE = r"(?:the |this |that )?(?:picture|image|photo(?:graph)?|it|this|that|scene)"
_PART = r"(?:side|half|part|third|edge)"
_ALL = r"(?:there|.*picture.*|.*image.*)"
_PEOPLE = r"(?:people|persons?|faces?|humans?|somebody|someone|anybody|anyone)"
_SHOP = r"(?:company|shop|store|restaurant|business|supermarket|merchant|vendor)"
_PLATE = r"(?:licen[cs]e|number|registration) plates?"
_PAID = r"(?:paid|pay|spent|spend|it|this|the bill|the receipt)"

#: Goal and its forms; the first that fits counts.
_GOALS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("price", (r"\b(?:how much|what) (?:is|was|does|did|do) (?:the |a |an )?(?:price|cost) of (?P<of>.+)",)),
    (
        "total",
        (
            r"\b(?:grand )?total\b|\bsum\b",
            r"\bamount (?:due|paid|to pay|to be paid)",
            rf"how much (?:was|is|has been|did \w+|do i have) ?(?:to )?{_PAID}\b",
        ),
    ),
    ("price", (r"how much (?:is|was|are|were|does|did|do) (?P<of>.+?)(?: cost)?$",)),
    ("date", (r"\bdate\b", r"^(?:and )?when (?:was|is|did)", r"what day\b")),
    ("address", (r"\baddress\b", rf"where is (?:the |this )?{_SHOP}")),
    (
        "company",
        (
            rf"\b(?:which|what) {_SHOP}\b|name of (?:the )?{_SHOP}",
            r"\b(?:company|merchant|vendor|seller)\b",
            r"where was (?:this|it) bought|who (?:issued|sold)",
        ),
    ),
    (
        "plate",
        (
            rf"\b{_PLATE}\b.*\b(?:say|read|number)",
            rf"\b(?:read|what(?: is|'s)?) (?:the |this |that |its )?(?:\w+ )?{_PLATE}$",
        ),
    ),
    ("count text", (r"\bhow many (?P<of>lines|words)\b",)),
    (
        "any text",
        (r"is there (?:any |some )?(?:text|writing)|anything written", r"can you (?:see|read) any (?:text|writing)"),
    ),
    (
        "says",
        (
            r"(?:does|do|is) .*?(?:say|mention|contain|show|have) (?:the (?:words?|text) )?\"(?P<of>[^\"]+)\"",
            r"is (?:the word )?\"(?P<of>[^\"]+)\" (?:written|there|in)",
        ),
    ),
    (
        "text",
        (
            r"what (?:does|do) .*(?:say|read)\b",
            r"what(?: is|'s) (?:written|printed)|what (?:text|words?|writing)\b",
            r"^(?:please )?read (?:the|this|it|all|what)|transcribe",
        ),
    ),
    ("who", (r"\bwho (?:is|are|was)\b", r"\bname of (?:the|this) (?:person|man|woman|child)")),
    ("count people", (rf"how many {_PEOPLE}\b",)),
    ("any people", (rf"(?:is|are) there (?:any |some |a |an )?{_PEOPLE}\b", rf"do you see (?:any |a )?{_PEOPLE}\b")),
    ("where people", (rf"where (?:is|are) (?:the |any )?{_PEOPLE}\b",)),
    ("count", (r"how many (?P<of>[a-z][a-z -]*?)(?: (?:are|is|can|do|does|on|in|there)\b.*)?$",)),
    ("where", (r"where (?:is|are) (?P<of>.+?)(?: in .*)?$",)),
    (
        "colour",
        (
            rf"what colou?rs? (?:is|are|does|do|has) (?:the )?{_SIDE}(?: {_PART})?(?: of .*| have)?$",
            rf"what colou?rs? (?:is|are|does|do|has) (?:{_PICTURE}|the background)(?: have)?$",
            rf"^(?:what |which )?(?:are the )?(?:main |dominant )?colou?rs?(?: (?:are|do|of) {_ALL})?$",
        ),
    ),
    ("colour of", (rf"what colou?r (?:is|are|has) (?P<of>.+?)(?: (?:on|at|in) (?:the )?{_SIDE}.*)?$",)),
    (
        "light",
        (rf"\bis {_PICTURE} (?:too |very )?(?P<of>dark|bright|sharp|blurred|blurry)\b",),
    ),
    (
        "size",
        (
            r"(?:how (?:large|big|wide|tall|high)|what (?:size|resolution)) .*(?:picture|image|photo|it|this)",
            r"\bresolution\b|portrait or landscape|landscape or portrait",
        ),
    ),
    (
        "describe",
        (
            r"^describe\b|what (?:can|do) you see|tell me about",
            rf"what(?: is|'s) (?:in|on|shown in) {_PICTURE}$",
        ),
    ),
    (
        "what",
        (
            r"^what(?: is|'s) (?:this|that|it)$",
            r"what (?:animal|vehicle|thing|object|kind of \w+) (?:is|do)",
        ),
    ),
    ("is it", (r"^(?:is|are) (?:this|that|it|there|these|those) (?P<of>an? .+|any .+|some .+)$",)),
)
_FORMS = tuple((re.compile(form), goal) for goal, forms in _GOALS for form in forms)
