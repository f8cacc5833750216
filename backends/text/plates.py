"""Licence plates: found by the task that finds things, then cut out, straightened, enhanced and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backends.text.drawing import steps_sheet
from backends.text.engine import Engine, line_width_px
from backends.text.fields import PlateInputs, PlateOutputs
from backends.text.geometry import RGB
from backends.text.plate_text import ALPHABET, UNKNOWN, Guess, Sight, guesses
from backends.text.plate_views import PlateViews, plate_views
from studio.contract import Run
from studio.media.table import Table
from studio.results import Box, BoxedImage

DETECTOR = ("object_detection", "plates")  # task, adapter

_MARGIN = 0.08  # of a plate's sides, cut out with it
_MOST_PLATES = 20
_LEAST_PX = 8  # a plate that is narrower or lower shows no letters
_NARROW_PX = 60
_UNSURE, _UNREADABLE = 0.6, 0.2  # scores
_COLUMNS = ("text", "score", "form", "second", "second_score", "found_score", "left", "top", "right", "bottom")


@dataclass(frozen=True)
class _Plate:
    """A plate that was found, and what it may say, the likeliest first."""

    box: Box
    crop: RGB
    views: PlateViews
    guesses: list[Guess]

    @property
    def text(self) -> str:
        """Empty where it cannot be read."""
        return self.guesses[0].text if self.guesses and self.guesses[0].score >= _UNREADABLE else ""


def read_plates(engine: Engine, inputs: PlateInputs, run: Run) -> PlateOutputs:
    """Find the plates of a picture and read them.

    Raises:
        NotFound: there is no detector of plates in this studio.
    """
    if inputs.shows == "one plate":
        width, height = inputs.image.resolution_wh
        boxes = [Box(xyxy=(0, 0, width, height))]
    else:
        run.progress(0.02, "Looking for plates")
        boxes = _found(run, inputs)
    plates = []
    for number, box in enumerate(boxes, start=1):
        run.progress(0.4 + 0.6 * (number - 1) / len(boxes), f"Reading plate {number} of {len(boxes)}")
        crop = inputs.image.rgb if inputs.shows == "one plate" else _cut(inputs.image.rgb, box)
        if min(crop.shape[:2]) < _LEAST_PX:
            continue
        plates.append(_read(engine, box, crop, inputs.country))
    return _outputs(inputs, plates)


def read_crop(engine: Engine, crop: RGB, country: str = UNKNOWN) -> list[Guess]:
    """What a plate that was cut out with a little margin (H, W, 3) may say, the likeliest first."""
    return guesses(sights(engine, plate_views(engine, crop).read), country)


def sights(engine: Engine, views: Sequence[RGB]) -> list[Sight]:
    """Probability of each character of a plate at each place, in each view."""
    columns = [[engine.characters.index(form) for form in {character, character.lower()}] for character in ALPHABET]
    width = max(line_width_px(view) for view in views)
    seen = []
    for answer in engine.probabilities(views, width):
        sight = np.zeros((len(answer), len(ALPHABET) + 1), np.float32)
        for place, column in enumerate(columns, start=1):
            sight[:, place] = answer[:, column].sum(axis=1)
        sight[:, 0] = np.clip(1 - sight[:, 1:].sum(axis=1), 1e-6, 1)  # dashes, emblems and blanks alike
        seen.append(sight)
    return seen


def _found(run: Run, inputs: PlateInputs) -> list[Box]:
    """Plates that the detector is sure enough of, the surest first."""
    task, adapter = DETECTOR
    values = {"image": inputs.image, "confidence": inputs.min_score, "most": _MOST_PLATES}
    answer = run.call(task, values, adapter, until=0.4).model_dump(include={"boxes"})
    return [Box(xyxy=box["xyxy"], score=box["score"]) for box in answer["boxes"]]


def _cut(rgb: RGB, box: Box) -> RGB:
    height, width = rgb.shape[:2]
    left, top, right, bottom = box.xyxy
    aside, above = _MARGIN * (right - left), _MARGIN * (bottom - top)
    rows = slice(max(0, int(top - above)), min(height, int(np.ceil(bottom + above))))
    return rgb[rows, max(0, int(left - aside)) : min(width, int(np.ceil(right + aside)))]


def _read(engine: Engine, box: Box, crop: RGB, country: str) -> _Plate:
    views = plate_views(engine, crop)
    return _Plate(box, crop, views, guesses(sights(engine, views.read), country))


def _outputs(inputs: PlateInputs, plates: list[_Plate]) -> PlateOutputs:
    boxes = [
        plate.box.model_copy(
            update={"label": plate.text or "unreadable", "score": plate.guesses[0].score if plate.text else None}
        )
        for plate in plates
    ]
    steps = [
        (
            plate.text or "unreadable",
            [("cut out", plate.crop), ("straightened", plate.views.straightened), ("enhanced", plate.views.enhanced)],
        )
        for plate in plates
    ]
    return PlateOutputs(
        verdict=_verdict(plates),
        marked=BoxedImage(image=inputs.image, boxes=boxes),
        steps=steps_sheet(steps) if steps else None,
        plates=_table(plates),
        notes=_notes(plates),
    )


def _verdict(plates: list[_Plate]) -> str:
    read = [plate.text for plate in plates if plate.text]
    if not plates:
        return "No plate was found."
    if not read:
        return "No plate could be read."
    return read[0] if len(plates) == 1 else f"{len(plates)} plates: {', '.join(read)}"


def _table(plates: list[_Plate]) -> Table:
    import pandas

    rows = []
    for plate in plates:
        first = plate.guesses[0] if plate.text else None
        second = plate.guesses[1] if plate.text and len(plate.guesses) > 1 else None
        rows.append(
            (
                first.text if first else "",
                round(first.score, 4) if first else None,
                first.form if first else "",
                second.text if second else "",
                round(second.score, 4) if second else None,
                None if plate.box.score is None else round(plate.box.score, 4),
                *(round(float(side), 1) for side in plate.box.xyxy),
            )
        )
    return Table(pandas.DataFrame(rows, columns=list(_COLUMNS)), "plates.csv")


def _notes(plates: list[_Plate]) -> list[str]:
    notes = []
    for plate in plates:
        name = plate.text or "A plate"
        width = plate.crop.shape[1]
        if width < _NARROW_PX:
            notes.append(f"{name} is only {width} px wide: its letters can hardly be told apart.")
        if plate.text and plate.guesses[0].score < _UNSURE:
            notes.append(f"{name} was read unsurely" + _alternative(plate) + ".")
        if plate.text and not plate.guesses[0].form:
            notes.append(f"{name} has no form that is common for plates.")
    return notes


def _alternative(plate: _Plate) -> str:
    return f"; it could be {plate.guesses[1].text}" if len(plate.guesses) > 1 else ""
