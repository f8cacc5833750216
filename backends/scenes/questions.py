"""Questions about scenes with their answers, of five forms: count, exist, compare, query, relate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from backends.scenes.scene import Look, Scene, Thing
from backends.scenes.words import COLOURS, KINDS, PATTERNS, RELATIONS, SIZES, article, plural

FORMS = ("count", "exist", "compare", "query", "relate")
YES, NO = "yes", "no"
#: Words of the longest question.
LONGEST = 22
#: Everything that can be answered.
ANSWERS = (YES, NO, *(f"{number}" for number in range(8)), *COLOURS, *SIZES, *PATTERNS, *KINDS[:8])
_ASKED = {"colour": "What colour is", "size": "How large is", "pattern": "What pattern has", "kind": "What shape is"}
#: A thing lies to one side of another if its centre is this much farther, in shares of the side.
_APART = 0.07


@dataclass(frozen=True)
class Wanted:
    """Part of a look: what things a question is about; empty words are free."""

    kind: str = ""
    colour: str = ""
    size: str = ""
    pattern: str = ""

    def fits(self, look: Look) -> bool:
        """Whether a look is meant."""
        return all(getattr(self, part.name) in ("", getattr(look, part.name)) for part in fields(self))

    def said(self, *, many: bool) -> str:
        """`small red stars`, `dotted thing`."""
        kind = self.kind or "thing"
        words = (self.size, self.colour, self.pattern, plural(kind) if many else kind)
        return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Question:
    """A question and its answer.

    Attributes:
        form: one of `FORMS`.
        first: the things that are to be found first, by their places in the scene: those which the others are
            compared with, or beside which the others are; all, where the question is about things of one look only.
        then: the others that the answer rests on.
    """

    form: str
    text: str
    answer: str
    first: tuple[int, ...]
    then: tuple[int, ...] = ()

    @property
    def rests_on(self) -> tuple[int, ...]:
        """The things that the answer rests on, by their places in the scene."""
        return (*self.first, *self.then)


def asked(rng: np.random.Generator, scene: Scene, form: str) -> Question | None:
    """A question of a form by chance, with either answer equally likely; None where the scene gives none."""
    return _FORMS[form](rng, scene)


def _count(rng: np.random.Generator, scene: Scene) -> Question | None:
    wanted = _wanted(rng, scene)
    meant = _meant(scene, wanted)
    return Question("count", f"How many {wanted.said(many=True)} are there?", str(len(meant)), meant)


def _exist(rng: np.random.Generator, scene: Scene) -> Question | None:
    there = bool(rng.random() < 0.5)
    for _ in range(20):
        wanted = _wanted(rng, scene, strange=not there)
        meant = _meant(scene, wanted)
        if bool(meant) == there:
            return Question("exist", f"Is there {article(wanted.said(many=False))}?", YES if there else NO, meant)
    return None


def _compare(rng: np.random.Generator, scene: Scene) -> Question | None:
    how = ("more", "fewer", "as many")[int(rng.integers(3))]
    yes = bool(rng.random() < 0.5)
    for _ in range(30):
        first, second = _wanted(rng, scene), _wanted(rng, scene, strange=bool(rng.random() < 0.3))
        here, there = _meant(scene, first), _meant(scene, second)
        difference = len(here) - len(there)
        true = {"more": difference > 0, "fewer": difference < 0, "as many": difference == 0}[how]
        if first != second and not set(here) & set(there) and true == yes:
            than = "as" if how == "as many" else "than"
            text = f"Are there {how} {first.said(many=True)} {than} {second.said(many=True)}?"
            return Question("compare", text, YES if yes else NO, here, there)
    return None


def _query(rng: np.random.Generator, scene: Scene) -> Question | None:
    for _ in range(20):
        part = tuple(_ASKED)[int(rng.integers(len(_ASKED)))]
        one = int(rng.integers(len(scene.things)))
        wanted = _part(rng, scene.things[one].look, without=part)
        meant = _meant(scene, wanted)
        answer = str(getattr(scene.things[one].look, part))
        if len(meant) == 1 and answer in ANSWERS and not answer.isdigit() and wanted != Wanted():
            return Question("query", f"{_ASKED[part]} the {wanted.said(many=False)}?", answer, meant)
    return None


def _relate(rng: np.random.Generator, scene: Scene) -> Question | None:
    count = bool(rng.random() < 0.5)
    yes = bool(rng.random() < 0.5)
    for _ in range(30):
        relation = RELATIONS[int(rng.integers(len(RELATIONS)))]
        anchor = _part(rng, scene.things[int(rng.integers(len(scene.things)))].look)
        meant = _meant(scene, anchor)
        if len(meant) != 1 or anchor == Wanted():
            continue
        sides = [_side(thing, scene.things[meant[0]], relation) for thing in scene.things]
        wanted = Wanted() if count else _wanted(rng, scene)
        others = [number for number in _meant(scene, wanted) if number != meant[0]]
        if any(sides[number] is None for number in others):
            continue
        beside = tuple(number for number in others if sides[number])
        if count:
            text = f"How many things are {relation} the {anchor.said(many=False)}?"
            return Question("relate", text, str(len(beside)), meant, beside)
        if bool(beside) == yes:
            text = f"Is there {article(wanted.said(many=False))} {relation} the {anchor.said(many=False)}?"
            return Question("relate", text, YES if yes else NO, meant, beside)
    return None


def _side(thing: Thing, anchor: Thing, relation: str) -> bool | None:
    """Whether a thing lies on a side of another; None where it is nearly beside it."""
    left, _, above, _ = RELATIONS
    ahead = anchor.across - thing.across if relation in RELATIONS[:2] else anchor.down - thing.down
    ahead = ahead if relation in (left, above) else -ahead
    return None if abs(ahead) < _APART else ahead > 0


def _meant(scene: Scene, wanted: Wanted) -> tuple[int, ...]:
    return tuple(number for number, thing in enumerate(scene.things) if wanted.fits(thing.look))


def _wanted(rng: np.random.Generator, scene: Scene, *, strange: bool | None = None) -> Wanted:
    """Part of the look of one of the things; where it is to be strange, with one word of it exchanged."""
    wanted = _part(rng, scene.things[int(rng.integers(len(scene.things)))].look)
    if strange is None:
        strange = bool(rng.random() < 0.15)
    said = [part.name for part in fields(wanted) if getattr(wanted, part.name)]
    if not strange or not said:
        return wanted
    part = said[int(rng.integers(len(said)))]
    choices = {"kind": KINDS, "colour": tuple(COLOURS), "size": SIZES, "pattern": PATTERNS}[part]
    other = choices[int(rng.integers(len(choices)))]
    return Wanted(**{each.name: other if each.name == part else getattr(wanted, each.name) for each in fields(wanted)})


def _part(rng: np.random.Generator, look: Look, without: str = "") -> Wanted:
    """Some of the words of a look, each kept by chance."""
    kept = {name: rng.random() < share for name, share in _KEPT.items()}
    return Wanted(**{name: getattr(look, name) if kept[name] and name != without else "" for name in kept})


_KEPT = {"kind": 0.7, "colour": 0.5, "size": 0.3, "pattern": 0.25}
_FORMS: dict[str, Callable[[np.random.Generator, Scene], Question | None]] = {
    "count": _count,
    "exist": _exist,
    "compare": _compare,
    "query": _query,
    "relate": _relate,
}
#: Every word of the questions; the first one is padding.
WORDS = (
    "",
    *sorted(
        {"how", "many", "are", "there", "is", "a", "an", "more", "fewer", "as", "than", "what", "the", "large", "shape"}
        | {"colour", "pattern", "has", "thing", "things", *KINDS, *(plural(kind) for kind in KINDS), *COLOURS}
        | {*SIZES, *PATTERNS, *(word for relation in RELATIONS for word in relation.split())}
    ),
)


def words_of(text: str) -> list[str]:
    """The words of a question, in small letters."""
    return text.lower().rstrip(" ?").split()
