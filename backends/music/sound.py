"""A piece as sound: by FluidSynth and a sound font where they are installed, else by a plain synthesiser."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt

from backends.music.grid import STEPS_PER_BEAT, VOICES, Note
from studio.media.audio import Audio

RATE_HZ = 44_100

#: General MIDI programs, from 0.
PROGRAMS = {"organ": 19, "choir": 52, "strings": 48, "piano": 0}

#: Where Debian, Fedora and Arch put a General MIDI sound font.
_FONTS = (
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf2/TimGM6mb.sf2",
    "/usr/share/soundfonts/default.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
)

#: Strength of the partials, and seconds in which a note swells and dies away.
_TIMBRES = {
    "organ": ((1.0, 0.5, 0.35, 0.2, 0.1, 0.1), 0.03, 0.12),
    "choir": ((1.0, 0.4, 0.15, 0.05), 0.09, 0.18),
    "strings": ((1.0, 0.5, 0.33, 0.25, 0.2, 0.16), 0.07, 0.15),
    "piano": ((1.0, 0.45, 0.25, 0.12, 0.06), 0.005, 0.25),
}
_TICKS = 480
_TIMEOUT_S = 120


def midi_bytes(notes: Sequence[Note], bpm: int, sound: str) -> bytes:
    """A MIDI file with a track for each voice."""
    file = mido.MidiFile(type=1, ticks_per_beat=_TICKS)
    head = file.add_track()
    head.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm)))
    head.append(mido.MetaMessage("time_signature", numerator=4, denominator=4))
    for voice, name in enumerate(VOICES):
        track = file.add_track(name.capitalize())
        track.append(mido.Message("program_change", channel=voice, program=PROGRAMS[sound]))
        track.append(mido.Message("control_change", channel=voice, control=10, value=(76, 54, 84, 44)[voice]))
        now = 0
        for at, kind, pitch in _events([note for note in notes if note.voice == voice]):
            track.append(mido.Message(kind, channel=voice, note=pitch, velocity=80, time=at - now))
            now = at
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def _events(notes: Sequence[Note]) -> list[tuple[int, str, int]]:
    """(tick, kind, pitch) in their order: a note ends before the next begins."""
    step = _TICKS // STEPS_PER_BEAT
    ends = [((note.start + note.steps) * step, "note_off", note.pitch) for note in notes]
    return sorted(ends + [(note.start * step, "note_on", note.pitch) for note in notes])


def sound_font() -> Path | None:
    """The sound font that is installed, if FluidSynth is too."""
    if shutil.which("fluidsynth") is None:
        return None
    return next((path for path in map(Path, _FONTS) if path.is_file()), None)


def play(notes: Sequence[Note], bpm: int, sound: str, workdir: Path) -> tuple[Audio, str]:
    """(the piece as sound, stereo; which synthesiser made it)."""
    font = sound_font()
    if font is not None:
        score, wave = workdir / "piece.mid", workdir / "piece.wav"
        score.write_bytes(midi_bytes(notes, bpm, sound))
        command = ["fluidsynth", "-ni", "-q", "-g", "0.8", "-r", str(RATE_HZ), "-F", str(wave), str(font), str(score)]
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
        if done.returncode == 0 and wave.is_file():
            made = Audio.load(wave)
            return Audio(_levelled(made.samples), made.sampling_rate_hz, "piece.wav"), "FluidSynth"
    return Audio(synthesised(notes, bpm, sound), RATE_HZ, "piece.wav"), "a plain synthesiser"


def synthesised(notes: Sequence[Note], bpm: int, sound: str) -> npt.NDArray[np.float32]:
    """Each note as a sum of sines, float32 (samples, 2)."""
    partials, swell_s, fade_s = _TIMBRES[sound]
    step_s = 60 / bpm / STEPS_PER_BEAT
    end_s = max((note.start + note.steps for note in notes), default=0) * step_s + fade_s + 0.5
    mixed = np.zeros((round(end_s * RATE_HZ), 2), np.float32)
    for note in notes:
        length_s = note.steps * step_s
        time_s = np.arange(round((length_s + fade_s) * RATE_HZ), dtype=np.float32) / RATE_HZ
        hertz = 440 * 2 ** ((note.pitch - 69) / 12)
        wave = sum(
            strength * np.sin(2 * np.pi * hertz * (k + 1) * time_s)
            for k, strength in enumerate(partials)
            if hertz * (k + 1) < RATE_HZ / 2
        )
        envelope = np.minimum(time_s / swell_s, 1) * np.clip((length_s + fade_s - time_s) / fade_s, 0, 1)
        if sound == "piano":
            envelope = envelope * np.exp(-time_s * 1.8)
        first = round(note.start * step_s * RATE_HZ)
        left = (0.6, 0.4, 0.65, 0.35)[note.voice]
        mixed[first : first + len(time_s)] += (wave * envelope)[:, None] * np.array([left, 1 - left], np.float32)
    return _levelled(mixed)


def _levelled(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """As loud as it can be without clipping, a little less."""
    peak = float(np.abs(samples).max(initial=0))
    return np.asarray(samples * (0.85 / peak) if peak > 0 else samples, np.float32)
