"""Makes the example files: `python -m backends.music.examples.make`.

The tune is the Ode to Joy from Beethoven's ninth symphony (1824), the phrase for four voices was written for this
example; both are free of rights. The whistle is a synthesised one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from backends.music.grid import FREE, Grid, notes
from backends.music.scores import read_abc
from backends.music.sound import midi_bytes
from studio.media.audio import Audio

HERE = Path(__file__).parent

ODE = """X:1
T:Ode to Joy
C:Ludwig van Beethoven
M:4/4
L:1/4
K:D
F F G A | A G F E | D D E F | F3/2 E/2 E2 |
F F G A | A G F E | D D E F | E3/2 D/2 D2 |]
"""

WHISTLED = "L:1/4\nK:G\nG A B G | c B A2 | B c d B | A2 G2"
_PHRASE = (
    "L:1/4\nK:G\nB B c d | c B A2",
    "L:1/4\nK:G\nG G G G | A G F2",
    "L:1/4\nK:G\nD D E D | D D D2",
    "L:1/4\nK:G\nG, G, C B, | F, G, D,2",
)


def main() -> None:
    """Write the files beside this module."""
    (HERE / "ode.abc").write_text(ODE, encoding="utf-8")
    (HERE / "ode.mid").write_bytes(midi_bytes(notes(_melody(ODE)), 100, "organ"))
    (HERE / "phrase.mid").write_bytes(midi_bytes(notes(phrase()), 76, "organ"))
    (HERE / "whistle.wav").write_bytes(whistle(_melody(WHISTLED)[:, 0], 76).encode()[0])


def phrase() -> Grid:
    """Two bars for four voices."""
    return np.stack([read_abc(line, "abc", 64).grid[:, 0] for line in _PHRASE], 1)


def _melody(abc: str) -> Grid:
    grid = read_abc(abc, "abc", 64).grid
    return np.where(grid == FREE, 0, grid).astype(np.int16)


def whistle(line: Grid, bpm: int, rate_hz: int = 16_000) -> Audio:
    """A line of pitches, an octave higher, as a whistle with some breath and vibrato."""
    rng = np.random.default_rng(1)
    per_step = round(60 / bpm / 4 * rate_hz)
    pitch = np.repeat(line.astype(np.float64) + 12, per_step)
    time_s = np.arange(len(pitch)) / rate_hz
    hertz = 440 * 2 ** ((pitch + 0.15 * np.sin(2 * np.pi * 5 * time_s) - 69) / 12)
    tone = np.sin(2 * np.pi * np.cumsum(hertz) / rate_hz)
    edge = np.concatenate([[True], np.diff(pitch) != 0])
    since = np.arange(len(pitch)) - np.maximum.accumulate(np.where(edge, np.arange(len(pitch)), 0))
    tongued = np.minimum(1, 0.2 + since / (0.05 * rate_hz))
    samples = 0.5 * tone * tongued + 0.01 * rng.standard_normal(len(pitch))
    return Audio(samples.astype(np.float32)[:, None], rate_hz)


if __name__ == "__main__":
    main()
