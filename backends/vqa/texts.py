"""Answers that rest on the text in the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backends.vqa.amounts import price as price_of
from backends.vqa.answer import Answer, refused
from backends.vqa.lines import BoxXyxy, Field, Row
from backends.vqa.questions import Program
from backends.vqa.tools import Tools


def receipt(name: str, find: Callable[[Sequence[Row]], Field | None]) -> Callable[[Program, Tools], Answer]:
    """The answer with a field of a receipt."""

    def answer(program: Program, tools: Tools) -> Answer:
        found = find(tools.rows)
        tools.step(f"find the {name} among the rows", found.value if found else "nothing")
        if found is None:
            return refused(f"No {name} was found in the text of the picture.", _how_much(tools))
        return Answer(found.value, True, _surely(tools, found.boxes), found.because, found.boxes)

    return answer


def price(program: Program, tools: Tools) -> Answer:
    """The price of an item of a receipt."""
    found = price_of(tools.rows, program.of)
    tools.step(f"find the row of “{program.of}” and its amount", found.value if found else "nothing")
    if found is None:
        return refused(f"No row with “{program.of}” and an amount was found in the text.", _how_much(tools))
    return Answer(found.value, True, _surely(tools, found.boxes), found.because, found.boxes)


def text(program: Program, tools: Tools) -> Answer:
    """All that is written."""
    if not tools.lines:
        return refused("No text was found in the picture.")
    return Answer(
        "\n".join(row.text for row in tools.rows),
        True,
        min(line.score for line in tools.lines),
        f"{len(tools.lines)} lines were read; the confidence is that of the least sure one",
        [line.box for line in tools.lines],
    )


def any_text(program: Program, tools: Tools) -> Answer:
    """Whether anything is written."""
    if not tools.lines:
        return Answer("No: none was found.", because="the reader found no line")
    return Answer("Yes.", because=_how_much(tools), boxes=[line.box for line in tools.lines])


def says(program: Program, tools: Tools) -> Answer:
    """Whether a word is there."""
    wanted = "".join(program.of.split())
    hits = [line for line in tools.lines if wanted and wanted in "".join(line.text.casefold().split())]
    tools.step(f"look for “{program.of}” in the text", f"in {len(hits)} lines")
    if hits:
        return Answer("Yes.", True, max(line.score for line in hits), hits[0].text, [line.box for line in hits])
    return Answer("No: it was not found in what was read.", because=_how_much(tools))


def count_text(program: Program, tools: Tools) -> Answer:
    """How many lines or words."""
    count = len(tools.lines) if program.of == "lines" else sum(len(line.text.split()) for line in tools.lines)
    return Answer(str(count), because=_how_much(tools), boxes=[line.box for line in tools.lines])


def plate(program: Program, tools: Tools) -> Answer:
    """What licence plates say."""
    rows = tools.plates.plates.frame.to_dict("records")
    boxes = [box.xyxy for box in tools.plates.marked.boxes]
    if not rows:
        return refused("No licence plate was found.")
    texts = [str(row["text"]) for row in rows if str(row["text"])]
    if not texts:
        return refused("A licence plate was found, but could not be read.")
    return Answer(", ".join(texts), True, float(rows[0]["score"]), "as the plate reader has it", boxes)


def _surely(tools: Tools, boxes: Sequence[BoxXyxy]) -> float | None:
    """The least score of the lines in boxes."""
    inside = [
        line.score
        for line in tools.lines
        if any(box[0] <= line.box[0] and line.box[2] <= box[2] and box[1] <= line.box[1] <= box[3] for box in boxes)
    ]
    return min(inside) if inside else None


def _how_much(tools: Tools) -> str:
    count = len(tools.lines)
    return f"{count} line{'s' * (count != 1)} of text {'was' if count == 1 else 'were'} read"
