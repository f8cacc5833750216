"""Search with what the studio has: our own classifier's features for looks, read text and sentences for words."""

from __future__ import annotations

from typing import Any

from backends.search.library import Vectors
from backends.search.model import Words, unit
from backends.search.operations import answer
from backends.search.vectors import VectorIndexes
from studio.contract import Inputs, Outputs, Run
from studio.media.image import Image
from studio.weights import Weights


class OwnSearch:
    """Looks by the task `image_embedding`; words are compared with what was read and noted of the pictures.

    Args:
        weights, device: not used: the tasks that are asked have their own.
    """

    name = "pictures"

    def __init__(self, weights: Weights, device: str) -> None:
        self._indexes = VectorIndexes()

    def __call__(self, inputs: Inputs, run: Run) -> Outputs:
        """See `backends.search.operations.answer`."""
        return answer(self, self._indexes, inputs, run)

    def look(self, image: Image, run: Run) -> Vectors:
        """The classifier's features (576,)."""
        answered: Any = run.call("image_embedding", {"images": [image]}, adapter="pictures")
        return unit(answered.vectors[0])

    def words(self, query: str, run: Run) -> Words:
        """None: the classifier knows no words."""
        return None
