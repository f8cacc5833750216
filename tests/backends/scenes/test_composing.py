"""Scenes that are written down."""

from __future__ import annotations

import numpy as np
import pytest

from backends.scenes.composing import composed
from backends.scenes.scene import Look, Scene
from studio.errors import InvalidInput, TooLarge


def scene(text: str, seed: int = 0) -> Scene:
    return composed(text, np.random.default_rng(seed))


def test_lines_become_things_in_their_places() -> None:
    made = scene("a large striped red star, top left\nthree small blue circles\nwhite 7, bottom right")
    assert {look: len(things) for look, things in made.groups.items()} == {
        Look("star", "red", "large", "striped"): 1,
        Look("circle", "blue", "small"): 3,
        Look("7", "white", "large"): 1,
    }
    (star,) = (thing for thing in made.things if thing.look.kind == "star")
    assert max(star.across, star.down) < 1 / 3
    (seven,) = (thing for thing in made.things if thing.look.kind == "7")
    assert min(seven.across, seven.down) > 2 / 3


@pytest.mark.parametrize(
    ("text", "look", "number"),
    [
        ("3 red stars", Look("star", "red", "large"), 3),
        ("a big red 3", Look("3", "red", "large"), 1),
        ("two little spotted black crosses", Look("cross", "black", "small", "dotted"), 2),
        ("STARS yellow small", Look("star", "yellow", "small"), 1),
        ("4 small 4s green", Look("4", "green", "small"), 4),
    ],
)
def test_words_in_any_order(text: str, look: Look, number: int) -> None:
    assert {look: len(things) for look, things in scene(text).groups.items()} == {look: number}


def test_the_middle() -> None:
    (thing,) = scene("a small red star in the middle").things
    assert 1 / 3 < thing.down < 2 / 3
    (thing,) = scene("a small red star, middle middle").things
    assert 1 / 3 < thing.across < 2 / 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("purple hart", "Did you mean heart?"),
        ("large star", "of which colour"),
        ("red, top left", "what it is"),
        (" \n ", "empty"),
        ("2 large red stars, top left", "no room"),
    ],
)
def test_what_cannot_be_drawn_is_said(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as fault:
        scene(text)
    assert fault.value.field == "things"
    assert said in f"{fault.value.message} {fault.value.hint}"


def test_too_many() -> None:
    with pytest.raises(TooLarge):
        scene("5 small red stars\n3 small red rings")


def test_seven_large_things_find_room_or_it_is_said() -> None:
    assert len(scene("4 large red stars\n3 small blue rings", seed=3).things) == 7
