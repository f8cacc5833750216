"""Asks the search task for the passages of a question: for answers whose own model does not search."""

from __future__ import annotations

from collections.abc import Sequence

from backends.documents.fields import ChatInputs, Citation, SearchOutputs
from backends.documents.library import Passage
from backends.documents.retrieval import Hit
from studio.contract import Run

#: The adapter whose vectors the extractive answers have at hand.
OWN_MODEL = "minilm"

_SHARE = 0.3


def searched_for(inputs: ChatInputs, searched: str, run: Run) -> list[Citation]:
    """The passages for a question of a chat, as the task `document_search` finds them with the model asked for.

    Raises:
        InvalidInput: the collection is unknown.
        WeightsUnavailable: the model's weights are not here.
    """
    found = run.call(
        "document_search",
        {
            "collection": inputs.collection,
            "question": searched,
            "passages": inputs.passages,
            "hybrid": inputs.hybrid,
            "rerank": inputs.rerank,
        },
        adapter=inputs.search_model,
        until=_SHARE,
    )
    assert isinstance(found, SearchOutputs)
    return found.passages


def hits_of(passages: Sequence[Citation]) -> list[Hit]:
    """Passages that another model has found, as hits; of their scores only the order is known."""
    return [
        Hit(
            Passage(
                one.number,
                0,
                one.collection,
                one.document,
                one.page_index,
                one.page,
                *one.passage_span,
                tuple(one.headings),
                one.passage,
            ),
            score=-_STEP * rank,
            cosine=None,
            bm25=0.0,
        )
        for rank, one in enumerate(passages)
    ]


#: How far apart two passages that follow each other are in a search of our own, about.
_STEP = 0.05
