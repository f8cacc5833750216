"""Grids, notes and keys."""

from __future__ import annotations

import numpy as np
import pytest

from backends.music.grid import (
    KEYS,
    REST,
    REST_TOKEN,
    Note,
    from_tokens,
    key_of,
    notes,
    sharps_of,
    to_tokens,
    transposed,
)  # fmt: skip
from tests.backends.music.pieces import SCALE, chords


def test_equal_pitches_are_one_note_struck_again_after_a_half_note() -> None:
    grid = chords((60, 60, 60, 48), steps=20)
    grid = np.concatenate([grid, chords((62, REST, 60, 48))])
    assert [note for note in notes(grid) if note.voice == 0] == [
        Note(0, 8, 60, 0), Note(8, 8, 60, 0), Note(16, 4, 60, 0), Note(20, 4, 62, 0),
    ]  # fmt: skip
    assert [note.steps for note in notes(grid) if note.voice == 1] == [8, 8, 4]
    assert [note for note in notes(grid) if note.voice == 2] == [Note(0, 24, 60, 2)], "the last one is held"


def test_tokens_there_and_back() -> None:
    grid = SCALE.copy()
    grid[3, 1] = REST
    assert to_tokens(grid)[3, 1] == REST_TOKEN
    assert np.array_equal(from_tokens(to_tokens(grid)), grid)
    with pytest.raises(ValueError, match=r"36\.\.81"):
        to_tokens(SCALE + 20)


def test_a_grid_is_not_transposed_out_of_the_range() -> None:
    moved = transposed(SCALE, -3)
    assert moved is not None
    assert np.array_equal(moved, SCALE - 3)
    assert transposed(SCALE, 12) is None
    rests = np.zeros((4, 4), np.int16)
    assert transposed(rests, 50) is not None


@pytest.mark.parametrize("tonic", range(12))
def test_keys_are_found(tonic: int) -> None:
    major = np.array([0, 2, 4, 5, 7, 9, 11, 12, 7, 4, 0], np.int16) + 60 + tonic
    minor = np.array([0, 2, 3, 5, 7, 8, 11, 12, 7, 3, 0], np.int16) + 60 + tonic
    assert key_of(major) == tonic
    assert key_of(minor) == 12 + tonic
    assert key_of(np.array([REST], np.int16)) == 0


@pytest.mark.parametrize(
    ("name", "sharps"),
    [("C major", 0), ("A minor", 0), ("G major", 1), ("F major", -1), ("E-flat major", -3), ("C minor", -3),
     ("F-sharp minor", 3), ("B major", 5), ("D-flat major", -5), ("G-sharp minor", 5), ("B-flat minor", -5),
     ("F-sharp major", 6)],
)  # fmt: skip
def test_signatures(name: str, sharps: int) -> None:
    assert sharps_of(KEYS.index(name)) == sharps
