"""The backend: PP-OCR by way of RapidOCR."""

from __future__ import annotations

from collections.abc import Iterator

from backends.text.engine import Engine
from backends.text.fields import TextInputs, TextOutputs
from backends.text.recognition import recognise
from studio.contract import Run
from studio.weights import Weights


class RapidOcr:
    """PP-OCRv6: a detector, a recogniser, and a small network for the orientation of lines."""

    def __init__(self, weights: Weights, device: str) -> None:
        self._engine = Engine(weights)

    def __call__(self, inputs: TextInputs, run: Run) -> Iterator[TextOutputs]:
        """See `recognise`."""
        return recognise(self._engine, inputs, run)
