"""Our own detectors on the test pictures of their data sets, measured with pycocotools.

`python -m bench.quality cells steel plates`. What is measured is what a visitor gets: the shipped backend, at the size
and with the suppression that it ships with; all boxes down to a confidence of 0.001, as the metric asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from backends.detection.detector import Wanted
from backends.detection.specialist import Specialist
from backends.detection.task import object_detection
from backends.detection.views import Found
from bench.figures import Figure, NoData
from recipes import boxes
from recipes.average_precision import measure
from recipes.boxed import Scene
from studio.catalogue import Catalogue
from studio.runtime import EMBEDDED
from studio.settings import Settings
from studio.weights import Shelf


@dataclass(frozen=True)
class _Set:
    """A detector's data, its bound and the figure beside it."""

    title: str
    folder: str
    scenes: Callable[[Settings, str], Sequence[Scene]]
    at_least: float
    reference: str = ""


_SETS = {
    "cells": _Set("BCCD", "bccd", boxes.cells, 0.90, "none agreed on this split"),
    "steel": _Set(
        "NEU-DET", "neu_det", boxes.steel, 0.78, "DDN, ResNet-50, on its authors' own split: 0.823 (He et al. 2020)"
    ),
    "plates": _Set("OpenALPR benchmark", "licence_plates", boxes.plates, 0.85, "none agreed"),
}


def cells(settings: Settings) -> list[Figure]:
    """MAP of the detector of blood cells."""
    return _measured("cells", settings)


def steel(settings: Settings) -> list[Figure]:
    """MAP of the detector of steel defects."""
    return _measured("steel", settings)


def plates(settings: Settings) -> list[Figure]:
    """MAP of the detector of licence plates."""
    return _measured("plates", settings)


def _measured(name: str, settings: Settings) -> list[Figure]:
    told = _SETS[name]
    if settings.data is None or not (settings.data / told.folder).is_dir():
        raise NoData(f"set ATELIER_DATA to a folder that has {told.folder}/")
    scenes = told.scenes(settings, "test")
    detector = load(name)
    result, quick = (
        measure(scenes, [_rows(detector, scene, quick=quick) for scene in scenes], detector.names)
        for quick in (False, True)
    )
    split = f"test, {len(scenes)}"
    return [
        Figure(
            told.title,
            split,
            "mAP50",
            result.map50,
            f">= {told.at_least:g}",
            result.map50 >= told.at_least,
            told.reference,
        ),
        Figure(told.title, split, "mAP50-95", result.map50_95),
        Figure(told.title, split, "mAP50, as frames of videos are read", quick.map50),
        *(Figure(told.title, split, f"AP50, {kind}", value) for kind, value in result.each.items()),
    ]


def load(name: str) -> Specialist:
    """The shipped backend, with its weights from the shelf."""
    family = Catalogue.discover().entry(object_detection.name).family
    return Specialist(Shelf(EMBEDDED).resolve(family, name), "cpu")


def _rows(detector: Specialist, scene: Scene, *, quick: bool) -> Found:
    """Left, top, right, bottom, score and class of each box, (N, 6)."""
    found = detector.detect(scene.rgb, Wanted(confidence=0.001, iou=0.6, most=100, quick=quick))
    assert found.confidence is not None
    assert found.class_id is not None
    return np.column_stack([found.xyxy, found.confidence, found.class_id]).astype(np.float32)
