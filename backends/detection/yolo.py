"""YOLO11 and YOLO26 with Ultralytics' own weights.

The file is a pickle, which can run code when it is read. The shelf hands it over only if its SHA-256 is the pinned one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backends.detection.detector import RGB, Wanted, detections
from backends.detection.net import Look, Network, keep_to_itself, torch_runner
from backends.detection.operations import answer
from studio.contract import Inputs, Outputs, Run
from studio.weights import Weights

if TYPE_CHECKING:
    import supervision as sv

#: It was trained on pictures with a longer side of this.
_SIZE_PX = 640


class Yolo:
    """A checkpoint of ultralytics, whatever its size.

    Args:
        weights: file `model`.
    """

    specialist = False
    at_once = 1

    def __init__(self, weights: Weights, device: str) -> None:
        keep_to_itself()
        from ultralytics.nn.tasks import load_checkpoint

        net, _ = load_checkpoint(str(weights.path()))
        self.names = tuple(net.names[place] for place in range(len(net.names)))
        self._network = Network(Look(torch_runner(net, device), _SIZE_PX), self.names)

    def __call__(self, inputs: Inputs, run: Run) -> Outputs | Iterator[Outputs]:
        """Answer any of the family's tasks."""
        return answer(self, inputs, run)

    def detect(self, rgb: RGB, wanted: Wanted) -> sv.Detections:
        """See `Detector.detect`."""
        rows, strange = self._network(rgb, wanted.confidence, wanted.iou, wanted.most, wanted.class_ids)
        return detections(rows, self.names, wanted, strange)
