"""A piece as a score: MusicXML for notation programs, by music21, and a picture of it, by Verovio."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib
import music21
import numpy as np
import PIL.Image
import resvg_py
import verovio
from music21.musicxml.m21ToXml import GeneralObjectExporter

from backends.music.grid import STEPS_PER_BAR, STEPS_PER_BEAT, Note, sharps_of
from studio.media.image import Image

#: Lengths in sixteenths that one note head, with dots, can show.
_LENGTHS = (16, 12, 8, 6, 4, 3, 2, 1)
_LETTERS = "FCGDAEB"
_PAGE_UNITS, _PICTURE_PX = 2100, 1600


def musicxml(notes: Sequence[Note], steps: int, upbeat: int, key: int, bpm: int) -> str:
    """The notes of all voices on two staves, in 4/4.

    Args:
        steps: of the piece; its last bar is filled with rests.
        upbeat: sixteenths before the first bar line.
        key: place in `grid.KEYS`.
    """
    score = music21.stream.Score()
    score.metadata = music21.metadata.Metadata(title="Chorale", composer="ChoraleNet")
    staves = []
    for voices, clef in (((0, 1), music21.clef.TrebleClef()), ((2, 3), music21.clef.BassClef())):
        staff = music21.stream.PartStaff()
        lines = [_bars([note for note in notes if note.voice == voice], steps, upbeat, key) for voice in voices]
        for number, bar in enumerate(zip(*lines, strict=True)):
            measure = music21.stream.Measure(number=number + (0 if upbeat else 1))
            if number == 0:
                measure.append([clef, music21.key.KeySignature(sharps_of(key)), music21.meter.TimeSignature("4/4")])
                measure.insert(0, music21.tempo.MetronomeMark(numberSounding=bpm))
                measure.paddingLeft = (STEPS_PER_BAR - upbeat) / STEPS_PER_BEAT if upbeat else 0
            for place, elements in enumerate(bar):
                measure.insert(0, _voice(elements, place))
            staff.append(measure)
        staff.getElementsByClass("Measure").last().rightBarline = music21.bar.Barline("final")
        score.insert(0, staff)
        staves.append(staff)
    score.insert(0, music21.layout.StaffGroup(staves, symbol="brace", barTogether=True))
    return _repeatable(str(GeneralObjectExporter(score).parse().decode()))


def _repeatable(xml: str) -> str:
    """MusicXML without the day of its making, its parts numbered: music21 names them by chance."""
    for number, name in enumerate(dict.fromkeys(_PART.findall(xml)), 1):
        xml = xml.replace(name, f"P{number}")
    return _DAY.sub("", xml)


_PART, _DAY = re.compile(r"\bP[0-9a-f]{32}\b"), re.compile(r"\s*<encoding-date>[^<]*</encoding-date>")


def _voice(elements: list[music21.note.GeneralNote], place: int) -> music21.stream.Voice:
    """One voice of a bar: stems up for the upper one, beams by the beat."""
    voice = music21.stream.Voice(id=str(place + 1))
    for element in elements:
        if isinstance(element, music21.note.Note):
            element.stemDirection = "down" if place else "up"
        voice.append(element)
    for beat in _beamed(elements):
        _beam(beat)
    return voice


def _beamed(elements: list[music21.note.GeneralNote]) -> Iterator[list[music21.note.Note]]:
    """Neighbouring notes of less than a beat, within each beat."""
    at, group, group_beat = 0.0, list[music21.note.Note](), -1
    for element in elements:
        short = isinstance(element, music21.note.Note) and element.quarterLength < 1
        if not short or int(at) != group_beat:
            yield group
            group, group_beat = [], int(at)
        if short:
            group.append(element)
        at += float(element.quarterLength)
    yield group


def _beam(group: list[music21.note.Note]) -> None:
    if len(group) < 2:
        return
    for number, note in enumerate(group):
        kind = "start" if number == 0 else "stop" if number == len(group) - 1 else "continue"
        note.beams.append(kind)
        if note.quarterLength < 0.5:
            left = number > 0 and group[number - 1].quarterLength < 0.5
            right = number < len(group) - 1 and group[number + 1].quarterLength < 0.5
            if left or right:
                note.beams.append("continue" if left and right else "stop" if left else "start")
            else:
                note.beams.append("partial", "left" if number else "right")


def _bars(notes: Sequence[Note], steps: int, upbeat: int, key: int) -> list[list[music21.note.GeneralNote]]:
    """A voice's notes and rests, bar by bar, tied over the bar lines."""
    missing = -upbeat % STEPS_PER_BAR  # of the first bar
    made: list[list[music21.note.GeneralNote]] = [[] for _ in range(-(-(steps + missing) // STEPS_PER_BAR))]
    at = missing
    for note in sorted(notes, key=lambda note: note.start):
        _write(made, at, missing + note.start - at, None, key)
        _write(made, missing + note.start, note.steps, note.pitch, key)
        at = missing + note.start + note.steps
    _write(made, at, len(made) * STEPS_PER_BAR - at, None, key)
    return made


def _write(bars: list[list[music21.note.GeneralNote]], at: int, steps: int, pitch: int | None, key: int) -> None:
    """Put a note, or a rest for no pitch, into the bars, in as many tied pieces as it needs."""
    pieces = []
    while steps:
        fits = min(steps, STEPS_PER_BAR - at % STEPS_PER_BAR)
        off_beat = at % STEPS_PER_BEAT
        if off_beat and not (off_beat == 2 and steps == STEPS_PER_BEAT):  # a syncopated quarter may stand
            fits = min(fits, STEPS_PER_BEAT - off_beat)
        length = next(length for length in _LENGTHS if length <= fits)
        element = music21.note.Rest() if pitch is None else music21.note.Note(spelled(pitch, key))
        element.quarterLength = length / STEPS_PER_BEAT
        bars[at // STEPS_PER_BAR].append(element)
        pieces.append(element)
        at, steps = at + length, steps - length
    if pitch is not None and len(pieces) > 1:
        for number, element in enumerate(pieces):
            kind = "start" if number == 0 else "stop" if number == len(pieces) - 1 else "continue"
            element.tie = music21.tie.Tie(kind)


def spelled(pitch: int, key: int) -> music21.pitch.Pitch:
    """A MIDI pitch with the name that it has in a key: G sharp, not A flat, in A minor.

    On the line of fifths, of which a major scale takes seven in a row, two more below these are used and three above.
    """
    lowest = sharps_of(key) - 2
    place = lowest + ((pitch - 5) * 7 - lowest) % 12  # F is 0, C is 1, G is 2, ...
    octaves, letter = divmod(place, 7)
    name = _LETTERS[letter] + ("#" * octaves if octaves >= 0 else "-" * -octaves)
    made = music21.pitch.Pitch(name)
    made.octave = 4
    made.octave += round((pitch - made.midi) / 12)
    return made


def picture(xml: str) -> Image:
    """The score as one tall picture, black on white.

    Raises:
        ValueError: Verovio cannot read the MusicXML.
    """
    toolkit = verovio.toolkit(False)  # which finds its fonts by itself in the main thread alone
    toolkit.setResourcePath(str(Path(verovio.__file__).parent / "data"))
    toolkit.setOptions(
        {
            "pageWidth": _PAGE_UNITS,
            "pageHeight": 60_000,  # one page for everything, then cut to what is on it
            "adjustPageHeight": True,
            "scale": 45,
            "pageMarginLeft": 60,
            "pageMarginRight": 60,
            "pageMarginTop": 60,
            "pageMarginBottom": 60,
            "breaks": "auto",
            "footer": "none",
            "header": "none",
            "mnumInterval": 4,
        }
    )
    if not toolkit.loadData(xml):
        raise ValueError("Verovio cannot read this MusicXML")
    png = resvg_py.svg_to_bytes(
        svg_string=toolkit.renderToSVG(1),
        background="white",
        width=_PICTURE_PX,
        skip_system_fonts=True,  # which a container may not have
        font_dirs=[str(Path(matplotlib.get_data_path(), "fonts", "ttf"))],
        serif_family="DejaVu Serif",
    )
    return Image(
        np.asarray(PIL.Image.open(io.BytesIO(bytes(png))).convert("RGB"), np.uint8), "score.png", lossless=True
    )
