"""What a teacher would mark, on chords with known faults."""

from __future__ import annotations

import pytest

from backends.music.grid import REST, Grid
from backends.music.theory import counts, findings, marks, parallels
from tests.backends.music.pieces import SCALE, chords


def found(grid: Grid) -> dict[str, int]:
    return {count.name: count.found for count in counts(grid)}


def test_a_clean_piece_has_no_marks() -> None:
    assert found(SCALE) == {
        "Parallel fifths": 0, "Parallel octaves and unisons": 0, "Voices crossed": 0,
        "Upper voices more than an octave apart": 0, "Outside a voice's usual range": 0, "Leaps beyond an octave": 0,
        "Outside the key": 0, "Beats with a triad or a seventh chord": 4,
    }  # fmt: skip
    assert marks(SCALE, 0) == []


def test_parallels_are_found_with_their_place() -> None:
    grid = chords((72, 67, 60, 48), (72, 67, 60, 48), (74, 67, 62, 50), (72, 69, 60, 45))
    assert parallels(grid, 0) == [(8, 0, 2), (8, 0, 3), (8, 2, 3), (12, 0, 2)]
    assert marks(grid, 0)[0] == "Parallel octaves: soprano and tenor, bar 1, beat 3."
    assert marks(grid, 4)[0] == "Parallel octaves: soprano and tenor, bar 1, beat 2."
    fifths = chords((67, 64, 60, 48), (69, 64, 62, 47))
    assert parallels(fifths, 7) == [(4, 0, 2)]


def test_standing_still_and_contrary_motion_are_no_parallels() -> None:
    assert parallels(chords((67, 64, 60, 48), (67, 64, 60, 48)), 7) == []
    assert parallels(chords((72, 67, 64, 48), (74, 67, 64, 38)), 0) == [], "an octave to an octave, outwards"
    assert parallels(chords((67, 64, 60, 48), (REST, 64, 62, 48)), 7) == []


@pytest.mark.parametrize(
    ("grid", "name", "number"),
    [
        (chords((64, 67, 60, 48)), "Voices crossed", 4),
        (chords((79, 64, 60, 48)), "Upper voices more than an octave apart", 4),
        (chords((72, 67, 60, 36)), "Outside a voice's usual range", 4),
        (chords((60, 55, 52, 48), (76, 55, 52, 48)), "Leaps beyond an octave", 1),
        (chords((61, 60, 59, 58)), "Beats with a triad or a seventh chord", 0),
    ],
)
def test_each_fault_is_counted(grid: Grid, name: str, number: int) -> None:
    assert found(grid)[name] == number


def test_findings_are_means_over_all_pieces() -> None:
    crossed = chords((64, 67, 60, 48), (64, 67, 60, 48), (64, 67, 60, 48), (64, 67, 60, 48))
    assert findings([SCALE, crossed])["Voices crossed"] == pytest.approx(0.5)
