"""What a question is answered with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from backends.vqa.lines import BoxXyxy

HUB = "A network from the hub that was trained on questions and pictures, such as BLIP, can try, and may be wrong."


@dataclass(frozen=True)
class Answer:
    """What is answered.

    Attributes:
        answered: whether it is an answer at all, and not a refusal.
        confidence: 0..1, of what it rests on, where there is one.
        because: what it rests on, in words.
        boxes: where that is.
    """

    text: str
    answered: bool = True
    confidence: float | None = None
    because: str = ""
    boxes: Sequence[BoxXyxy] = field(default_factory=list)


def refused(text: str, because: str = "") -> Answer:
    """An answer that is none."""
    return Answer(text, answered=False, because=because)
