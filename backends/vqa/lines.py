"""Lines of read text with their places, and the rows that they form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

BoxXyxy = tuple[float, float, float, float]

_SAME_ROW = 0.5  # overlap, as a share of the lower piece's height
_SAME_PLACE = 0.3  # overlap sideways, as a share of the narrower piece, from which one stands above the other


@dataclass(frozen=True)
class Line:
    """A piece of text; its box is left, top, right, bottom in pixels of the picture."""

    text: str
    score: float
    box: BoxXyxy


@dataclass(frozen=True)
class Row:
    """Pieces that stand side by side, from left to right."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(line.text for line in self.lines)

    @property
    def box(self) -> BoxXyxy:
        """The box around all of it."""
        return around(line.box for line in self.lines)


@dataclass(frozen=True)
class Field:
    """Something that was found in rows: a field of a receipt.

    Attributes:
        value: as it is answered.
        boxes: where it stands.
        because: why this was taken, in words.
    """

    value: str
    boxes: tuple[BoxXyxy, ...]
    because: str


def lines_of(records: Iterable[Mapping[Any, Any]]) -> list[Line]:
    """Lines from the table of the task `text_recognition`, in its reading order."""
    made = []
    for record in records:
        across = [float(record[f"x{n}"]) for n in range(1, 5)]
        down = [float(record[f"y{n}"]) for n in range(1, 5)]
        made.append(Line(str(record["text"]), float(record["score"]), (min(across), min(down), max(across), max(down))))
    return made


def rows_of(lines: Iterable[Line]) -> list[Row]:
    """Rows from lines in reading order: those whose heights overlap stand side by side."""
    rows: list[list[Line]] = []
    for line in lines:
        if rows and _beside(rows[-1][-1].box, line.box) and not any(_above(one.box, line.box) for one in rows[-1]):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [Row(tuple(sorted(row, key=lambda line: line.box[0]))) for row in rows]


def around(boxes: Iterable[BoxXyxy]) -> BoxXyxy:
    """The box around boxes, of which there is at least one."""
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _beside(first: BoxXyxy, second: BoxXyxy) -> bool:
    """Whether their heights overlap."""
    down = min(first[3], second[3]) - max(first[1], second[1])
    return down > _SAME_ROW * min(first[3] - first[1], second[3] - second[1])


def _above(first: BoxXyxy, second: BoxXyxy) -> bool:
    """Whether they overlap sideways, so that one stands above the other."""
    across = min(first[2], second[2]) - max(first[0], second[0])
    return across > _SAME_PLACE * min(first[2] - first[0], second[2] - second[0])
