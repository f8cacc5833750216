"""What is in a scene, in words of a small grammar: written from a scene, and read back into what was said."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from backends.scenes.scene import Look, Scene, Thing
from backends.scenes.words import ACROSS, COLOURS, DOWN, KINDS, NUMBERS, PATTERNS, RELATIONS, SIZES, article, plural

#: One group's middle must be so many times farther to the side of the other's than above or below it, or the reverse.
CLEAR = 1.4
#: So far from the lines between thirds must a place be to be named, in shares of the side.
_MARGIN = 0.05
#: Plural to singular.
PLURALS = {plural(kind): kind for kind in KINDS}


def described(look: Look, *, many: bool = False) -> str:
    """A look without its number: `small red striped star`, `small red striped stars`."""
    pattern = [look.pattern] if look.pattern != PATTERNS[0] else []
    return " ".join([look.size, look.colour, *pattern, plural(look.kind) if many else look.kind])


def counted(look: Look, number: int) -> str:
    """A group: `a large blue ring`, `three small red 7s`."""
    return article(described(look)) if number == 1 else f"{NUMBERS[number]} {described(look, many=True)}"


def caption(scene: Scene) -> str | None:
    """All groups, and where they are; None where that is not clear enough to be said.

    `three small red stars and a large blue ring . the small red stars are above the large blue ring .`, of a single
    thing `a large red star in the top left .`
    """
    groups = scene.groups
    if len(scene.things) == 1:
        place = placed(scene.things[0])
        return None if place is None else f"{listing(scene)[:-2]} in the {place} ."
    if len(groups) == 1:
        return listing(scene)
    (first, here), (second, there), *_ = groups.items()
    relation = related(here, there)
    if relation is None:
        return None
    subject = f"the {described(first, many=len(here) > 1)} {'are' if len(here) > 1 else 'is'}"
    return f"{listing(scene)} {subject} {relation} the {described(second, many=len(there) > 1)} ."


def listing(scene: Scene) -> str:
    """All groups, without their places."""
    *most, last = (counted(look, len(things)) for look, things in scene.groups.items())
    return f"{' , '.join(most)} and {last} ." if most else f"{last} ."


def placed(thing: Thing) -> str | None:
    """The place of a thing: `top left`, `middle right`; None close to a line between thirds."""
    words = []
    for names, share in ((DOWN, thing.down), (ACROSS, thing.across)):
        if min(abs(share - line) for line in (1 / 3, 2 / 3)) < _MARGIN:
            return None
        words.append(names[min(2, int(share * 3))])
    return " ".join(words)


def related(here: list[Thing], there: list[Thing]) -> str | None:
    """Where the middle of some things is, seen from that of others; None where it is askew."""
    across = sum(thing.across for thing in here) / len(here) - sum(thing.across for thing in there) / len(there)
    down = sum(thing.down for thing in here) / len(here) - sum(thing.down for thing in there) / len(there)
    wide, high = abs(across), abs(down)
    if max(wide, high) < 0.12 or max(wide, high) < CLEAR * min(wide, high):
        return None
    left, right, above, below = RELATIONS
    if wide > high:
        return left if across < 0 else right
    return above if down < 0 else below


@dataclass(frozen=True)
class Said:
    """What a caption says.

    Attributes:
        groups: each look with its number.
        rest: relations and places, as they were written.
    """

    groups: Counter[Look]
    rest: tuple[str, ...]


def prose(text: str) -> str:
    """A caption of the networks as people write it, with large letters and its full stops in place."""
    joined = re.sub(r" ([.,])", r"\1", text)
    return re.sub(r"(?:^|(?<=\. ))\w", lambda first: first[0].upper(), joined)


def understood(text: str) -> Said:
    """Read a caption back; what is not of the grammar is left out of the groups."""
    listed, *rest = (part.strip() for part in text.split(" ."))
    listed, _, place = listed.partition(" in the ")
    groups: Counter[Look] = Counter()
    for phrase in re.split(r" , | and ", listed):
        number, *words = phrase.split() or [""]
        many = NUMBERS.index(number) if number in NUMBERS else 1
        look = look_of(words)
        if look is not None:
            groups[look] += many
    return Said(groups, tuple(part for part in (place, *rest) if part))


def look_of(words: list[str]) -> Look | None:
    """The look that words describe, in any order; None where kind, colour or size is missing or a word is unknown."""
    found: dict[str, str] = {"pattern": PATTERNS[0]}
    for word in words:
        kind = PLURALS.get(word, word)
        for name, choices in (("kind", KINDS), ("colour", tuple(COLOURS)), ("size", SIZES), ("pattern", PATTERNS)):
            if kind in choices:
                found[name] = kind
                break
        else:
            return None
    return Look(**found) if len(found) == 4 else None


#: Every word of the grammar.
VOCABULARY = tuple(
    sorted(
        {"a", "an", ".", ",", "and", "in", "the", "is", "are", "of", *PLURALS, *KINDS, *COLOURS, *SIZES}
        | {*PATTERNS[1:], *NUMBERS[2:10], *DOWN, *ACROSS}
        | {word for relation in RELATIONS for word in relation.split()}
    )
)
