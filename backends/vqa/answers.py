"""Which answer goes with which goal of a question."""

from __future__ import annotations

from collections.abc import Callable

from backends.vqa import amounts, dates, headings, sights, texts
from backends.vqa.answer import Answer
from backends.vqa.questions import Program
from backends.vqa.tools import Tools


def execute(program: Program, tools: Tools) -> Answer:
    """Run a program."""
    return _GOALS[program.goal](program, tools)


_GOALS: dict[str, Callable[[Program, Tools], Answer]] = {
    "total": texts.receipt("total", amounts.total),
    "date": texts.receipt("date", dates.date),
    "company": texts.receipt("company", headings.company),
    "address": texts.receipt("address", headings.address),
    "price": texts.price,
    "text": texts.text,
    "any text": texts.any_text,
    "says": texts.says,
    "count text": texts.count_text,
    "plate": texts.plate,
    "who": sights.who,
    "count people": sights.count_people,
    "any people": sights.any_people,
    "where people": sights.where_people,
    "count": sights.count,
    "where": sights.where,
    "colour": sights.colour,
    "colour of": sights.colour_of,
    "light": sights.light,
    "size": sights.size,
    "describe": sights.describe,
    "what": sights.what,
    "is it": sights.is_it,
}
