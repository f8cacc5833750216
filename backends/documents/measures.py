"""Figures for retrieval and for answers."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_MARKS = str.maketrans(dict.fromkeys(string.punctuation + "\u2019\u2018\u201c\u201d\u2013\u2014", " "))


def ndcg(relevant: Sequence[bool], total: int) -> float:
    """Normalised discounted cumulative gain of a ranking with binary judgements (Järvelin and Kekäläinen 2002).

    Args:
        relevant: whether each of the first k is relevant, best first; their number is k.
        total: how many relevant ones there are.
    """
    gain = sum(good / math.log2(rank + 1) for rank, good in enumerate(relevant, 1))
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(total, len(relevant)) + 1))
    return gain / best if best else 0.0


def normalised(text: str) -> list[str]:
    """Words as SQuAD's official script compares them: small letters, without articles and punctuation."""
    return _ARTICLES.sub(" ", text.lower().translate(_MARKS)).split()


def contains(text: str, answer: str) -> bool:
    """Whether an answer's words stand in a text one after the other."""
    words, wanted = normalised(text), normalised(answer)
    return bool(wanted) and any(words[i : i + len(wanted)] == wanted for i in range(len(words) - len(wanted) + 1))


def f1(text: str, answer: str) -> float:
    """Overlap of words as SQuAD counts it (Rajpurkar et al. 2016, arXiv:1606.05250)."""
    words, wanted = normalised(text), normalised(answer)
    shared = sum((Counter(words) & Counter(wanted)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(words), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def best_f1(text: str, answers: Sequence[str]) -> float:
    """The best over several right answers."""
    return max((f1(text, answer) for answer in answers), default=0.0)
