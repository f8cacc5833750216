"""Trains the detector of steel defects on NEU-DET: `python -m recipes steel`.

Six kinds of defects in grey pictures of hot-rolled strip, 200 x 200 px. From nothing: no weights of others.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from recipes import boxes
from recipes.detector_training import Plan
from recipes.detectors import About, train_detector
from recipes.publish import Result
from recipes.reading import Reading
from studio.settings import Settings

START = Plan(
    names=boxes.DEFECTS,
    epochs=220,
    train_px=224,
    zoom=0.5,
    mixup=0.1,
    last_plain=20,
    measured_every=10,
    bfloat16=True,
)
_COPY = replace(START, start="224px", peak_rate=1e-3, measured_every=5)
#: Copies of the first that go on with larger pictures see finer textures; two more begin from nothing. They err at
#: different places, and look together.
TRAININGS = {
    "224px": START,
    "320px": replace(_COPY, epochs=100, train_px=320, last_plain=15),
    "256px": replace(_COPY, epochs=60, train_px=256, last_plain=10, seed=2),
    "own_256px": replace(START, epochs=140, train_px=256, seed=3),
    "own_224px": replace(START, epochs=160, seed=4),
}
READING = Reading(
    sizes_px=((224, 256, 288), (192, 224, 256), (192, 224, 256), (192, 224, 256)),
    overlaps=(0.5, 0.55, 0.6),
    ways=(1, 4),
    frame_ways=2,
)
ABOUT = About(
    name="steel",
    title="Steel defects",
    reach=0.78,
    least=0.6,
    published="DDN, ResNet-50, on its authors' own split: 0.823 (He et al. 2020)",
    dataset="NEU-DET",
    dataset_id="neu_det",
    source="Song and Yan 2013, boxes by He, Song, Meng and Yan 2020 "
    "(repository siddhartamukherjee/NEU-DET-Steel-Surface-Defect-Detection, commit 351bee2)",
    split="test, 360 pictures of a fixed random split, stratified by defect; 1,260 to learn from, 180 to choose the "
    "epochs and how to read",
    about="Finds six kinds of surface defects on hot-rolled steel strip: crazing, inclusions, patches, pitted surface, "
    "rolled-in scale and scratches.",
    limits="Close-up, grey pictures of hot-rolled strip under even light are all it knows; on anything else its boxes "
    "mean nothing. Crazing and rolled-in scale have no clear borders: their boxes are the least sure, as are those "
    "that people drew.",
)


def train(settings: Settings, folder: Path) -> Result:
    """Train, measure, and publish if the metric is reached."""
    return train_detector(TRAININGS, READING, ABOUT, lambda split: boxes.steel(settings, split), settings, folder)
