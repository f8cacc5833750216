"""Sentences about a picture's form, colours and light."""

from __future__ import annotations

from backends.captioning.colours import Colour, main_colours
from backends.captioning.facts import Fact, listed, place
from backends.captioning.light import Light

#: L*, from 0 to 100.
_DARK, _BRIGHT, _FLAT, _STRONG = 25.0, 80.0, 8.0, 32.0
#: Laplacian over spread: see `Light.sharpness`. Below the first a photograph looks out of focus.
_BLURRED = 0.06
_WIDE, _SQUARE = 2.0, 1.05


def form(resolution_wh: tuple[int, int]) -> Fact:
    """Whether it is upright or oblong."""
    width, height = resolution_wh
    ratio = max(width, height) / min(width, height)
    if ratio <= _SQUARE:
        name = "a square picture"
    else:
        name = f"{'a very' if ratio >= _WIDE else 'a'} {'wide' if width > height else 'tall'} picture"
    return Fact(
        kind="form", sentence=f"This is {name}.", evidence=f"{width} x {height} px", task="image_measures", score=None
    )


def colour(found: list[Colour]) -> Fact:
    """Its main colours."""
    named = main_colours(found)
    first = f"It is {'mostly' if named[0].share >= 0.5 else 'in part'} {named[0].name}"
    others = [each.name for each in named[1:]]
    return Fact(
        kind="colours",
        sentence=f"{first}, with {listed(others)}." if others else f"{first}.",
        evidence=", ".join(f"{each.name} {each.share:.0%}" for each in named),
        task="image_measures",
    )


def lighting(measured: Light, resolution_wh: tuple[int, int]) -> list[Fact]:
    """Its light, sharpness and composition, as far as they are out of the ordinary."""
    said = []
    if measured.lightness < _DARK:
        said.append(_fact("It is dark.", f"mean lightness {measured.lightness:.0f} of 100"))
    elif measured.lightness > _BRIGHT:
        said.append(_fact("It is bright.", f"mean lightness {measured.lightness:.0f} of 100"))
    if measured.contrast < _FLAT:
        said.append(_fact("It has little contrast.", f"lightness varies by {measured.contrast:.0f} of 100"))
    elif measured.contrast > _STRONG:
        said.append(_fact("It has strong contrast.", f"lightness varies by {measured.contrast:.0f} of 100"))
    if measured.sharpness is not None and measured.sharpness < _BLURRED:
        said.append(_fact("It is not sharp.", f"edges are {measured.sharpness:.3f} of the contrast"))
    if measured.detail_xy is not None:
        x, y = measured.detail_xy
        width, height = resolution_wh
        at = place((x * width, y * height, x * width, y * height), resolution_wh)
        if at != "in the middle":
            said.append(_fact(f"Most of its detail is {at}.", f"centre of the edges at {x:.0%} across, {y:.0%} down"))
    return said


def _fact(sentence: str, evidence: str) -> Fact:
    return Fact(kind="light", sentence=sentence, evidence=evidence, task="image_measures")
