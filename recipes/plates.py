"""Trains the detector of licence plates on OpenALPR's benchmark: `python -m recipes plates`.

Photographs of cars from the United States, Europe and Brazil, longer side 360 px. Begins with the weights of our own
detector of blood cells, which knows edges already; no weights of others.
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
    names=boxes.PLATES,
    epochs=30,
    train_px=384,
    start="cells",
    batch_size=8,
    peak_rate=1.5e-3,
    flip_up_down=0.0,
    last_plain=6,
)
READING = Reading(sizes_px=((384, 448, 512),))
ABOUT = About(
    name="plates",
    title="Licence plates",
    reach=0.85,
    published="none agreed",
    dataset="OpenALPR benchmark (endtoend)",
    dataset_id="licence_plates",
    source="https://github.com/openalpr/benchmarks, commit 9790ed2 (AGPL-3.0), shrunk to 360 px",
    split="test, 111 pictures of a fixed random split; 288 to learn from, 45 to choose the epoch",
    about="Finds licence plates in photographs of cars. It finds where they are; reading them is another task's.",
    limits="Learned from 288 small photographs of cars in the United States, Europe and Brazil, most with one plate in "
    "plain view. Plates of other shapes, at night, from above or by the dozen were not learned, and signs with writing "
    "on them may pass for plates.",
)


def train(settings: Settings, folder: Path) -> Result:
    """Train, measure, and publish if the metric is reached."""
    return train_detector({"": PLAN}, READING, ABOUT, lambda split: boxes.plates(settings, split), settings, folder)
