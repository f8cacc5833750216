"""Reads MIDI, MusicXML and ABC onto the grid."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backends.music.grid import FREE, HIGHEST, LOWEST, REST, STEPS_PER_BAR, STEPS_PER_BEAT, Grid
from studio.errors import InvalidInput, TooLarge
from studio.media.archive import Archive
from studio.media.file import File

#: More than this cannot be read in reasonable time, and is no piece for four voices.
_MOST_BYTES, _MOST_NOTES, _MOST_STEPS = 2_000_000, 20_000, 256 * STEPS_PER_BAR
_NOUN = "a MIDI, MusicXML or ABC file"

#: What mido raises on bytes that are not, or no longer, MIDI.
_MIDI_DAMAGE = (EOFError, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError)

_DRUMS = 9

#: What is not music in a line of ABC (fields, chord names, ornaments), and what music may be written with.
_ABC_BESIDE = re.compile(r'"[^"]*"|![^!\n]*!|\[[A-Za-z]:[^\]\n]*\]')
_ABC_MUSIC = re.compile(r"[A-Ga-gxyzXZuvHLMOPRST0-9^_=,'/|:()\[\]{}<>~.&$*`\\ \t-]*")
_ABC_FIELD = re.compile(r"[A-Za-z+]:|%")

#: What ABC needs before its key, and what typed ABC may leave out.
_ABC_HEAD = {"X": "X:1\n", "M": "M:4/4\n", "L": "L:1/4\n"}


@dataclass(frozen=True)
class Played:
    """A note as a file has it: part, first sixteenth, the one after its last, MIDI pitch."""

    part: int
    start: int
    end: int
    pitch: int


@dataclass
class Reading:
    """What was found in a file.

    Attributes:
        grid: (T, 4); `FREE` where the file has no note for a voice, `REST` where it is silent altogether.
        bpm: its first tempo, if it has one.
        notes: what was done to it.
    """

    grid: Grid
    bpm: int | None = None
    notes: list[str] = field(default_factory=list)


def read(file: File, field_name: str, most_bars: int) -> Reading:
    """The first bars of a file; its format is told by its bytes, not by its name.

    Raises:
        InvalidInput: it is none of these, or has no notes to sing; TooLarge: it is too long to be read.
    """
    data = file.data
    if len(data) > _MOST_BYTES:
        raise TooLarge(
            "The file is too long to be read as a score.",
            field=field_name,
            expected=f"at most {_MOST_BYTES:,} bytes",
            got=f"{len(data):,} bytes",
            hint="Cut it to the part that is meant.",
        )
    try:
        if data[:4] == b"MThd":
            played, bpm, remarks = _midi(data)
        else:
            played, bpm, remarks = _score(_unpacked(data))
        return _reading(played, bpm, remarks, most_bars)
    except InvalidInput as fault:
        fault.field = fault.field or field_name
        raise


def read_abc(text: str, field_name: str, most_bars: int) -> Reading:
    """The first bars of typed ABC; a key and a length of the plain letter are not needed."""
    has_key = any(line.lstrip().startswith("K:") for line in text.splitlines())
    head = "".join(line for name, line in _ABC_HEAD.items() if f"{name}:" not in text)
    tune = head + (text if has_key else f"K:C\n{text}")
    try:
        return _reading(*_score(tune.encode()), most_bars)
    except InvalidInput as fault:
        fault.field = fault.field or field_name
        raise


def _reading(played: list[Played], bpm: int | None, remarks: list[str], most_bars: int) -> Reading:
    if not played:
        raise InvalidInput("The file has no notes.", expected="at least one note", got="0 notes")
    if len(played) > _MOST_NOTES:
        raise TooLarge("The file has too many notes.", expected=f"at most {_MOST_NOTES:,}", got=f"{len(played):,}")
    first = min(note.start for note in played)
    steps = max(note.end for note in played) - first
    if first:
        remarks.append("The silence at its beginning was left out.")
    if steps > most_bars * STEPS_PER_BAR:
        remarks.append(f"Only its first {most_bars} bars were read, of {-(-steps // STEPS_PER_BAR):,}.")
        steps = most_bars * STEPS_PER_BAR
    grid = _voices([n for n in played if n.start - first < steps], first, steps, remarks)
    return Reading(into_range(grid, remarks), bpm, remarks)


def _midi(data: bytes) -> tuple[list[Played], int | None, list[str]]:
    """Notes of all channels but the drums'."""
    import mido

    try:
        file = mido.MidiFile(file=io.BytesIO(data), clip=True)
        per_step = file.ticks_per_beat / STEPS_PER_BEAT
        if per_step <= 0:
            raise ValueError("its time is in video frames, not in beats")
        played, bpm, drums = _midi_notes(file, per_step)
    except _MIDI_DAMAGE as fault:
        raise InvalidInput(
            "The file is not MIDI that can be read.",
            expected=_NOUN,
            got=str(fault)[:100] or "a file that ends too early",
            hint="Export it again from the program that made it.",
        ) from fault
    if not played and drums:
        raise InvalidInput("The file has drums alone.", expected="notes with a pitch", got=f"{drums:,} drum strokes")
    return played, bpm, ["Its drums were left out."] if drums else []


def _midi_notes(file: Any, per_step: float) -> tuple[list[Played], int | None, int]:
    """(notes, beats a minute, drum strokes); a part is one channel of one track."""
    played: list[Played] = []
    parts: dict[tuple[int, int], int] = {}
    bpm, drums = None, 0
    for number, track in enumerate(file.tracks):
        now, sounding = 0, dict[tuple[int, int], int]()
        for message in track:
            now += message.time
            if message.type == "set_tempo" and bpm is None:
                bpm = round(60e6 / max(1, message.tempo))
            if message.type not in ("note_on", "note_off"):
                continue
            if message.channel == _DRUMS:
                drums += message.type == "note_on" and message.velocity > 0
                continue
            since = sounding.pop((message.channel, message.note), None)
            if since is not None:
                start = round(since / per_step)
                part = parts.setdefault((number, message.channel), len(parts))
                played.append(Played(part, start, max(start + 1, round(now / per_step)), message.note))
            if message.type == "note_on" and message.velocity > 0:
                sounding[message.channel, message.note] = now
            if len(played) > _MOST_NOTES:
                return played, bpm, drums
    return played, bpm, drums


def _unpacked(data: bytes) -> bytes:
    """The score inside a compressed MusicXML file, or the bytes as they are."""
    if data[:2] != b"PK":
        return data
    archive = Archive(data)
    name = next((n for n in archive.names if n.endswith((".xml", ".musicxml")) and "META-INF" not in n), None)
    if name is None or archive.size(name) > 10 * _MOST_BYTES:
        raise InvalidInput("There is no score in this archive.", expected=_NOUN)
    return archive.read(name)


def _score(data: bytes) -> tuple[list[Played], int | None, list[str]]:
    """MusicXML or ABC, by music21."""
    from music21 import converter, stream

    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text:
        raise InvalidInput("The file is not a score that can be read.", expected=_NOUN, got="binary data")
    xml = text.lstrip().startswith("<")
    if not xml and "K:" not in text:
        raise InvalidInput("The file is not a score that can be read.", expected=_NOUN, got="other text")
    if not xml:
        _check_abc(text)
    if xml and "<!ENTITY" in text:
        raise InvalidInput("The file defines entities of its own.", expected="plain MusicXML")
    try:
        score = converter.parseData(text, format="musicxml" if xml else "abc")
        if isinstance(score, stream.Opus):  # several tunes
            score = score.scores[0]
        return played_of(score), _tempo(score), []
    except Exception as fault:  # music21 raises whatever its parsers stumble over
        raise InvalidInput(
            f"The file is not {'MusicXML' if xml else 'ABC'} that can be read.",
            expected=_NOUN,
            got=f"{type(fault).__name__}: {fault}"[:100],
        ) from fault


def _check_abc(text: str) -> None:
    """Raise InvalidInput for a line that is no music: music21 would take its letters for notes."""
    for line in text.splitlines():
        if _ABC_FIELD.match(line):
            continue
        music = _ABC_BESIDE.sub("", line.partition("%")[0])
        if not _ABC_MUSIC.fullmatch(music):
            raise InvalidInput(
                "This is not ABC notation.",
                expected="notes such as C D E2 z | c d e, with a number for longer ones",
                got=line.strip()[:60],
            )


def _tempo(score: Any) -> int | None:
    for mark in score.flatten().getElementsByClass("MetronomeMark"):
        if mark.getQuarterBPM():
            return round(float(mark.getQuarterBPM()))
    return None


def played_of(score: Any) -> list[Played]:
    """The notes of a music21 score, ties joined."""
    played = []
    parts = list(score.parts) or [score]
    for number, part in enumerate(parts):
        for element in part.stripTies().flatten().notes:
            start = round(float(element.offset) * STEPS_PER_BEAT)
            end = max(start + 1, round(float(element.offset + element.quarterLength) * STEPS_PER_BEAT))
            if element.quarterLength > 0:  # a grace note has no length
                played += [Played(number, start, end, pitch.midi) for pitch in getattr(element, "pitches", ())]
    return played


def grid_of_score(score: Any) -> Grid | None:
    """A music21 score of four parts as a grid; None where it is not one, or leaves the network's range."""
    played = played_of(score)
    if len(score.parts) != 4 or not played:
        return None
    grid = np.full((max(note.end for note in played), 4), REST, np.int16)
    for note in played:
        grid[note.start : note.end, note.part] = note.pitch
    sounding = grid[grid != REST]
    return grid if sounding.min() >= LOWEST and sounding.max() <= HIGHEST else None


def _voices(played: list[Played], first: int, steps: int, remarks: list[str]) -> Grid:
    """The notes shared out among four voices, (T, 4)."""
    parts = sorted({note.part for note in played})
    lines = {part: _line((n for n in played if n.part == part), first, steps) for part in parts}
    grid = np.full((steps, 4), FREE, np.int16)
    if len(parts) <= 4 and all(single for _, single in lines.values()):
        by_height = [line for line, _ in lines.values()]
        heights = [float(line[line != REST].mean()) for line in by_height]
        if (heights[0], heights[-1]) != (max(heights), min(heights)):  # else they are in their order, and may cross
            by_height.sort(key=lambda line: -float(line[line != REST].mean()))
        places = {1: (0,), 2: (0, 3), 3: (0, 1, 3), 4: (0, 1, 2, 3)}[len(by_height)]
        for voice, line in zip(places, by_height, strict=True):
            grid[:, voice] = line
        return grid
    remarks.append("Its notes were shared out: the highest to the soprano, the lowest to the bass, two between them.")
    sounding: list[set[int]] = [set() for _ in range(steps)]
    for note in played:
        for step in range(note.start - first, min(steps, note.end - first)):
            sounding[step].add(note.pitch)
    for row, pitches in zip(grid, sounding, strict=True):
        row[:] = _shared_out(sorted(pitches, reverse=True))
    return grid


def _line(played: Iterable[Played], first: int, steps: int) -> tuple[Grid, bool]:
    """(one part's notes as a line (T), whether it never has two at once)."""
    line, single = np.full(steps, REST, np.int16), True
    for note in sorted(played, key=lambda note: note.start):
        span = slice(note.start - first, note.end - first)
        single &= int((line[span] != REST).sum()) <= 1  # legato overlaps a little
        line[span] = note.pitch
    return line, single


def _shared_out(falling: list[int]) -> list[int]:
    """Any number of pitches, the highest first, for four voices."""
    if not falling:
        return [REST] * 4
    if len(falling) == 1:
        return [falling[0], FREE, FREE, FREE]
    if len(falling) == 2:
        return [falling[0], FREE, FREE, falling[1]]
    if len(falling) == 3:
        return [falling[0], falling[1], FREE, falling[2]]
    return [falling[0], falling[1], falling[-2], falling[-1]]


def into_range(grid: Grid, remarks: list[str]) -> Grid:
    """The piece an octave or more higher or lower if it does not fit, then single notes."""
    heard = grid > REST
    if not heard.any():
        return grid
    shifts = sorted(range(-48, 60, 12), key=abs)
    outside = [int(((grid + shift < LOWEST) | (grid + shift > HIGHEST))[heard].sum()) for shift in shifts]
    shift = shifts[int(np.argmin(outside))]
    if shift:
        remarks.append(f"It was moved by {abs(shift) // 12} octave{'s' * (abs(shift) > 12)} into the voices' range.")
    moved = np.where(heard, grid + shift, grid)
    while (low := (moved < LOWEST) & heard).any():
        moved = np.where(low, moved + 12, moved)
    while (high := (moved > HIGHEST) & heard).any():
        moved = np.where(high, moved - 12, moved)
    return moved.astype(np.int16)
