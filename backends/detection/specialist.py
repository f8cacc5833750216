"""A detector of our own: the network of `python -m recipes cells`, `steel` or `plates`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from backends.detection.detector import RGB, Wanted, detections
from backends.detection.net import load
from backends.detection.operations import answer
from studio.contract import Inputs, Outputs, Run
from studio.weights import Weights

if TYPE_CHECKING:
    import supervision as sv


class Specialist:
    """YOLO11n with the weights, the classes and the reading size that the recipe made.

    Args:
        weights: the files that `backends.detection.net.load` names.
    """

    specialist = True

    def __init__(self, weights: Weights, device: str) -> None:
        self._network = load(weights.path, device)
        self.names = self._network.names
        self.at_once = self._network.at_once
        self.detect(np.zeros((32, 32, 3), np.uint8), Wanted(quick=True))  # what it imports comes in here, in one thread

    def __call__(self, inputs: Inputs, run: Run) -> Outputs | Iterator[Outputs]:
        """Answer any of the family's tasks."""
        return answer(self, inputs, run)

    def detect(self, rgb: RGB, wanted: Wanted) -> sv.Detections:
        """See `Detector.detect`."""
        rows, strange = self._network(
            rgb, wanted.confidence, wanted.iou, wanted.most, wanted.class_ids, quick=wanted.quick
        )
        return detections(rows, self.names, wanted, strange)
