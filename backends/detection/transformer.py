"""Detection transformers of the transformers library, D-FINE and RT-DETRv2, with their publishers' weights.

Only the weights are fetched. The configurations are kept here: a network built from them has exactly the tensors of the
published file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForObjectDetection, RTDetrImageProcessor

from backends.detection.detector import RGB, Wanted, detections
from backends.detection.operations import answer
from studio.contract import Inputs, Outputs, Run
from studio.weights import Weights

if TYPE_CHECKING:
    import supervision as sv


class DetectionTransformer:
    """Reads a picture stretched to 640 x 640 px, in 0..1, and answers with a set of boxes.

    Attributes:
        configuration: the file in this folder that describes the network.

    Args:
        weights: file `model`.
    """

    configuration: ClassVar[Path]
    specialist = False
    at_once = 1

    def __init__(self, weights: Weights, device: str) -> None:
        config = AutoConfig.for_model(**json.loads(self.configuration.read_text(encoding="utf-8")))
        model = AutoModelForObjectDetection.from_pretrained(
            weights.path().parent, config=config, local_files_only=True, use_safetensors=True
        )
        self._model: Any = model.eval().to(device)
        self._processor = RTDetrImageProcessor()
        names: Any = config.id2label
        self.names = tuple(str(names[place]) for place in range(len(names)))

    def __call__(self, inputs: Inputs, run: Run) -> Outputs | Iterator[Outputs]:
        """Answer any of the family's tasks."""
        return answer(self, inputs, run)

    def detect(self, rgb: RGB, wanted: Wanted) -> sv.Detections:
        """See `Detector.detect`."""
        inputs = self._processor(images=rgb, return_tensors="pt", input_data_format="channels_last")
        with torch.inference_mode():
            outputs = self._model(pixel_values=inputs["pixel_values"].to(self._model.device))
        [found] = self._processor.post_process_object_detection(outputs, wanted.confidence, [rgb.shape[:2]])
        rows = torch.cat([found["boxes"], found["scores"][:, None], found["labels"][:, None]], 1).float()  # (N, 6)
        height, width = rgb.shape[:2]
        edges = torch.tensor([width, height, width, height])
        rows[:, :4] = rows[:, :4].cpu().clamp(min=0).minimum(edges)
        return detections(np.asarray(rows.cpu().numpy(), np.float32), self.names, wanted, strange=False)


class DFineN(DetectionTransformer):
    """D-FINE N (Peng et al. 2024), 4 million parameters."""

    configuration = Path(__file__).parent / "dfine_n.json"


class RtDetrV2R18(DetectionTransformer):
    """RT-DETRv2 with a ResNet-18 (Lv et al. 2024), 20 million parameters."""

    configuration = Path(__file__).parent / "rtdetr_v2_r18.json"
