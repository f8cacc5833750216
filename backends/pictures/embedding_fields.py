"""The inputs and outputs of picture embedding."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from studio.contract import Inputs, Outputs, Ui
from studio.media.image import Image
from studio.media.table import Table


class PictureEmbeddingInputs(Inputs):
    """Pictures."""

    images: Annotated[
        list[Image],
        Field(title="Pictures", description="One vector is made of each.", min_length=1, max_length=64),
    ]


class PictureEmbeddingOutputs(Outputs):
    """Vectors."""

    dimensions: Annotated[int, Field(title="Dimensions", description="Of each vector.")]
    similarity: Annotated[
        Table | None, Field(title="Cosines", description="Of each picture with each, for up to 20 pictures.")
    ] = None
    vectors: Annotated[
        list[list[float]],
        Field(title="Vectors", description="Of unit length, one for each picture."),
        Ui(advanced=True),
    ]
