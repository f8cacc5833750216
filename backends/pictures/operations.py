"""Which operation answers which task's inputs; the same for every model of the family."""

from __future__ import annotations

from typing import Protocol

from backends.pictures.embedding import FeatureModel, embed
from backends.pictures.embedding_fields import PictureEmbeddingInputs
from backends.pictures.model import PictureModel, classify
from backends.pictures.task import ClassificationInputs
from studio.contract import Inputs, Outputs, Run


class Model(PictureModel, FeatureModel, Protocol):
    """A classifier that gives its features too."""


def answer(model: Model, inputs: Inputs, run: Run) -> Outputs:
    """Do what the type of the inputs asks for. Raises TypeError for inputs of another family."""
    match inputs:
        case ClassificationInputs():
            return classify(model, inputs, run)
        case PictureEmbeddingInputs():
            return embed(model, inputs, run)
    raise TypeError(f"no picture task has inputs of type {type(inputs).__name__}")
