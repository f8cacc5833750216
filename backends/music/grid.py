"""Four-part music on a grid of sixteenth notes: what the network reads and writes, and what becomes of it.

A grid is int16 of shape (T, 4): the MIDI pitch of soprano, alto, tenor and bass in each sixteenth, or `REST`. Whether
an unchanged pitch is held or struck again is not in it; `notes` decides that by a rule.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Grid = npt.NDArray[np.int16]

VOICES = ("soprano", "alto", "tenor", "bass")
STEPS_PER_BEAT, STEPS_PER_BAR = 4, 16
REST, FREE = 0, -1
LOWEST, HIGHEST = 36, 81

#: Tokens: 0..45 are the pitches 36..81, then silence, then what stands before the beginning.
REST_TOKEN, START_TOKEN = HIGHEST - LOWEST + 1, HIGHEST - LOWEST + 2
CLASSES, TOKENS = START_TOKEN, START_TOKEN + 1

#: A pitch that stays longer than this is struck again, as a choir would with the next syllable.
_LONGEST_STEPS = 8

_NAMES = ("C", "D-flat", "D", "E-flat", "E", "F", "F-sharp", "G", "A-flat", "A", "B-flat", "B")
_MINOR_NAMES = ("C", "C-sharp", "D", "E-flat", "E", "F", "F-sharp", "G", "G-sharp", "A", "B-flat", "B")
KEYS = tuple(f"{name} major" for name in _NAMES) + tuple(f"{name} minor" for name in _MINOR_NAMES)

# Krumhansl and Kessler 1982: how well each degree was found to fit into a key.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


@dataclass(frozen=True)
class Note:
    """A note of one voice; times in sixteenths from the beginning."""

    start: int
    steps: int
    pitch: int
    voice: int


def notes(grid: Grid) -> list[Note]:
    """The notes of all voices, by voice and time.

    Equal pitches that follow each other are one note. One that lasts longer than a half note is struck again after each
    half note, except at the very end.
    """
    made = []
    for voice in range(grid.shape[1]):
        for start, end in _runs(grid[:, voice]):
            if grid[start, voice] == REST:
                continue
            longest = _LONGEST_STEPS if end < len(grid) else end - start
            made += [
                Note(at, min(longest, end - at), int(grid[start, voice]), voice) for at in range(start, end, longest)
            ]
    return made


def _runs(line: npt.NDArray[np.int16]) -> list[tuple[int, int]]:
    """(start, end) of each stretch of equal values."""
    edges = [0, *(np.flatnonzero(np.diff(line)) + 1).tolist(), len(line)]
    return [(start, end) for start, end in itertools.pairwise(edges) if end > start]


def to_tokens(grid: Grid) -> npt.NDArray[np.int64]:
    """Pitches as tokens, (T, 4); a pitch outside the range is a ValueError."""
    sounding = grid[grid != REST]
    if sounding.size and (sounding.min() < LOWEST or sounding.max() > HIGHEST):
        raise ValueError(f"expected pitches in {LOWEST}..{HIGHEST}, got {sounding.min()}..{sounding.max()}")
    return np.where(grid == REST, REST_TOKEN, grid - LOWEST).astype(np.int64)


def from_tokens(tokens: npt.NDArray[np.int64]) -> Grid:
    """Tokens as pitches, (T, 4)."""
    return np.where(tokens >= REST_TOKEN, REST, tokens + LOWEST).astype(np.int16)


def transposed(grid: Grid, semitones: int) -> Grid | None:
    """The grid higher or lower, or None where a pitch would leave the range."""
    moved = np.where(grid == REST, REST, grid + semitones).astype(np.int16)
    sounding = moved[grid != REST]
    inside = not sounding.size or (sounding.min() >= LOWEST and sounding.max() <= HIGHEST)
    return moved if inside else None


def key_of(grid: npt.NDArray[np.int16]) -> int:
    """The key, as a place in `KEYS`, by correlation with the key profiles of Krumhansl and Kessler (1982).

    Args:
        grid: pitches of any shape; `REST` and `FREE` are not heard.
    """
    heard = np.bincount(grid[grid > REST] % 12, minlength=12).astype(np.float64)
    profiles = [np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)]
    if heard.std() == 0:
        return 0
    return int(np.argmax([np.corrcoef(heard, profile)[0, 1] for profile in profiles]))


def sharps_of(key: int) -> int:
    """The key's signature: sharps, or flats as a negative number."""
    relative_major = key if key < 12 else (key - 12 + 3) % 12
    sharps = (relative_major * 7) % 12
    limit = 6 if KEYS[key] not in ("E-flat minor",) else 5
    return sharps if sharps <= limit else sharps - 12
