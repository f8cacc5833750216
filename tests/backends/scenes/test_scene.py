"""Scenes by chance: nothing over anything, no combination that is left out; drawn, said and read back."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from backends.scenes.drawing import SIDE_PX, draw, drawn_style, plain_style
from backends.scenes.scene import GAP, Look, Scene, Thing, drawn, held_out, known
from backends.scenes.sentences import VOCABULARY, caption, counted, listing, look_of, placed, prose, understood
from backends.scenes.words import COLOURS, KINDS, PATTERNS, SIZES

STAR, RING = Look("star", "red", "small"), Look("ring", "blue", "large", "striped")


def scenes(count: int, seed: int = 0) -> list[Scene]:
    rng = np.random.default_rng(seed)
    return [drawn(rng) for _ in range(count)]


def test_captions_are_shown_as_prose() -> None:
    assert (
        prose("two small red stars . the star , large , is above .")
        == "Two small red stars. The star, large, is above."
    )
    assert prose("a small red") == "A small red"
    assert prose("") == ""


def test_nothing_is_over_anything_or_over_the_edge() -> None:
    for scene in scenes(60):
        for number, thing in enumerate(scene.things):
            assert thing.radius < min(thing.across, thing.down, 1 - thing.across, 1 - thing.down)
            for other in scene.things[:number]:
                apart = max(abs(thing.across - other.across), abs(thing.down - other.down))
                assert apart > thing.radius + other.radius + GAP


def test_what_is_held_out_never_comes_but_each_word_does() -> None:
    looks = {look for scene in scenes(900) for look in scene.looks}
    assert not any(held_out(look) for look in looks)
    for name, choices in (("kind", KINDS), ("colour", tuple(COLOURS)), ("size", SIZES), ("pattern", PATTERNS)):
        assert {getattr(look, name) for look in looks} == set(choices)
    everything = [Look(kind, colour, "small") for kind in KINDS for colour in COLOURS]
    assert sum(held_out(look) for look in everything) == len(KINDS)
    assert held_out(Look("circle", "blue", "small", "striped"))
    assert known(Look("circle", "black", "small", "striped"))


def test_the_same_seed_draws_the_same() -> None:
    pictures = []
    for _ in range(2):
        rng = np.random.default_rng(4)
        scene = drawn(rng)
        pictures.append(draw(scene, drawn_style(rng, len(scene.things)), rng))
    assert pictures[0].shape == (SIDE_PX, SIDE_PX, 3)
    np.testing.assert_array_equal(*pictures)


@pytest.mark.parametrize("kind", KINDS)
def test_a_thing_is_where_it_is_said_to_be(kind: str) -> None:
    scene = Scene((Thing(Look(kind, "blue", "large"), 0.7, 0.3, 0.18),))
    picture = draw(scene, plain_style(1), np.random.default_rng(0)).astype(int)
    blue = np.argwhere(picture[:, :, 2] - picture[:, :, 0] > 60) / SIDE_PX  # (n, 2): down, across
    assert len(blue) > 100
    assert (blue.min(0) + blue.max(0)) / 2 == pytest.approx([0.3, 0.7], abs=0.03)
    assert 0.25 < (blue.max(0) - blue.min(0)).max() < 0.42


def test_patterns_show() -> None:
    inks = {}
    for pattern in PATTERNS:
        scene = Scene((Thing(Look("square", "red", "large", pattern), 0.5, 0.5, 0.18),))
        inks[pattern] = draw(scene, plain_style(1), np.random.default_rng(0))[40:56, 40:56].astype(float)
    assert inks["plain"].std((0, 1)).max() < 2
    assert inks["striped"].std((0, 1)).max() > 40
    assert np.abs(inks["striped"] - inks["dotted"]).mean() > 20


def test_captions() -> None:
    star, ring = Thing(STAR, 0.2, 0.5, 0.1), Thing(RING, 0.75, 0.5, 0.17)
    assert caption(Scene((star,))) == "a small red star in the middle left ."
    assert caption(Scene((star, ring))) == (
        "a large blue striped ring and a small red star . the large blue striped ring is right of the small red star ."
    )
    other = Thing(STAR, 0.2, 0.2, 0.1)
    assert caption(Scene((star, other))) == "two small red stars ."
    three = Scene((star, other, Thing(Look("7", "white", "small"), 0.2, 0.8, 0.1), ring))
    assert listing(three) == "a small white 7 , a large blue striped ring and two small red stars ."
    assert counted(Look("8", "orange", "small"), 1) == "a small orange 8"


def test_what_is_not_clear_is_not_said() -> None:
    star, ring = Thing(STAR, 0.2, 0.2, 0.1), Thing(RING, 0.7, 0.68, 0.17)
    assert caption(Scene((star, ring))) is None, "askew"
    assert placed(Thing(STAR, 0.34, 0.5, 0.1)) is None, "nearly between two thirds"


def test_captions_are_read_back() -> None:
    said = 0
    for scene in scenes(200, seed=8):
        text = caption(scene)
        if text is not None:
            assert understood(text).groups == Counter({look: len(things) for look, things in scene.groups.items()})
            assert set(text.split()) <= set(VOCABULARY)
            said += 1
    assert said > 100


def test_words_that_make_no_look() -> None:
    assert look_of(["red", "small", "stars"]) == STAR
    assert look_of(["red", "star"]) is None, "no size"
    assert look_of(["small", "red", "banana"]) is None
    assert understood("two small , red and . the .").groups == Counter()
