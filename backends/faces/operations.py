"""Which operation answers which task's inputs; the same for every face model."""

from __future__ import annotations

from backends.faces.enrolment import enrol
from backends.faces.fields import EnrolmentInputs, IdentificationInputs, ThresholdInputs, VerificationInputs
from backends.faces.identification import identify
from backends.faces.model import FaceModel
from backends.faces.threshold import choose_threshold
from backends.faces.verification import verify
from studio.contract import Inputs, Outputs, Run


def answer(model: FaceModel, inputs: Inputs, run: Run) -> Outputs:
    """Do what the type of the inputs asks for. Raises TypeError for inputs of another family."""
    match inputs:
        case VerificationInputs():
            return verify(model, inputs, run)
        case IdentificationInputs():
            return identify(model, inputs, run)
        case EnrolmentInputs():
            return enrol(model, inputs, run)
        case ThresholdInputs():
            return choose_threshold(model, inputs, run)
    raise TypeError(f"no face task has inputs of type {type(inputs).__name__}")
