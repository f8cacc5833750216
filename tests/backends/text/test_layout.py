"""Reading order, on boxes drawn by hand."""

from __future__ import annotations

import numpy as np

from backends.text.geometry import Quad
from backends.text.layout import reading_order, written


def box(left: float, top: float, width: float, height: float = 20) -> Quad:
    right, bottom = left + width, top + height
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def text_of(*pieces: tuple[str, Quad]) -> str:
    """The pieces written in reading order; they are given in another one."""
    shuffled = sorted(pieces, key=lambda piece: hash(piece[0]) % 97)
    quads, texts = [quad for _, quad in shuffled], [text for text, _ in shuffled]
    return written(reading_order(quads), quads, texts)


def column(name: str, left: float, top: float, lines: int, width: float = 300) -> list[tuple[str, Quad]]:
    """Lines of running text, the last one short."""
    return [(f"{name}{n}", box(left, top + 28 * n, width if n < lines - 1 else width / 2)) for n in range(lines)]


def test_two_columns_do_not_interleave() -> None:
    text = text_of(*column("a", 40, 100, 6), *column("b", 380, 100, 6))
    assert text.split() == [f"{name}{n}" for name in "ab" for n in range(6)]
    assert "\n\n" in text  # a new column is set off


def test_three_columns_and_what_runs_across_them() -> None:
    text = text_of(
        ("title", box(40, 20, 900, 40)),
        *(line for x, name in ((40, "a"), (360, "b"), (680, "c")) for line in column(name, x, 100, 5, 280)),
        ("across", box(40, 270, 900)),
        *(line for x, name in ((40, "d"), (360, "e"), (680, "f")) for line in column(name, x, 320, 5, 280)),
    )
    names = ["title", *(f"{c}{n}" for c in "abc" for n in range(5))]
    assert text.split() == [*names, "across", *(f"{c}{n}" for c in "def" for n in range(5))]


def test_a_receipt_keeps_its_rows() -> None:
    goods = [
        ("2 x Darjeeling, pot", "9.00"),
        ("1 x Earl Grey", "3.80"),
        ("3 x Scone with jam", "11.40"),
        ("Total", "24.20"),
    ]
    pieces = [
        piece
        for row, (left, right) in enumerate(goods)
        for piece in ((left, box(30, 40 + 26 * row, 11 * len(left))), (right, box(380, 43 + 26 * row, 11 * len(right))))
    ]
    assert text_of(*pieces) == "\n".join(f"{left}\t{right}" for left, right in goods)


def test_a_table_with_short_cells_keeps_its_rows() -> None:
    cells = [[f"r{row}c{n}" for n in range(4)] for row in range(5)]
    pieces = [
        (cell, box(40 + 150 * n, 40 + 30 * row, 60)) for row, line in enumerate(cells) for n, cell in enumerate(line)
    ]
    assert text_of(*pieces) == "\n".join("\t".join(line) for line in cells)


def test_pieces_of_one_row_that_stand_close_are_words_of_a_line() -> None:
    assert (
        text_of(("once", box(30, 40, 50)), ("upon", box(88, 42, 50)), ("a time", box(300, 41, 70)))
        == "once upon\ta time"
    )


def test_paragraphs_are_set_off() -> None:
    assert (
        text_of(("one", box(30, 40, 90)), ("two", box(30, 68, 90)), ("three", box(30, 140, 90))) == "one\ntwo\n\nthree"
    )


def test_a_tall_piece_does_not_swallow_its_neighbours_rows() -> None:
    text = text_of(("BIG", box(30, 40, 100, 60)), ("one", box(200, 40, 60)), ("two", box(200, 80, 60)))
    assert text.index("one") < text.index("two")


def test_nothing() -> None:
    order = reading_order([])
    assert (order.rows, order.numbers, written(order, [], [])) == ([], [], "")
