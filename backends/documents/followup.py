"""Follow-up questions without a language model: what a question leaves out is taken from the turns before.

"And who built it?" holds a pronoun and little else. The names and content words of the last question, and the names in
its answer, are added to what is searched. A question that stands on its own is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backends.documents.lexical import is_stopword

#: Words that point at something said before.
_POINTING = frozenset(
    """
    it its he him his she her hers they them their theirs this that these those there then one ones both either same
    such former latter
    """.split()  # noqa: SIM905
)
_OPENING = re.compile(
    r"^\s*(?:and|but|or|so|also|then|what about|how about|and what about|why|why not)\b", re.IGNORECASE
)
_WORD = re.compile(r"[^\W_]+(?:['\u2019.-][^\W_]+)*")
#: A question with fewer content words leans on what was said before.
_FEW_WORDS = 3
#: Turns that are looked back on, words that are taken from them.
_TURNS, _TERMS = 2, 8


@dataclass(frozen=True)
class Said:
    """A question as it was searched, and what was quoted for its answer."""

    question: str
    answer: str


def standalone(question: str, history: Sequence[Said]) -> str:
    """The question with the words it refers to; itself where it refers to nothing, or nothing was said.

    Args:
        question: as it was asked.
        history: the turns before it, the oldest first.
    """
    if not history or not leans(question):
        return question
    own = {word.lower() for word in _WORD.findall(question)}
    terms: list[str] = []
    for said in reversed(history[-_TURNS:]):
        for word in _telling(said):
            if word.lower() not in own:
                own.add(word.lower())
                terms.append(word)
    return f"{question} ({' '.join(terms[:_TERMS])})" if terms else question


def leans(question: str) -> bool:
    """Whether a question points at something that is not in it."""
    words = _WORD.findall(question)
    content = [word for word in words if not is_stopword(word.lower()) and word.lower() not in _POINTING]
    names = [word for word in content[1:] if word[0].isupper()]
    if _OPENING.match(question) and len(content) <= 2 * _FEW_WORDS and not names:
        return True
    if any(word.lower() in _POINTING for word in words) and not names:
        return True
    return len(content) < _FEW_WORDS and not names


def _telling(said: Said) -> list[str]:
    """The content words of a question, names first, then the names in its answer."""
    words = [word for word in _WORD.findall(said.question) if not is_stopword(word.lower())]
    words = [word for word in words if word.lower() not in _POINTING and len(word) > 1]
    first = said.question.split()[0].lower() if said.question.split() else ""
    names = [word for word in words if word[0].isupper() and word.lower() != first]
    others = [word for word in words if word not in names and not _asks(word)]
    answered = [word for word in _WORD.findall(said.answer)[1:] if word[0].isupper() and not is_stopword(word.lower())]
    return [*names, *others, *answered[:3]]


def _asks(word: str) -> bool:
    return word.lower() in {"who", "what", "when", "where", "which", "why", "how", "many", "much", "long", "tell", "me"}
