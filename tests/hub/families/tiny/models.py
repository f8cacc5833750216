"""The backend of the tiny task."""

from __future__ import annotations

from studio.contract import Run
from studio.weights import Weights
from tests.hub.families.tiny.task import TinyInputs, TinyOutputs


class Tiny:
    def __init__(self, weights: Weights, device: str) -> None:
        self._bytes = len(weights.path().read_bytes()) if weights.files else 0

    def __call__(self, inputs: TinyInputs, run: Run) -> TinyOutputs:
        return TinyOutputs(text=f"{inputs.text} {self._bytes}")
