"""Puts texts in order for a question: by their vectors, or read together with it by a cross-encoder.

Nogueira and Cho 2019, "Passage re-ranking with BERT", arXiv:1901.04085.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backends.documents.embedder import Embedder
from backends.documents.retrieval import Found
from backends.documents.text_fields import RankingInputs, RankingOutputs
from studio.contract import Inputs, Run
from studio.media.table import Table
from studio.weights import Weights

#: How many passages of a search a cross-encoder reads.
RERANKED = 30
_BATCH = 16


class CrossEncoderRanking:
    """A cross-encoder of the sentence-transformers library.

    Args:
        weights: the model's folder, found by its `model` file.
        device: "cpu", "cuda" or "mps".
    """

    def __init__(self, weights: Weights, device: str) -> None:
        from sentence_transformers import CrossEncoder

        self._model = CrossEncoder(str(weights.path().parent), device=device, local_files_only=True)

    def __call__(self, inputs: Inputs, run: Run) -> RankingOutputs:
        """Read each text together with the question. Raises TypeError for inputs of another task."""
        if not isinstance(inputs, RankingInputs):
            raise TypeError(f"nothing to rank in inputs of type {type(inputs).__name__}")
        scores: list[float] = []
        for start in range(0, len(inputs.texts), _BATCH):
            run.progress(start / len(inputs.texts), f"Reading {len(inputs.texts)} texts")
            pairs = [(inputs.question, text) for text in inputs.texts[start : start + _BATCH]]
            scores += self._model.predict(pairs, batch_size=_BATCH, show_progress_bar=False).tolist()
        return ranking(inputs.texts, scores)


def by_meaning(embedder: Embedder, inputs: RankingInputs) -> list[float]:
    """The cosine of each text with the question."""
    cosines: list[float] = (embedder.passages(inputs.texts) @ embedder.query(inputs.question)).tolist()
    return cosines


def ranking(texts: Sequence[str], scores: Sequence[float]) -> RankingOutputs:
    """Texts by their scores, the highest first."""
    import pandas

    order = np.argsort(-np.asarray(scores), kind="stable").tolist()
    rows = [(place, round(scores[i], 4), texts[i]) for place, i in enumerate(order, 1)]
    table = Table(pandas.DataFrame(rows, columns=["place", "score", "text"]), "ranking.csv")
    return RankingOutputs(order=order, scores=[round(score, 6) for score in scores], ranking=table)


def reranked(found: Found, question: str, count: int, run: Run) -> Found:
    """The best of what was found after the task `text_ranking` has read it.

    The hits keep the scores of their new places, so that what follows sees such scores as it knows.

    Raises:
        WeightsUnavailable: the cross-encoder's weights are not here.
    """
    if not found.hits:
        return found
    texts = [hit.passage.text for hit in found.hits]
    answer = run.call("text_ranking", {"question": question, "texts": texts}, adapter="cross_encoder")
    assert isinstance(answer, RankingOutputs)
    scores = sorted((hit.score for hit in found.hits), reverse=True)
    hits = [replace(found.hits[i], score=score) for i, score in zip(answer.order, scores, strict=True)]
    return replace(found, hits=hits[:count], how=f"{found.how}, then the best {len(texts)} read by a cross-encoder")
