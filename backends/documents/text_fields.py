"""The inputs and outputs of the tasks that take bare texts instead of a collection."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studio.contract import Inputs, Outputs, Ui
from studio.media.table import Table


class RankingInputs(Inputs):
    """A question, and texts that may answer it."""

    question: Annotated[
        str, Field(title="Question", description="What is asked.", min_length=1, max_length=2_000), Ui(lines=2)
    ]
    texts: Annotated[
        list[str],
        Field(title="Texts", description="What is put in order.", min_length=1, max_length=100),
        Ui(lines=5),
    ]


class RankingOutputs(Outputs):
    """The texts in order."""

    order: Annotated[list[int], Field(title="Order", description="Which text comes first, second, ...; from 0.")]
    scores: Annotated[
        list[float],
        Field(title="Scores", description="One for each text as they were given; comparable for one question only."),
    ]
    ranking: Annotated[Table, Field(title="Ranking", description="The texts, best first.")]


class EmbeddingInputs(Inputs):
    """Texts."""

    texts: Annotated[
        list[str],
        Field(title="Texts", description="One vector is made of each.", min_length=1, max_length=256),
        Ui(lines=4),
    ]
    purpose: Annotated[
        Literal["passage", "question"],
        Field(title="Purpose", description="Some models embed questions and the passages they look for differently."),
        Ui(advanced=True),
    ] = "passage"


class EmbeddingOutputs(Outputs):
    """Vectors."""

    dimensions: Annotated[int, Field(title="Dimensions", description="Of each vector.")]
    tokens: Annotated[int, Field(title="Tokens", description="Of all texts together.")]
    similarity: Annotated[
        Table | None, Field(title="Cosines", description="Of each text with each, for up to 20 texts.")
    ] = None
    vectors: Annotated[list[list[float]], Field(title="Vectors", description="Of unit length, one for each text.")]
