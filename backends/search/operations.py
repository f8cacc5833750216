"""Which operation answers which task's inputs; the same for every model of the family."""

from __future__ import annotations

from backends.search.adding import add
from backends.search.fields import AddInputs, SearchInputs
from backends.search.model import SearchModel
from backends.search.searching import search
from backends.search.vectors import VectorIndexes
from studio.contract import Inputs, Outputs, Run


def answer(model: SearchModel, indexes: VectorIndexes, inputs: Inputs, run: Run) -> Outputs:
    """Do what the type of the inputs asks for. Raises TypeError for inputs of another family."""
    match inputs:
        case SearchInputs():
            return search(model, indexes, inputs, run)
        case AddInputs():
            return add(model, inputs, run)
    raise TypeError(f"no task of image search has inputs of type {type(inputs).__name__}")
