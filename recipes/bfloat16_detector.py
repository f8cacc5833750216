"""A detector that learns in bfloat16 on a CPU, which takes half the time where the processor has its instructions."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from torch import Tensor
from ultralytics.nn.tasks import DetectionModel

from recipes.loop import autocast_here


class Bfloat16Detector(DetectionModel):  # type: ignore[misc]
    """Ultralytics' detector; only its forward pass of a training step is in bfloat16.

    Its weights, the loss and what it is measured by stay in float32.
    """

    def loss(self, batch: dict[str, Any], preds: Any = None) -> Any:
        """The loss of a batch with `img`, float (N, 3, H, W); see ultralytics."""
        if preds is None:
            with autocast_here("cpu") if self.training else nullcontext():
                preds = self.forward(batch["img"])
            preds = _in_float32(preds)
        return super().loss(batch, preds)


def _in_float32(found: Any) -> Any:
    """What a head gives, which is tensors in lists and dictionaries."""
    if isinstance(found, Tensor):
        return found.float()
    if isinstance(found, dict):
        return {name: _in_float32(part) for name, part in found.items()}
    return type(found)(_in_float32(part) for part in found)
