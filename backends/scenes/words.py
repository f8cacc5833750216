"""What drawn scenes are made of, by name: kinds of things, colours, sizes, patterns, places."""

from __future__ import annotations

SHAPES = ("circle", "ring", "square", "triangle", "star", "cross", "diamond", "heart")
DIGITS = tuple("0123456789")
#: What a thing can be: a shape or a digit.
KINDS = (*SHAPES, *DIGITS)
#: Name to sRGB in 0..1; each thing's own colour lies near it.
COLOURS = {
    "red": (0.84, 0.12, 0.13),
    "orange": (0.96, 0.53, 0.05),
    "yellow": (0.97, 0.88, 0.15),
    "green": (0.10, 0.58, 0.20),
    "blue": (0.10, 0.28, 0.82),
    "purple": (0.47, 0.14, 0.63),
    "pink": (0.98, 0.55, 0.75),
    "black": (0.05, 0.05, 0.06),
    "white": (0.97, 0.97, 0.96),
}
SIZES = ("small", "large")
#: The first one is not said.
PATTERNS = ("plain", "striped", "dotted")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
#: Thirds of the picture.
DOWN, ACROSS = ("top", "middle", "bottom"), ("left", "centre", "right")
RELATIONS = ("left of", "right of", "above", "below")


def plural(kind: str) -> str:
    """More than one of a kind: `crosses`, `7s`."""
    return f"{kind}es" if kind == "cross" else f"{kind}s"


def article(phrase: str) -> str:
    """The phrase with `a` or `an` before it."""
    return f"{'an' if phrase[0] in 'aeiou8' else 'a'} {phrase}"
