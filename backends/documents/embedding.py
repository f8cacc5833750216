"""Texts as vectors, for other programs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backends.documents.embedder import Embedder, Vectors
from backends.documents.text_fields import EmbeddingInputs, EmbeddingOutputs
from studio.contract import Run
from studio.errors import InvalidInput, TooLarge
from studio.media.table import Table

_COMPARED = 20
#: Texts of several calls that are read together.
_AT_ONCE = 64


def embed(embedder: Embedder, inputs: EmbeddingInputs, run: Run) -> EmbeddingOutputs:
    """A vector for each text, and for a few texts how alike they are.

    Raises:
        InvalidInput: a text is empty.
    """
    _check(inputs)
    if inputs.purpose == "question":
        vectors = embedder.queries(inputs.texts)
    else:
        vectors = embedder.passages(inputs.texts, lambda done: run.progress(done / len(inputs.texts)))
    return _answer(embedder, inputs, vectors, embedder.count_tokens(inputs.texts), run)


def embed_all(embedder: Embedder, inputs: Sequence[EmbeddingInputs], runs: Sequence[Run]) -> list[EmbeddingOutputs]:
    """Like `embed` for several calls at once: all their questions in one pass, and all their other texts in another.

    Raises:
        InvalidInput: a text is empty.
        TooLarge: more texts than a moment takes; a call of its own shows how far it is.
    """
    for each in inputs:
        _check(each)
    if sum(len(each.texts) for each in inputs) > _AT_ONCE:
        raise TooLarge("These are too many texts to be read at once.", expected=f"at most {_AT_ONCE} texts")
    vectors = np.empty((sum(len(each.texts) for each in inputs), embedder.dimensions), np.float32)
    asks = np.repeat([each.purpose == "question" for each in inputs], [len(each.texts) for each in inputs])
    texts = [text for each in inputs for text in each.texts]
    for rows, encode in ((np.flatnonzero(asks), embedder.queries), (np.flatnonzero(~asks), embedder.passages)):
        if len(rows):
            vectors[rows] = encode([texts[row] for row in rows])
    tokens = embedder.count_tokens(texts)
    answers, start = [], 0
    for each, run in zip(inputs, runs, strict=True):
        end = start + len(each.texts)
        answers.append(_answer(embedder, each, vectors[start:end], tokens[start:end], run))
        start = end
    return answers


def _check(inputs: EmbeddingInputs) -> None:
    for number, text in enumerate(inputs.texts, 1):
        if not text.strip():
            raise InvalidInput("A text is empty.", field="texts", expected="texts with words", got=f"text {number}")


def _answer(
    embedder: Embedder, inputs: EmbeddingInputs, vectors: Vectors, tokens: Sequence[int], run: Run
) -> EmbeddingOutputs:
    longest = max(tokens)
    if longest > embedder.max_tokens - 2:
        run.note(f"Of a text only the first {embedder.max_tokens} tokens are read; the longest here has {longest:,}.")
    return EmbeddingOutputs(
        vectors=[[round(float(x), 7) for x in row] for row in vectors],
        dimensions=embedder.dimensions,
        tokens=sum(tokens),
        similarity=_cosines(inputs.texts, vectors) if len(inputs.texts) <= _COMPARED else None,
    )


def _cosines(texts: list[str], vectors: Vectors) -> Table:
    import pandas

    names = [" ".join(text.split())[:60] for text in texts]
    cosines = np.round((vectors @ vectors.T).astype(np.float64), 3)
    rows = [[name, *row] for name, row in zip(names, cosines.tolist(), strict=True)]
    return Table(pandas.DataFrame(rows, columns=["text", *(str(n) for n in range(1, len(texts) + 1))]), "cosines.csv")
