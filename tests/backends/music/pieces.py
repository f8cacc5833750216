"""Small pieces with known faults."""

from __future__ import annotations

import numpy as np

from backends.music.grid import Grid


def chords(*beats: tuple[int, int, int, int], steps: int = 4) -> Grid:
    """Each chord for a beat."""
    return np.repeat(np.array(beats, np.int16), steps, axis=0)


#: C major, F major, G major, C major, without a fault.
SCALE = chords((72, 67, 64, 48), (72, 69, 65, 53), (71, 67, 62, 55), (72, 67, 64, 48))
