"""A scene: things in places, alike in groups, on a ground. Drawn by chance, or written down by a visitor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from backends.scenes.words import COLOURS, KINDS, PATTERNS, SIZES

#: Half the side of a thing in shares of the picture's side: least and most of each size.
RADII = {"small": (0.085, 0.105), "large": (0.155, 0.19)}
MOST_GROUPS, MOST_ALIKE, MOST_THINGS = 3, 4, 7
#: Two things are this much farther apart than they must be, in shares of the side.
GAP = 0.02
_TRIES = 200


@dataclass(frozen=True, order=True)
class Look:
    """How a thing looks; groups are named in this order."""

    kind: str
    colour: str
    size: str
    pattern: str = PATTERNS[0]


@dataclass(frozen=True)
class Thing:
    """A thing in its place.

    Attributes:
        across, down: its centre, in shares of the picture's side.
        radius: half its side, likewise.
        turn_deg: anticlockwise.
    """

    look: Look
    across: float
    down: float
    radius: float
    turn_deg: float = 0.0


@dataclass(frozen=True)
class Scene:
    """All things of a picture, none over another."""

    things: tuple[Thing, ...]

    @property
    def groups(self) -> dict[Look, list[Thing]]:
        """Things that look alike, in the order in which they are named."""
        return {look: [thing for thing in self.things if thing.look == look] for look in sorted(self.looks)}

    @property
    def looks(self) -> set[Look]:
        """How the things look."""
        return {thing.look for thing in self.things}


def held_out(look: Look) -> bool:
    """Whether a combination never occurs in training: of each kind, one colour.

    Each word alone occurs in training many times. As in CLEVR-CoGenT (Johnson et al. 2017, arXiv:1612.06890).
    """
    return (KINDS.index(look.kind) * 2 + 4) % len(COLOURS) == list(COLOURS).index(look.colour)


def known(look: Look) -> bool:
    """Whether a combination occurs in training."""
    return not held_out(look)


def drawn(rng: np.random.Generator, allowed: Callable[[Look], bool] = known) -> Scene:
    """A scene by chance, of combinations that are allowed: one to three groups, of one to four things each."""
    while True:
        count = int(rng.choice((1, 2, 3), p=(0.2, 0.5, 0.3)))
        looks = {_look(rng, allowed) for _ in range(count)}
        alike = [int(rng.choice((1, 2, 3, 4), p=(0.55, 0.2, 0.15, 0.1))) for _ in looks]
        if len(looks) < count or sum(alike) > MOST_THINGS:
            continue
        wanted = [look for look, many in zip(sorted(looks), alike, strict=True) for _ in range(many)]
        placed = _placed(rng, wanted)
        if placed is not None:
            return Scene(placed)


def free(thing: Thing, things: Sequence[Thing]) -> bool:
    """Whether a thing would be over none of the others."""
    return all(
        max(abs(thing.across - other.across), abs(thing.down - other.down)) > thing.radius + other.radius + GAP
        for other in things
    )


def _look(rng: np.random.Generator, allowed: Callable[[Look], bool]) -> Look:
    """Digits come as often as two shapes, and always plain: a pattern would hide them."""
    while True:
        number = int(rng.integers(0, 10))
        kind = KINDS[number] if number < 8 else KINDS[int(rng.integers(8, len(KINDS)))]
        pattern = PATTERNS[0] if number >= 8 else PATTERNS[int(rng.choice(3, p=(0.5, 0.25, 0.25)))]
        look = Look(kind, list(COLOURS)[int(rng.integers(len(COLOURS)))], SIZES[int(rng.integers(2))], pattern)
        if allowed(look):
            return look


def _placed(rng: np.random.Generator, looks: list[Look]) -> tuple[Thing, ...] | None:
    """A thing of each look, none over another; None if no place was found."""
    things: list[Thing] = []
    for look in looks:
        for _ in range(_TRIES):
            radius = float(rng.uniform(*RADII[look.size]))
            across, down = rng.uniform(radius + GAP, 1 - radius - GAP, 2).tolist()
            thing = Thing(look, across, down, radius, float(rng.uniform(-14, 14)))
            if free(thing, things):
                things.append(thing)
                break
        else:
            return None
    return tuple(things)
