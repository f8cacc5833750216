"""A piano roll: time to the right, pitch upwards, a colour for each voice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageDraw

from backends.music.grid import HIGHEST, LOWEST, STEPS_PER_BAR, STEPS_PER_BEAT, Note
from studio.media.image import Image

#: Soprano to bass, apart from each other for the colour-blind too (Okabe and Ito 2008).
COLOURS = ("#D55E00", "#E69F00", "#009E73", "#0072B2")
_PAPER, _BLACK_KEY, _BEAT, _BAR, _HEAD = "#FFFDF8", "#F4F0E8", "#EAE4D8", "#CFC6B6", "#C4552D"
_GIVEN = "#8A8074"
_WIDTH_PX, _ROW_PX, _MARGIN_ROWS = 1280, 9, 2
_LOW, _HIGH = LOWEST, HIGHEST
_BLACK = {1, 3, 6, 8, 10}


def piano_roll(notes: Sequence[Note], steps: int, upbeat: int, written: int, given: int = 0) -> Image:
    """The notes so far, on paper for the whole piece, so that nothing moves while it grows.

    Args:
        steps: sixteenths of the whole piece.
        upbeat: sixteenths before the first bar line.
        written: sixteenths that are there; the writing head stands after them.
        given: sixteenths at the beginning that came from the visitor: a line marks their end.
    """
    low = min([_LOW, *(note.pitch for note in notes)]) - _MARGIN_ROWS
    high = max([_HIGH, *(note.pitch for note in notes)]) + _MARGIN_ROWS
    height_px = (high - low + 1) * _ROW_PX
    picture = PIL.Image.new("RGB", (_WIDTH_PX, height_px), _PAPER)
    canvas = PIL.ImageDraw.Draw(picture)

    def x(step: int) -> float:
        return step / steps * _WIDTH_PX

    def y(pitch: int) -> int:
        return (high - pitch) * _ROW_PX

    for pitch in range(low, high + 1):
        if pitch % 12 in _BLACK:
            canvas.rectangle((0, y(pitch), _WIDTH_PX, y(pitch) + _ROW_PX - 1), fill=_BLACK_KEY)
    every = STEPS_PER_BEAT if steps <= 32 * STEPS_PER_BAR else STEPS_PER_BAR
    for step in range(upbeat % every, steps, every):
        bar = (step - upbeat) % STEPS_PER_BAR == 0
        canvas.line((x(step), 0, x(step), height_px), fill=_BAR if bar else _BEAT, width=1)
    for note in sorted(notes, key=lambda note: -note.voice):  # the soprano on top
        box = (x(note.start) + 1, y(note.pitch) + 1, x(note.start + note.steps) - 1, y(note.pitch) + _ROW_PX - 1)
        canvas.rounded_rectangle((*box[:2], max(box[0] + 1, box[2]), box[3]), 3, fill=COLOURS[note.voice])
    if given:
        canvas.line((x(given), 0, x(given), height_px), fill=_GIVEN, width=3)
    if written < steps:
        canvas.line((x(written), 0, x(written), height_px), fill=_HEAD, width=3)
    return Image(np.asarray(picture, np.uint8), "roll.png", lossless=True)
