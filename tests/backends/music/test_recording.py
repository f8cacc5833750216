"""What librosa hears in a recording, and that processes compile it one after the other."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from filelock import FileLock

from backends.music import recording
from studio.media.audio import Audio


def sung(hertz: float, seconds: float = 1.5, rate_hz: int = 16_000) -> Audio:
    time_s = np.arange(int(seconds * rate_hz)) / rate_hz
    return Audio(np.sin(2 * np.pi * hertz * time_s).astype(np.float32)[:, None], rate_hz)


@pytest.mark.parametrize(("hertz", "pitch"), [(440.0, 69), (261.63, 60), (450.0, 69)])
def test_a_tone_is_its_midi_pitch(hertz: float, pitch: int) -> None:
    heard = recording.heard(sung(hertz))
    assert np.bincount(heard).argmax() == pitch


def test_who_has_not_compiled_yet_waits_for_who_does(monkeypatch: pytest.MonkeyPatch) -> None:
    recording.heard(sung(440.0))
    monkeypatch.setattr(recording, "_COMPILED", threading.Event())
    listening = threading.Thread(target=recording.heard, args=(sung(440.0),))
    with FileLock(recording.compiling_lock()):
        listening.start()
        listening.join(0.5)
        assert listening.is_alive()
    listening.join(60)
    assert not listening.is_alive()
    with FileLock(recording.compiling_lock()):  # once it has compiled, it asks nobody
        recording.heard(sung(440.0))
