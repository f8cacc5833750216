"""Pictures as vectors: what a classifier has of them just before it names a class."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from backends.pictures.embedding_fields import PictureEmbeddingInputs, PictureEmbeddingOutputs
from backends.pictures.overlay import RGB
from studio.contract import Run
from studio.media.table import Table

Vector = npt.NDArray[np.float32]


class FeatureModel(Protocol):
    """A model that makes a vector of a picture."""

    def features(self, rgb: RGB) -> Vector:
        """A vector (D,) of unit length of a picture, uint8 (H, W, 3)."""


def embed(model: FeatureModel, inputs: PictureEmbeddingInputs, run: Run) -> PictureEmbeddingOutputs:
    """A vector of each picture, and how near they are to each other."""
    rows = []
    for number, image in enumerate(inputs.images, 1):
        run.progress(number / len(inputs.images), f"Picture {number} of {len(inputs.images)}")
        rows.append(model.features(image.rgb))
    vectors = np.stack(rows)  # (N, D)
    names = [image.name or f"picture {number}" for number, image in enumerate(inputs.images, 1)]
    return PictureEmbeddingOutputs(
        dimensions=vectors.shape[1],
        similarity=_cosines(names, vectors) if len(names) <= _MOST_SHOWN else None,
        vectors=[[round(float(value), 6) for value in row] for row in vectors],
    )


def unit(vector: npt.NDArray[np.floating[npt.NBitBase]]) -> Vector:
    """The vector (D,) at length 1."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)


_MOST_SHOWN = 20


def _cosines(names: list[str], vectors: Vector) -> Table:
    import pandas

    cosines = np.round(vectors @ vectors.T, 3)
    frame = pandas.DataFrame({"picture": names})
    for number, name in enumerate(names):
        column = name if names.count(name) == 1 else f"{name} ({number + 1})"
        frame[column] = cosines[:, number].astype(float)
    return Table(frame, "cosines.csv")
