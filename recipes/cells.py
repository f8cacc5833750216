"""Trains the detector of blood cells on BCCD: `python -m recipes cells`.

Red cells, white cells and platelets in blood smears, 640 x 480 px. From nothing: no weights of others. 205 pictures are
few, but each holds a dozen cells, and mosaics of four show them anew each time.
"""

from __future__ import annotations

from pathlib import Path

from recipes import boxes
from recipes.detector_training import Plan
from recipes.detectors import About, train_detector
from recipes.publish import Result
from recipes.reading import Reading
from studio.settings import Settings

PLAN = Plan(
    names=boxes.CELLS,
    epochs=170,
    train_px=256,
    batch_size=8,
    peak_rate=1.5e-3,
    last_plain=20,
    measured_every=6,
)
READING = Reading(sizes_px=((256, 288, 320),))
ABOUT = About(
    name="cells",
    title="Blood cells",
    reach=0.90,
    published="none agreed on this split",
    dataset="BCCD",
    dataset_id="bccd",
    source="https://github.com/Shenggan/BCCD_Dataset, commit d272fb1 (MIT)",
    split="test, 72 pictures, the repository's own split; 205 to learn from, 87 to choose the epoch",
    about="Finds red cells, white cells and platelets in pictures of stained blood smears, and counts them.",
    limits="Smears stained and photographed as in the data set, about 100 pixels to a red cell in 640 x 480. Red cells "
    "that overlap or are cut off by the border are missed at times: many have no box in the data set either. White "
    "cells are not told apart by kind. Not a medical device.",
)


def train(settings: Settings, folder: Path) -> Result:
    """Train, measure, and publish if the metric is reached."""
    return train_detector({"": PLAN}, READING, ABOUT, lambda split: boxes.cells(settings, split), settings, folder)
