"""Reading order: columns one after the other, the pieces of a row side by side.

Columns are found by cutting the page along gutters, as in the recursive X-Y cut (Nagy and Seth 1984): here a gutter
counts only where both of its sides are running text, so that the rows of a receipt or a table stay together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from backends.text.geometry import Quad, bounds, size_wh

_LEAST_LINES = 3  # of a column
_CROSSING = 0.3  # share of the lines that may run across a gutter: headings, rules, page numbers
_COLUMN_EM, _FULL = 8.0, 0.5  # a column's lines: so many heights wide, and that share of the column's width
_SAME_ROW = 0.5  # overlap, as a share of the lower piece's height, of two pieces in one row
_TAB_EM, _PARAGRAPH_EM = 1.5, 0.9  # gaps, in heights of a line: beside a piece, above a row

Boxes = npt.NDArray[np.float64]  # (N, 4): left, top, right, bottom
Rows = list[list[int]]


@dataclass(frozen=True)
class Order:
    """Lines by number, in the order in which they are read.

    Attributes:
        rows: numbers of the lines of each row, from left to right.
        gap: whether a row has white space, or a new column, above it.
    """

    rows: Rows
    gap: list[bool]

    @property
    def numbers(self) -> list[int]:
        """All of them in one list."""
        return [number for row in self.rows for number in row]


def reading_order(quads: Sequence[Quad]) -> Order:
    """The order of lines that run from left to right."""
    boxes = np.array([bounds(quad) for quad in quads], np.float64).reshape(-1, 4)
    height = float(np.median([size_wh(quad)[1] for quad in quads])) if quads else 1.0
    rows: Rows = []
    gap: list[bool] = []
    for block in _blocks(boxes, list(range(len(quads))), height):
        block_rows = _rows(boxes, block)
        rows += block_rows
        gap += _gaps(boxes, block_rows)
    return Order(rows, gap)


def written(order: Order, boxes: Sequence[Quad], texts: Sequence[str]) -> str:
    """The text in that order: a line for each row, a tab before a distant piece, a blank line between paragraphs."""
    out: list[str] = []
    for row, gap in zip(order.rows, order.gap, strict=True):
        if gap and out:
            out.append("")
        line = texts[row[0]]
        for before, number in pairwise(row):
            height = min(size_wh(boxes[before])[1], size_wh(boxes[number])[1])
            distance = bounds(boxes[number])[0] - bounds(boxes[before])[2]
            line += ("\t" if distance > _TAB_EM * height else " ") + texts[number]
        out.append(line)
    return "\n".join(out)


def _blocks(boxes: Boxes, numbers: list[int], height: float) -> list[list[int]]:
    """Parts of a page that are read one after the other."""
    x = _gutter(boxes[numbers], height)
    if x is None:
        return [numbers]
    blocks: list[list[int]] = []
    for band in _bands(boxes, numbers, x):
        left = [n for n in band if boxes[n, 2] <= x]
        right = [n for n in band if boxes[n, 0] >= x]
        if len(left) + len(right) < len(band) or not (left and right):
            blocks.append(band)  # it crosses, or has one side only
        else:
            blocks += [*_blocks(boxes, left, height), *_blocks(boxes, right, height)]
    return blocks


def _bands(boxes: Boxes, numbers: list[int], x: float) -> list[list[int]]:
    """From top to bottom: what runs across a gutter, line by line, and what lies between such lines."""
    across = sorted((n for n in numbers if boxes[n, 0] < x < boxes[n, 2]), key=lambda n: boxes[n, 1] + boxes[n, 3])
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    rest = sorted((n for n in numbers if n not in set(across)), key=lambda n: middle[n])
    bands: list[list[int]] = []
    for number in across:
        above = [n for n in rest if middle[n] < middle[number]]
        rest = rest[len(above) :]
        bands += [above, [number]]
    return [band for band in [*bands, rest] if band]


def _gutter(boxes: Boxes, height: float) -> float | None:
    """The place of a gutter between two columns of running text: where the fewest lines run across, then the widest."""
    best: tuple[int, float] | None = None
    place = None
    edges = np.unique(np.concatenate([boxes[:, 0], boxes[:, 2]])) if len(boxes) else boxes[:0, 0]
    for start, end in pairwise(edges):
        x, width = (start + end) / 2, end - start
        across = int(((boxes[:, 0] < x) & (boxes[:, 2] > x)).sum())
        if width < height / 2 or across > _CROSSING * len(boxes):
            continue
        if _is_column(boxes[boxes[:, 2] <= x], height) and _is_column(boxes[boxes[:, 0] >= x], height):
            found = (across, -width)
            if best is None or found < best:
                best, place = found, float(x)
    return place


def _is_column(boxes: Boxes, height: float) -> bool:
    """Whether lines are running text: several, long, and most of them about as wide as all together."""
    if len(boxes) < _LEAST_LINES:
        return False
    widths = boxes[:, 2] - boxes[:, 0]
    extent = boxes[:, 2].max() - boxes[:, 0].min()
    usual = float(np.median(widths))
    return usual >= _COLUMN_EM * height and (usual >= _FULL * extent or _gutter(boxes, height) is not None)


def _rows(boxes: Boxes, numbers: list[int]) -> Rows:
    """Pieces whose heights overlap form a row."""
    rows: Rows = []
    for number in sorted(numbers, key=lambda n: (boxes[n, 1] + boxes[n, 3]) / 2):
        row = next((row for row in reversed(rows[-3:]) if _beside(boxes[row[-1]], boxes[number])), None)
        if row is None:
            rows.append([number])
        else:
            row.append(number)
    return [sorted(row, key=lambda n: boxes[n, 0]) for row in rows]


def _beside(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> bool:
    overlap = min(first[3], second[3]) - max(first[1], second[1])
    return bool(overlap > _SAME_ROW * min(first[3] - first[1], second[3] - second[1]))


def _gaps(boxes: Boxes, rows: Rows) -> list[bool]:
    """Whether each row of a block is set off from the one above; the first one is."""
    gaps = [True] * len(rows)
    for place in range(1, len(rows)):
        above, here = boxes[rows[place - 1]], boxes[rows[place]]
        height = float(np.median(np.concatenate([above[:, 3] - above[:, 1], here[:, 3] - here[:, 1]])))
        gaps[place] = bool(here[:, 1].min() - above[:, 3].max() > _PARAGRAPH_EM * height)
    return gaps
