"""What a teacher of harmony would mark in a four-part piece, counted, to be held against Bach's own counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backends.music.grid import REST, STEPS_PER_BAR, STEPS_PER_BEAT, VOICES, Grid, key_of

#: Usual ranges of the voices: C4-A5, F3-D5, C3-A4, E2-D4.
RANGES = ((60, 81), (53, 74), (48, 69), (40, 62))
_PAIRS = tuple((upper, lower) for upper in range(4) for lower in range(upper + 1, 4))
_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 9, 10, 11))  # major; minor in all its forms


@dataclass(frozen=True)
class Count:
    """One kind of finding.

    Attributes:
        per: what it is counted in.
        values: found, and out of how many, in one piece.
    """

    name: str
    per: str
    found: int
    out_of: int


def counts(grid: Grid) -> list[Count]:
    """Everything that is counted, of one piece (T, 4)."""
    bars = max(1, round(len(grid) / STEPS_PER_BAR))
    sounding = int((grid != REST).sum())
    return [
        Count("Parallel fifths", "bar", len(parallels(grid, 7)), bars),
        Count("Parallel octaves and unisons", "bar", len(parallels(grid, 0)), bars),
        Count("Voices crossed", "sixteenths", int(_crossed(grid).sum()), len(grid)),
        Count("Upper voices more than an octave apart", "sixteenths", int(_wide(grid).sum()), len(grid)),
        Count("Outside a voice's usual range", "notes", int(_out_of_range(grid).sum()), sounding),
        Count("Leaps beyond an octave", "bar", _leaps(grid), bars),
        Count("Outside the key", "notes", _outside_key(grid), sounding),
        Count("Beats with a triad or a seventh chord", "beats", *_chords(grid)),
    ]


def findings(pieces: Sequence[Grid]) -> dict[str, float]:
    """The mean of each count over many pieces, by its name."""
    every = [counts(piece) for piece in pieces]
    return {
        rows[0].name: sum(row.found for row in rows) / max(1, sum(row.out_of for row in rows))
        for rows in zip(*every, strict=True)
    }


def parallels(grid: Grid, semitones: int) -> list[tuple[int, int, int]]:
    """(sixteenth, upper voice, lower voice) where two voices move in step from one such interval to the next.

    Args:
        semitones: of the interval, octaves taken off: 7 for fifths, 0 for octaves and unisons.
    """
    found = []
    moved = grid[1:].astype(np.int32) - grid[:-1]  # (T - 1, 4)
    for upper, lower in _PAIRS:
        sounding = (grid[:, upper] != REST) & (grid[:, lower] != REST)
        apart = (grid[:, upper].astype(np.int32) - grid[:, lower]) % 12 == semitones
        both = sounding[1:] & sounding[:-1] & apart[1:] & apart[:-1]
        along = moved[:, upper] * moved[:, lower] > 0
        found += [(int(at) + 1, upper, lower) for at in np.flatnonzero(both & along)]
    return sorted(found)


def marks(grid: Grid, upbeat: int) -> list[str]:
    """Each parallel in words, with its place; the bar after an upbeat is the first."""
    words = []
    for semitones, name in ((7, "fifths"), (0, "octaves")):
        for at, upper, lower in parallels(grid, semitones):
            bar, step = divmod(at + -upbeat % STEPS_PER_BAR, STEPS_PER_BAR)
            place = f"bar {bar + (0 if upbeat else 1)}, beat {step // STEPS_PER_BEAT + 1}"
            words.append(f"Parallel {name}: {VOICES[upper]} and {VOICES[lower]}, {place}.")
    return words


def _crossed(grid: Grid) -> npt.NDArray[np.bool_]:
    sounding = (grid[:, 1:] != REST) & (grid[:, :-1] != REST)
    return np.asarray((sounding & (grid[:, 1:] > grid[:, :-1])).any(1))


def _wide(grid: Grid) -> npt.NDArray[np.bool_]:
    upper, lower = grid[:, :2].astype(np.int32), grid[:, 1:3].astype(np.int32)
    return np.asarray(((upper != REST) & (lower != REST) & (upper - lower > 12)).any(1))


def _out_of_range(grid: Grid) -> npt.NDArray[np.bool_]:
    low, high = np.array(RANGES).T
    return np.asarray((grid != REST) & ((grid < low) | (grid > high)))


def _leaps(grid: Grid) -> int:
    sounding = (grid[1:] != REST) & (grid[:-1] != REST)
    return int((sounding & (np.abs(np.diff(grid.astype(np.int32), axis=0)) > 12)).sum())


def _outside_key(grid: Grid) -> int:
    key = key_of(grid)
    scale = [(key + degree) % 12 for degree in _SCALES[key // 12]]
    heard = grid[grid != REST]
    return int((~np.isin(heard % 12, scale)).sum())


#: Triads and seventh chords of the common practice, as semitones above the root.
_CHORDS = {
    frozenset(chord)
    for chord in (
        (0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 8), (0, 4, 7, 10), (0, 4, 7, 11), (0, 3, 7, 10), (0, 3, 6, 10),
        (0, 3, 6, 9), (0, 4), (0, 3), (0, 7), (0, 4, 10), (0, 3, 10),
    )
}  # fmt: skip


def _chords(grid: Grid) -> tuple[int, int]:
    """(beats whose pitches are such a chord over some root, all beats that sound)."""
    beats = [set((row[row != REST] % 12).tolist()) for row in grid[::STEPS_PER_BEAT]]
    sounding = [beat for beat in beats if beat]
    known = [any(frozenset((p - root) % 12 for p in beat) in _CHORDS for root in beat) for beat in sounding]
    return sum(known), len(sounding)
