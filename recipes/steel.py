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
#: Two copies go on with larger pictures. They see finer textures, err at different places, and look together.
PLANS = (
    replace(
        START,
        epochs=60,
        train_px=256,
        read_px=(192, 224, 256),
        read_ways=(1, 4),
        overlaps=(0.5, 0.55, 0.6),
        peak_rate=1e-3,
        last_plain=10,
        measured_every=5,
        seed=2,
    ),
    replace(START, epochs=100, train_px=320, read_px=(224, 256, 288), peak_rate=1e-3, last_plain=15, measured_every=5),
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
    return train_detector(PLANS, ABOUT, lambda split: boxes.steel(settings, split), settings, folder, START)
