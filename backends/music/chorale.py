"""Composing, continuing and harmonising with a ChoraleNet: from a task's inputs to a piece to see and to hear."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from backends.music import engraving, sound, theory
from backends.music.composer import Composer, Taste
from backends.music.fields import ContinuationInputs, GenerationInputs, HarmonisationInputs, PieceOutputs
from backends.music.grid import FREE, KEYS, REST, STEPS_PER_BAR, STEPS_PER_BEAT, Grid, key_of, notes
from backends.music.roll import piano_roll
from backends.music.scores import Reading, read, read_abc
from studio.contract import Run
from studio.errors import InvalidInput
from studio.media.file import File
from studio.media.table import Table
from studio.weights import Weights

_MOST_BARS = 64
_SHOWN_EVERY_S = 0.25
#: Keys to choose from where any will do: those that the chorales stand in most.
_USUAL_KEYS = ("G major", "A minor", "A major", "D major", "B minor", "F major", "D minor", "G minor", "C major")


class _Writer:
    """What the three tasks share: a network, and the way from an unfinished grid to a finished piece."""

    def __init__(self, weights: Weights, device: str) -> None:
        self._composer = Composer(weights.path(), device)
        self._norms: dict[str, float] = json.loads(self._composer.facts["theory"])

    def _write(
        self,
        given: Grid,
        key: int,
        inputs: GenerationInputs | ContinuationInputs | HarmonisationInputs,
        run: Run,
        upbeat: int = 0,
        heading: int = 0,
        remarks: tuple[str, ...] = (),
    ) -> Iterator[PieceOutputs]:
        """Yields the piece as it grows, then whole.

        Args:
            given: (T, 4), `FREE` where the network is to write.
            heading: sixteenths at the beginning that are the visitor's.
        """
        taste = Taste(inputs.temperature, inputs.top_p, inputs.seed, inputs.strict)
        shown_s = 0.0
        grid = given[:0]
        for grid in self._composer.write(given, key, taste):
            run.progress(0.8 * len(grid) / len(given), "Writing")
            if len(grid) < len(given) and time.monotonic() - shown_s >= _SHOWN_EVERY_S:
                yield _piece(grid, len(given), upbeat, heading, inputs.tempo, ())
                shown_s = time.monotonic()
        marked = theory.marks(grid, upbeat)
        whole = _piece(grid, len(given), upbeat, heading, inputs.tempo, (*remarks, *marked))
        whole.report = self._report(grid)
        found = notes(grid)
        whole.midi = File(sound.midi_bytes(found, inputs.tempo, inputs.sound), "chorale.mid")
        run.progress(0.85, "Playing")
        whole.audio, synthesiser = sound.play(found, inputs.tempo, inputs.sound, run.workdir)
        whole.notes.append(f"Played by {synthesiser}.")
        yield whole.model_copy()
        run.progress(0.95, "Engraving")
        xml = engraving.musicxml(found, len(grid), upbeat, key_of(grid), inputs.tempo)
        whole.musicxml = File(xml.encode(), "chorale.musicxml")
        whole.score = engraving.picture(xml)
        yield whole

    def _report(self, grid: Grid) -> Table:
        import pandas as pd

        rows = [
            {
                "what": count.name,
                "here": _rate(count.found / max(1, count.out_of), count.per),
                "Bach's mean": _rate(self._norms[count.name], count.per),
            }
            for count in theory.counts(grid)
        ]
        return Table(pd.DataFrame(rows), "voice_leading.csv")


class Composing(_Writer):
    """Composes freely."""

    def __call__(self, inputs: GenerationInputs, run: Run) -> Iterator[PieceOutputs]:
        """A piece of the length and in the key that are asked for."""
        upbeat = STEPS_PER_BEAT if inputs.upbeat else 0
        name = inputs.key
        key = KEYS.index(_USUAL_KEYS[inputs.seed % len(_USUAL_KEYS)] if name == "any" else name)
        given = np.full((upbeat + inputs.bars * STEPS_PER_BAR, 4), FREE, np.int16)
        yield from self._write(given, key, inputs, run, upbeat)


class Continuing(_Writer):
    """Goes on where a file or a recording ends."""

    def __call__(self, inputs: ContinuationInputs, run: Run) -> Iterator[PieceOutputs]:
        """The beginning, filled up to four voices, and what follows.

        Raises:
            InvalidInput: neither a file nor a recording is there, both are, or one of them cannot be read.
        """
        if (inputs.score is None) == (inputs.recording is None):
            raise InvalidInput(
                "Give a beginning: a file or a recording." if inputs.score is None else "Two beginnings are given.",
                field="score",
                expected="a file, or a recording, and not both",
                got="nothing" if inputs.score is None else "both",
            )
        if inputs.recording is not None:
            run.progress(0.02, "Listening")
        reading = read(inputs.score, "score", _MOST_BARS) if inputs.score else self._listen(inputs)
        remarks = list(reading.notes)
        if (reading.grid == FREE).any():
            remarks.append("Voices that were not there were added.")
        beginning = filled_breaths(reading.grid)
        free = np.full((inputs.bars * STEPS_PER_BAR, 4), FREE, np.int16)
        given = np.concatenate([beginning, free])
        yield from self._write(given, key_of(beginning), inputs, run, heading=len(beginning), remarks=tuple(remarks))

    @staticmethod
    def _listen(inputs: ContinuationInputs) -> Reading:
        from backends.music.recording import read_recording  # loads numba

        assert inputs.recording is not None
        return read_recording(inputs.recording, inputs.tempo, _MOST_BARS)


class Harmonising(_Writer):
    """Adds three voices to a melody."""

    def __call__(self, inputs: HarmonisationInputs, run: Run) -> Iterator[PieceOutputs]:
        """The melody as soprano, with alto, tenor and bass.

        Raises:
            InvalidInput: no melody is there, two are, or it cannot be read.
        """
        typed = inputs.abc.strip()
        if (inputs.melody is None) == (not typed):
            raise InvalidInput(
                "Give a melody: a file or typed." if inputs.melody is None else "Two melodies are given.",
                field="melody",
                expected="a file, or ABC, and not both",
                got="nothing" if inputs.melody is None else "both",
            )
        if inputs.melody is not None:
            reading = read(inputs.melody, "melody", _MOST_BARS)
        else:
            reading = read_abc(typed, "abc", _MOST_BARS)
        remarks = list(reading.notes)
        if (reading.grid[:, 1:] > REST).any():
            remarks.append("Only its highest voice was taken.")
        given = np.full_like(reading.grid, FREE)
        given[:, 0] = reading.grid[:, 0]
        given = filled_breaths(given)
        yield from self._write(given, key_of(given[:, 0]), inputs, run, remarks=tuple(remarks))


def filled_breaths(grid: Grid) -> Grid:
    """Where the soprano is silent, free voices are silent too; a breath of less than a beat is sung through."""
    made = grid.copy()
    line: npt.NDArray[np.int16] = made[:, 0]
    at = 0
    while at < len(line):
        end = at
        while end < len(line) and line[end] == REST:
            end += 1
        if at < end < at + STEPS_PER_BEAT and at > 0:
            line[at:end] = line[at - 1]
        at = max(end, at + 1)
    silent = line == REST
    made[silent] = np.where(made[silent] == FREE, REST, made[silent])
    return made


def _rate(share: float, per: str) -> str:
    """A mean in the words of its unit."""
    return f"{share:.2f} a bar" if per == "bar" else f"{share:.1%} of {per}"


def _piece(grid: Grid, steps: int, upbeat: int, heading: int, bpm: int, remarks: tuple[str, ...]) -> PieceOutputs:
    """The piece as far as it is written."""
    found = notes(grid)
    bars = (len(grid) - upbeat) / STEPS_PER_BAR
    seconds = len(grid) / STEPS_PER_BEAT * 60 / bpm
    key = KEYS[key_of(grid)]
    whole = len(grid) == steps
    return PieceOutputs(
        verdict=f"{-(-bars // 1):.0f} bars in {key}, {seconds:.0f} s" if whole else f"Writing bar {int(bars) + 1}",
        key=key,
        bars=max(0, int(-(-bars // 1))),
        seconds=seconds,
        roll=piano_roll(found, steps, upbeat, len(grid), heading),
        notes=list(remarks),
    )
