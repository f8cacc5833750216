"""Scenes that a visitor writes down, one kind of thing a line: `three small blue circles, top left`."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

import numpy as np

from backends.scenes.scene import MOST_THINGS, RADII, Look, Scene, Thing, free
from backends.scenes.sentences import PLURALS
from backends.scenes.words import ACROSS, COLOURS, DOWN, KINDS, NUMBERS, PATTERNS, SIZES
from studio.errors import InvalidInput, TooLarge

_IGNORED = {"a", "an", "and", "the", "in", "at", "of", "on", "thing", "things", "to"}
_SPELLED = {
    "center": "centre",
    "gray": "grey",
    "big": "large",
    "little": "small",
    "spotted": "dotted",
    "stripy": "striped",
}
_SAID = {
    "kind": KINDS, "colour": tuple(COLOURS), "size": SIZES, "pattern": PATTERNS, "number": NUMBERS[1:],
    "down": DOWN, "across": ACROSS,
}  # fmt: skip
_TRIES, _BEGINNINGS = 60, 200


@dataclass(frozen=True)
class Line:
    """What one line asks for.

    Attributes:
        down, across: the place, in words; empty for anywhere.
    """

    look: Look
    number: int
    down: str = ""
    across: str = ""


def composed(text: str, rng: np.random.Generator) -> Scene:
    """The scene that lines of text ask for; where exactly things stand is chance.

    Raises:
        InvalidInput: a word is unknown, a line says no kind or no colour, or there is no room.
        TooLarge: too many things.
    """
    lines = [_line(line) for line in text.splitlines() if line.strip()]
    if not lines:
        raise InvalidInput("The scene is empty.", field="things", expected="a line such as: a large red star")
    count = sum(line.number for line in lines)
    if count > MOST_THINGS:
        raise TooLarge("These are too many things.", field="things", expected=f"at most {MOST_THINGS}", got=str(count))
    wanted = [line for line in sorted(lines, key=lambda line: -RADII[line.look.size][1]) for _ in range(line.number)]
    for _ in range(_BEGINNINGS):
        things = _arranged(wanted, rng)
        if things is not None:
            return Scene(tuple(things))
    raise InvalidInput(
        "There is no room for all of it.", field="things", expected="fewer or smaller things, or other places"
    )


def _arranged(wanted: list[Line], rng: np.random.Generator) -> list[Thing] | None:
    things: list[Thing] = []
    for line in wanted:
        thing = _placed(line, things, rng)
        if thing is None:
            return None
        things.append(thing)
    return things


def _line(text: str) -> Line:
    found: dict[str, str] = {}
    for place, told in enumerate(re.findall(r"[^\s,.;:]+", text.lower())):
        word = _SPELLED.get(told, PLURALS.get(told, told))
        if word in _IGNORED:
            continue
        if place == 0 and word.isdigit() and 0 < int(word) < len(NUMBERS):
            word = NUMBERS[int(word)]  # "3 red stars"; elsewhere a figure is a thing: "a red 3"
        names = [name for name, choices in _SAID.items() if word in choices]
        if word == "middle" and "down" in found:
            names = ["across"]
        if not names:
            raise _unknown(word)
        found[names[0]] = word
    for name in ("kind", "colour"):
        if name not in found:
            what = "what it is" if name == "kind" else "of which colour"
            raise InvalidInput(
                f"This line does not say {what}.",
                field="things",
                expected=", ".join(_SAID[name]),
                got=text.strip()[:80],
            )
    look = Look(found["kind"], found["colour"], found.get("size", SIZES[1]), found.get("pattern", PATTERNS[0]))
    number = NUMBERS.index(found["number"]) if found.get("number", "") in NUMBERS else 1
    across = found.get("across", "")
    return Line(look, number, found.get("down", ""), ACROSS[1] if across == "middle" else across)


def _unknown(word: str) -> InvalidInput:
    known = sorted({choice for choices in _SAID.values() for choice in choices})
    near = difflib.get_close_matches(word, known, 1)
    hint = f"Did you mean {near[0]}?" if near else None
    return InvalidInput("This word is not known.", field="things", expected=", ".join(known), got=word[:40], hint=hint)


def _placed(line: Line, things: list[Thing], rng: np.random.Generator) -> Thing | None:
    least, most = RADII[line.look.size]
    for attempt in range(_TRIES):
        radius = most - (most - least) * min(1, attempt / (_TRIES / 2))  # rather smaller than not at all
        across = _somewhere(rng, radius, ACROSS, line.across)
        down = _somewhere(rng, radius, DOWN, line.down)
        thing = Thing(line.look, across, down, radius, float(rng.uniform(-8, 8)))
        if free(thing, things):
            return thing
    return None


def _somewhere(rng: np.random.Generator, radius: float, names: tuple[str, ...], name: str) -> float:
    """A coordinate within a third of the picture, or anywhere, with the whole thing inside of the picture."""
    low, high = (names.index(name) / 3 + 0.06, (names.index(name) + 1) / 3 - 0.06) if name else (0.0, 1.0)
    low, high = (min(max(edge, radius + 0.02), 1 - radius - 0.02) for edge in (low, high))
    return float(rng.uniform(low, high)) if high > low else low
