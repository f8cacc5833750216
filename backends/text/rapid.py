"""The backend of both text tasks: PP-OCR by way of RapidOCR."""

from __future__ import annotations

from collections.abc import Iterator

from backends.text.engine import Engine
from backends.text.fields import PlateInputs, TextInputs
from backends.text.plates import read_plates
from backends.text.recognition import recognise
from studio.contract import Outputs, Run
from studio.weights import Weights


class RapidOcr:
    """One engine for documents and for plates, so that it is loaded once."""

    def __init__(self, weights: Weights, device: str) -> None:
        self._engine = Engine(weights)

    def __call__(self, inputs: TextInputs | PlateInputs, run: Run) -> Outputs | Iterator[Outputs]:
        """Do what the type of the inputs asks for."""
        if isinstance(inputs, PlateInputs):
            return read_plates(self._engine, inputs, run)
        return recognise(self._engine, inputs, run)
