"""Texts as vectors, for other programs."""

from __future__ import annotations

import numpy as np

from backends.documents.embedder import Embedder
from backends.documents.text_fields import EmbeddingInputs, EmbeddingOutputs
from studio.contract import Run
from studio.errors import InvalidInput
from studio.media.table import Table

_COMPARED = 20


def embed(embedder: Embedder, inputs: EmbeddingInputs, run: Run) -> EmbeddingOutputs:
    """A vector for each text, and for a few texts how alike they are.

    Raises:
        InvalidInput: a text is empty.
    """
    for number, text in enumerate(inputs.texts, 1):
        if not text.strip():
            raise InvalidInput("A text is empty.", field="texts", expected="texts with words", got=f"text {number}")
    if inputs.purpose == "question":
        vectors = np.array([embedder.query(text) for text in inputs.texts])
    else:
        vectors = embedder.passages(inputs.texts, lambda done: run.progress(done / len(inputs.texts)))
    tokens = embedder.count_tokens(inputs.texts)
    longest = max(tokens)
    if longest > embedder.max_tokens - 2:
        run.note(f"Of a text only the first {embedder.max_tokens} tokens are read; the longest here has {longest:,}.")
    return EmbeddingOutputs(
        vectors=[[round(float(x), 7) for x in row] for row in vectors],
        dimensions=embedder.dimensions,
        tokens=sum(tokens),
        similarity=_cosines(inputs.texts, vectors) if len(inputs.texts) <= _COMPARED else None,
    )


def _cosines(texts: list[str], vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> Table:
    import pandas

    names = [" ".join(text.split())[:60] for text in texts]
    cosines = np.round((vectors @ vectors.T).astype(np.float64), 3)
    rows = [[name, *row] for name, row in zip(names, cosines.tolist(), strict=True)]
    return Table(pandas.DataFrame(rows, columns=["text", *(str(n) for n in range(1, len(texts) + 1))]), "cosines.csv")
