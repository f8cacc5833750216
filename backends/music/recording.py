"""A recording of one voice as notes: pitch by probabilistic YIN (Mauch and Dixon 2014), from librosa."""

from __future__ import annotations

import itertools
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from backends.music.grid import FREE, REST, STEPS_PER_BEAT
from backends.music.scores import Reading, into_range
from studio.errors import InvalidInput, TooLarge
from studio.media.audio import Audio

_RATE_HZ, _HOP, _LONGEST_S = 16_000, 256, 60
_LOWEST_HZ, _HIGHEST_HZ = 65.0, 1600.0
_COMPILED = threading.Event()


def read_recording(sound: Audio, bpm: int, most_bars: int) -> Reading:
    """Its notes on the grid, as the soprano; the tempo is taken as given.

    Raises:
        InvalidInput: no steady pitch is heard; TooLarge: it is longer than 60 s.
    """
    if sound.duration_s > _LONGEST_S:
        raise TooLarge(
            f"The recording is longer than {_LONGEST_S} s.",
            field="recording",
            expected=f"at most {_LONGEST_S} s",
            got=f"{sound.duration_s:.0f} s",
            hint="Cut it to the tune.",
        )
    pitches = heard(sound)  # one each 16 ms
    per_step = 60 / bpm / STEPS_PER_BEAT * _RATE_HZ / _HOP
    sounding = np.flatnonzero(pitches != REST)
    if not sounding.size:
        raise InvalidInput(
            "No tune is heard in the recording.",
            field="recording",
            expected="one voice, sung, whistled or played",
            hint="Sing closer to the microphone, one note at a time.",
        )
    pitches = pitches[sounding[0] : sounding[-1] + 1]
    steps = max(1, round(len(pitches) / per_step))
    edges = np.round(np.linspace(0, len(pitches), steps + 1)).astype(int)
    line = np.array([_commonest(pitches[a : max(b, a + 1)]) for a, b in itertools.pairwise(edges)], np.int16)
    line = _without_slips(line)[: most_bars * 16]
    grid = np.full((len(line), 4), FREE, np.int16)
    grid[:, 0] = line
    remarks = [f"{len(np.flatnonzero(np.diff(line))) + 1} notes were heard in the recording, taken at {bpm} bpm."]
    return Reading(into_range(grid, remarks), bpm, remarks)


def heard(sound: Audio) -> npt.NDArray[np.int16]:
    """The MIDI pitch at each 16 ms, `REST` where none is heard, tuned to the singer's own pitch standard."""
    with _compiling_alone():
        import librosa

        mono = librosa.resample(sound.samples.mean(1), orig_sr=sound.sampling_rate_hz, target_sr=_RATE_HZ)
        if len(mono) < 2048 or float(np.abs(mono).max()) < 1e-3:
            return np.zeros(1, np.int16)
        hertz, voiced, _ = librosa.pyin(
            mono, fmin=_LOWEST_HZ, fmax=_HIGHEST_HZ, sr=_RATE_HZ, frame_length=2048, hop_length=_HOP
        )
        _COMPILED.set()
    found = 69 + 12 * np.log2(np.where(voiced, hertz, 440.0) / 440)
    turn = np.exp(2j * np.pi * found[voiced]).mean() if voiced.any() else 1.0
    tuning = float(np.angle(turn)) / (2 * np.pi)  # how far the singer's notes lie from the piano's, in semitones
    return np.where(voiced, np.rint(found - tuning), REST).astype(np.int16)


@contextmanager
def _compiling_alone() -> Iterator[None]:
    """Keep other processes from compiling at the same time, until this one has compiled.

    numba writes what it compiles for librosa into files, an index and the code in turn. Nothing keeps two processes
    from mixing theirs. A cache that ended every process that loaded it with a segmentation fault was seen once, after
    two test processes had written it; how it came about was not reproduced.
    """
    if _COMPILED.is_set():
        yield
        return
    from filelock import FileLock

    with FileLock(compiling_lock()):
        yield


def compiling_lock() -> Path:
    """The file that the process holds locked that compiles; one for each user of the machine."""
    return Path(tempfile.gettempdir()) / f"numba-atelier{os.getuid() if hasattr(os, 'getuid') else ''}.lock"


def _commonest(pitches: npt.NDArray[np.int16]) -> int:
    values, counts = np.unique(pitches, return_counts=True)
    return int(values[counts.argmax()])


def _without_slips(line: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Single sixteenths of silence or of another pitch between equal ones are taken for slips of the voice."""
    steady = line.copy()
    for at in range(1, len(line) - 1):
        if steady[at - 1] == line[at + 1] != line[at]:
            steady[at] = line[at + 1]
    return steady
