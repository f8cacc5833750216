"""What image search asks of a model: vectors of pictures and, where it can, of words in the same space."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from backends.search.library import Vectors
from studio.contract import Run
from studio.media.image import Image

#: A search's words as a vector (D,), or None where the model knows no words.
Words = Vectors | None


class SearchModel(Protocol):
    """A model of a search.

    Attributes:
        name: under which its vectors are kept.
    """

    name: str

    def look(self, image: Image, run: Run) -> Vectors:
        """A vector (D,) of unit length of a picture."""

    def words(self, query: str, run: Run) -> Words:
        """A vector (D,) of unit length of words, comparable with those of pictures; None where it makes none."""


def unit(vector: npt.ArrayLike) -> Vectors:
    """A vector (D,) at length 1."""
    values = np.asarray(vector, np.float64)
    return np.asarray(values / max(float(np.linalg.norm(values)), 1e-12), np.float32)
