"""Sound, score and recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.music import sound
from backends.music.engraving import musicxml, picture, spelled
from backends.music.examples.make import HERE, WHISTLED, _melody
from backends.music.grid import FREE, KEYS, REST, Note, notes
from backends.music.roll import piano_roll
from studio.errors import InvalidInput, TooLarge
from studio.media.audio import Audio
from tests.backends.music.pieces import SCALE


def test_without_fluidsynth_a_plain_synthesiser_plays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sound, "sound_font", lambda: None)
    for instrument in sound.PROGRAMS:
        made, player = sound.play([Note(0, 8, 69, 0)], 60, instrument, tmp_path)
        assert player == "a plain synthesiser"
        spectrum = np.abs(np.fft.rfft(made.samples[: sound.RATE_HZ, 0]))
        assert abs(int(spectrum.argmax()) - 440) <= 1
        assert 0.8 < np.abs(made.samples).max() < 0.9


@pytest.mark.skipif(sound.sound_font() is None, reason="FluidSynth or a sound font is not installed")
def test_fluidsynth_plays_in_tune_and_in_time(tmp_path: Path) -> None:
    made, player = sound.play([Note(8, 8, 69, 0)], 60, "organ", tmp_path)
    assert player == "FluidSynth"
    assert made.sampling_rate_hz == sound.RATE_HZ
    second = made.samples[2 * sound.RATE_HZ : 3 * sound.RATE_HZ].mean(1)
    assert np.abs(made.samples[: 2 * sound.RATE_HZ - 500]).max() < 0.01
    spectrum = np.abs(np.fft.rfft(second))
    peak = int(spectrum.argmax())
    assert min(abs(peak - k * 440) for k in (1, 2, 3, 4)) <= 6


def test_pitches_have_the_names_of_their_key() -> None:
    def names(key: str) -> list[str]:
        return [spelled(pitch, KEYS.index(key)).nameWithOctave for pitch in range(60, 72)]

    assert names("A minor")[8] == "G#4"
    assert names("F minor")[8] == "A-4"
    assert names("B minor")[10] == "A#4"
    for key in range(24):
        assert [spelled(pitch, key).midi for pitch in range(36, 82)] == list(range(36, 82))


def test_a_score_with_an_upbeat_can_be_drawn() -> None:
    xml = musicxml(notes(SCALE), len(SCALE), 4, 0, 80)
    assert 'number="0"' in xml
    drawn = picture(xml)
    assert drawn.resolution_wh[0] == 1600
    assert 150 < drawn.resolution_wh[1] < 900
    with pytest.raises(ValueError, match="Verovio"):
        picture("no score")


def test_the_roll_shows_each_voice_and_the_end_of_what_was_given() -> None:
    drawn = piano_roll(notes(SCALE), 32, 0, len(SCALE), given=8).rgb
    for colour in ((0xD5, 0x5E, 0x00), (0xE6, 0x9F, 0x00), (0x00, 0x9E, 0x73), (0x00, 0x72, 0xB2)):
        assert (drawn == colour).all(2).any()
    assert drawn.shape == piano_roll([], 32, 0, 0).rgb.shape


@pytest.mark.slow
def test_a_whistled_tune_is_heard() -> None:
    from backends.music.recording import read_recording

    reading = read_recording(Audio.load(HERE / "whistle.wav"), 76, 64)
    wanted = _melody(WHISTLED)[:, 0]
    assert (reading.grid[:, 1:] == FREE).all()
    heard = reading.grid[: len(wanted), 0] % 12
    assert (heard == wanted[: len(heard)] % 12).mean() > 0.9


@pytest.mark.slow
def test_silence_and_a_long_recording_are_refused() -> None:
    from backends.music.recording import read_recording

    with pytest.raises(InvalidInput, match="No tune"):
        read_recording(Audio(np.zeros((32_000, 1), np.float32), 16_000), 76, 64)
    with pytest.raises(TooLarge, match="60 s"):
        read_recording(Audio(np.zeros((61 * 8_000, 1), np.float32), 8_000), 76, 64)
    assert REST == 0
