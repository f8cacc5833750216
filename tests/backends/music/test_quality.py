"""What the benchmark counts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from bench.music_quality import chords, divergence, intervals, longest_shared, pitches
from tests.backends.music import pieces
from tests.backends.music.pieces import SCALE


def test_divergence_is_nothing_for_equals_and_ln_2_for_strangers() -> None:
    assert divergence(Counter("aab"), Counter("aabaab")) == pytest.approx(0, abs=1e-12)
    assert divergence(Counter("aa"), Counter("b")) == pytest.approx(np.log(2))


def test_what_is_counted_does_not_change_with_the_key() -> None:
    for count in (pitches, intervals, chords):
        assert Counter(count(SCALE)) == Counter(count((SCALE + 5).astype(np.int16)))  # type: ignore[operator]
    assert list(chords(SCALE))[1] == (5, 0, 9)
    assert list(intervals(SCALE))[:2] == [(0, -1), (0, 1)]


def test_shared_passages_are_found_in_any_key() -> None:
    other = pieces.chords((60, 57, 53, 41), (65, 62, 58, 46))
    hidden = np.concatenate([other, (SCALE + 3)[4:]]).astype(np.int16)
    assert longest_shared(SCALE, [other]) == 4, "the second chord, in another key"
    assert longest_shared(SCALE, [other, hidden]) == 12
    assert longest_shared(SCALE, [SCALE]) == len(SCALE)
