"""MIDI, MusicXML and ABC, good and bad."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import mido
import numpy as np
import pytest

from backends.music.engraving import musicxml
from backends.music.examples.make import HERE, ODE, phrase
from backends.music.grid import FREE, HIGHEST, LOWEST, REST, notes
from backends.music.scores import read, read_abc
from backends.music.sound import midi_bytes
from studio.errors import InvalidInput, TooLarge
from studio.media.file import File

MELODY = [66, 66, 67, 69, 69, 67, 66, 64]  # of the Ode's first two bars, by quarters


def midi(tracks: list[list[mido.Message]], ticks: int = 480) -> bytes:
    file = mido.MidiFile(type=1, ticks_per_beat=ticks)
    file.tracks += [mido.MidiTrack(track) for track in tracks]
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def played(*pitches: int, channel: int = 0, ticks: int = 480) -> list[mido.Message]:
    return [
        mido.Message(kind, note=pitch, channel=channel, time=ticks if kind == "note_off" else 0)
        for pitch in pitches
        for kind in ("note_on", "note_off")
    ]


@pytest.mark.parametrize("name", ["ode.mid", "ode.abc"])
def test_a_melody_is_the_soprano_and_the_rest_is_free(name: str) -> None:
    reading = read(File((HERE / name).read_bytes(), name), "melody", 64)
    assert reading.grid.shape == (128, 4)
    assert reading.grid[:32:4, 0].tolist() == MELODY
    assert (reading.grid[:, 1:] == FREE).all()
    assert reading.notes == []


def test_four_voices_stay_four_voices_through_midi_and_musicxml() -> None:
    grid = phrase()
    data = midi_bytes(notes(grid), 76, "organ")
    reading = read(File(data, "a.mid"), "score", 64)
    assert np.array_equal(reading.grid, grid)
    assert reading.bpm == 76
    xml = musicxml(notes(grid), len(grid), 0, 7, 76)
    found = read(File(xml.encode(), "a.musicxml"), "score", 64).grid
    assert np.array_equal(found, grid)


def test_a_packed_score_is_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("piece.xml", musicxml(notes(phrase()), 32, 0, 7, 76))
    assert read(File(buffer.getvalue(), "a.mxl"), "score", 64).grid.shape == (32, 4)


def test_forty_tracks_are_shared_out_among_four_voices() -> None:
    reading = read(File(midi([played(40 + k, 41 + k) for k in range(40)]), "a.mid"), "score", 64)
    assert reading.grid[0].tolist() == [79, 78, 41, 40]
    assert "shared out" in reading.notes[0]


def test_drums_are_left_out() -> None:
    reading = read(File(midi([played(60, 62), played(35, 35, channel=9)]), "a.mid"), "score", 64)
    assert reading.grid[:, 0].tolist() == [60] * 4 + [62] * 4
    assert reading.notes == ["Its drums were left out."]


def test_what_lies_outside_the_range_is_moved_into_it() -> None:
    reading = read(File(midi([played(96, 98, 100)]), "a.mid"), "score", 64)
    assert reading.grid[::4, 0].tolist() == [72, 74, 76]
    assert reading.notes == ["It was moved by 2 octaves into the voices' range."]
    wide = read(File(midi([played(20, 60, 62, 64, 127)]), "a.mid"), "score", 64).grid[:, 0]
    assert wide.min() >= LOWEST
    assert wide.max() <= HIGHEST
    assert wide[4:16:4].tolist() == [60, 62, 64]


def test_a_two_hour_file_is_read_to_its_limit() -> None:
    long = midi([played(*([60, 62] * 4_300))])  # 8,600 quarters at 72 a minute
    reading = read(File(long, "a.mid"), "score", 64)
    assert len(reading.grid) == 64 * 16
    assert reading.notes == ["Only its first 64 bars were read, of 2,150."]


def test_too_long_to_be_read() -> None:
    with pytest.raises(TooLarge, match="too many notes"):
        read(File(midi([played(*([60] * 20_100))]), "a.mid"), "score", 64)
    with pytest.raises(TooLarge) as caught:
        read(File(b"MThd" + bytes(3_000_000), "a.mid"), "score", 64)
    assert caught.value.field == "score"


def corrupt() -> bytes:
    data = bytearray(midi([played(60)]))
    data[4:8] = b"\xff\xff\xff\xff"
    return bytes(data)


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "drums only": (lambda: midi([played(35, 38, channel=9)]), "drums alone"),
    "no notes": (lambda: midi([[]]), "no notes"),
    "a corrupt header": (corrupt, "not MIDI that can be read"),
    "cut off": (lambda: midi([played(60, 62)])[:40], "not MIDI that can be read"),
    "time in video frames": (lambda: midi([played(60)])[:12] + b"\xe7\x28" + midi([played(60)])[14:], "not MIDI"),
    "an MP3 renamed": (lambda: b"ID3\x04\0\0\0\0\0\0" + b"\xff\xfb\x90\0" * 500, "not a score that can be read"),
    "other text": (lambda: b"Dear Sir or Madam", "not a score that can be read"),
    "other XML": (lambda: b"<html><body/></html>", "MusicXML"),
    "entities": (lambda: b'<!DOCTYPE a [<!ENTITY x "y">]><score-partwise/>', "entities"),
    "an archive without a score": (lambda: packed("a.txt"), "no score"),
    "ABC without notes": (lambda: b"X:1\nK:C\n", "no notes"),
}


def packed(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_read_is_said(what: str) -> None:
    make, message = BAD[what]
    with pytest.raises(InvalidInput, match=message) as caught:
        read(File(make(), "a.mid"), "score", 64)
    assert caught.value.field == "score"
    assert caught.value.expected


def test_typed_abc_needs_neither_key_nor_length() -> None:
    assert read_abc("C D E2 z F", "abc", 64).grid[:, 0].tolist() == (
        [60] * 4 + [62] * 4 + [64] * 8 + [REST] * 4 + [65] * 4
    )  # fmt: skip
    assert read_abc(ODE, "abc", 4).grid.shape == (64, 4)
    with pytest.raises(InvalidInput) as caught:
        read_abc("Dear Sir", "abc", 64)
    assert caught.value.field == "abc"
