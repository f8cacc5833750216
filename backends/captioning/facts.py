"""What is said of a picture: sentences, each with the measurement that it rests on."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

BoxXyxy = tuple[float, float, float, float]


class Fact(BaseModel):
    """A sentence and its evidence.

    Attributes:
        kind: form, colours, faces, text, thing, found, light or nothing.
        sentence: what is said.
        evidence: what was measured, in words and figures.
        task: which task measured it.
        score: how sure that is, 0..1, where the task says so.
        boxes: where it is, left, top, right, bottom in pixels of the picture; none for the picture as a whole.
    """

    kind: str
    sentence: str
    evidence: str
    task: str
    score: float | None = None
    boxes: list[BoxXyxy] = []


def place(box: BoxXyxy, resolution_wh: tuple[int, int]) -> str:
    """Where in the picture the middle of a box is: "in the upper left"."""
    x = (box[0] + box[2]) / 2 / resolution_wh[0]
    y = (box[1] + box[3]) / 2 / resolution_wh[1]
    column = "left" if x < 1 / 3 else "right" if x > 2 / 3 else ""
    row = "upper" if y < 1 / 3 else "lower" if y > 2 / 3 else ""
    if row and column:
        return f"in the {row} {column}"
    if column:
        return f"on the {column}"
    return {"upper": "at the top", "lower": "at the bottom", "": "in the middle"}[row]


def listed(parts: Sequence[str]) -> str:
    """Words as people list them: "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def number_word(count: int) -> str:
    """A small number as a word, a large one in figures."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return words[count] if count < len(words) else str(count)
