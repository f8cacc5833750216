"""What is done for each document task, with one embedding model; the same for every such model."""

from __future__ import annotations

from collections.abc import Sequence

from backends.documents.answers import Extractor
from backends.documents.conversation import Conversation
from backends.documents.embedder import Embedder
from backends.documents.embedding import embed, embed_all
from backends.documents.evaluation import evaluate
from backends.documents.evidence import Judge, Reader
from backends.documents.fields import (
    ChatInputs,
    ChatOutputs,
    EvaluationInputs,
    IndexInputs,
    IndexOutputs,
    PageInputs,
    PageOutputs,
    SearchInputs,
    SearchOutputs,
)
from backends.documents.indexing import Adder, Outcome, Source
from backends.documents.library import Library
from backends.documents.opening import fill_examples, is_examples, opened, unknown
from backends.documents.parsers.parsed import Reading
from backends.documents.places import show_page
from backends.documents.ranking import RERANKED, by_meaning, ranking, reranked
from backends.documents.recognition import recogniser
from backends.documents.retrieval import Found, Retriever
from backends.documents.searching import OWN_MODEL, hits_of, searched_for
from backends.documents.text_fields import EmbeddingInputs, EmbeddingOutputs, RankingInputs
from studio.contract import Inputs, Outputs, Run
from studio.errors import InvalidInput
from studio.media.base import Limits
from studio.media.table import Table
from studio.settings import Settings


class Documents:
    """The document tasks over one embedding model.

    Args:
        embedder: the loaded model.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.retriever = Retriever(embedder)
        self.extractor = Extractor(Reader(embedder), Judge.load())
        self._limits = Limits.of(Settings())

    def __call__(self, inputs: Inputs, run: Run) -> Outputs:
        """Do what the type of the inputs asks for. Raises TypeError for inputs of another family."""
        match inputs:
            case ChatInputs():
                return self._chat(inputs, run)
            case IndexInputs():
                return self._index(inputs, run)
            case SearchInputs():
                return self._search(inputs, run)
            case PageInputs():
                return self._page(inputs, run)
            case EvaluationInputs():
                return evaluate(self, inputs, run)
            case EmbeddingInputs():
                return embed(self.embedder, inputs, run)
            case RankingInputs():
                return ranking(inputs.texts, by_meaning(self.embedder, inputs))
        raise TypeError(f"no document task has inputs of type {type(inputs).__name__}")

    def many(self, inputs: Sequence[EmbeddingInputs], runs: Sequence[Run]) -> list[EmbeddingOutputs]:
        """Several calls of text embedding in one pass; see `studio.contract.BatchBackend`."""
        return embed_all(self.embedder, inputs, runs)

    def find(
        self, library: Library, collection: str, question: str, count: int, run: Run, *, hybrid: bool, rerank: bool
    ) -> Found:
        """The passages of a collection for a question. Raises InvalidInput where there is no such collection."""
        collection_id, version = opened(library, collection, self.retriever, run)
        run.check()
        candidates = max(count, RERANKED) if rerank else count
        found = self.retriever.search(library, collection_id, version, question, candidates, hybrid=hybrid)
        return reranked(found, question, count, run) if rerank else found

    def _chat(self, inputs: ChatInputs, run: Run) -> ChatOutputs:
        library = Library(run.storage)
        conversation = Conversation.of(inputs, run)
        searched = conversation.standalone(inputs.question)
        found = self.find(
            library,
            inputs.collection,
            searched,
            inputs.passages,
            run,
            hybrid=inputs.hybrid,
            rerank=inputs.rerank and inputs.search_model == OWN_MODEL,
        )
        hits = found.hits if inputs.search_model == OWN_MODEL else hits_of(searched_for(inputs, searched, run))
        run.progress(0.6, "Reading the passages")
        answer = self.extractor.answer(searched, hits, found.idf, inputs.question)
        chat = conversation.add(inputs, searched, answer.text, answer.citations)
        return ChatOutputs(
            answer=answer.text, found=answer.found, citations=answer.citations, searched=searched, chat=chat
        )

    def _search(self, inputs: SearchInputs, run: Run) -> SearchOutputs:
        library = Library(run.storage)
        found = self.find(
            library,
            inputs.collection,
            inputs.question,
            inputs.passages,
            run,
            hybrid=inputs.hybrid,
            rerank=inputs.rerank,
        )
        ranked, relevance = self.extractor.ranked(inputs.question, found.hits, found.idf)
        return SearchOutputs(
            passages=self.extractor.citations(ranked, found.hits), relevance=round(relevance, 4), how=found.how
        )

    def _page(self, inputs: PageInputs, run: Run) -> PageOutputs:
        library = Library(run.storage)
        if is_examples(inputs.collection):
            fill_examples(library, self.embedder, run)
        state = library.version(inputs.collection)
        if state is None:
            raise unknown(library, inputs.collection)
        document = library.document(state[0], inputs.document)
        if document is None:
            raise InvalidInput(
                "There is no such file in the collection.",
                field="document",
                expected=", ".join(one.name for one in library.documents(state[0]))[:300] or "a file; there is none",
                got=inputs.document,
            )
        return show_page(library, document, inputs, run)

    def _index(self, inputs: IndexInputs, run: Run) -> IndexOutputs:
        library = Library(run.storage)
        name = " ".join(inputs.collection.split())
        if not name:
            raise InvalidInput(
                "The name is empty.", field="collection", expected="1 to 80 characters", got="only spaces"
            )
        if is_examples(name):
            fill_examples(library, self.embedder, run)
        sources = [Source(file.name or f"file {number}", file.data) for number, file in enumerate(inputs.files, 1)]
        existed = library.version(name) is not None
        collection_id = library.create(name)
        adder = Adder(
            library,
            collection_id,
            self.embedder,
            Reading(self._limits, recogniser(run), run.check),
            inputs.chunk_tokens,
            inputs.overlap_tokens,
            lambda done, note: run.progress(0.95 * done / len(sources), note),
        )
        outcomes = adder.add(sources)
        if not existed and all(outcome.state == "failed" for outcome in outcomes):
            library.delete(name)
        failed = [outcome for outcome in outcomes if outcome.error is not None]
        if len(failed) == len(outcomes):
            raise _none_read(failed)
        run.progress(0.97, "Writing the index")
        state = library.version(name)
        index = self.retriever.indexes.refresh(library.database, *state) if state else None
        return _told(name, outcomes, len(index.ids) if index else 0)


def _none_read(failed: list[Outcome]) -> InvalidInput:
    """The first file's own error where none could be read."""
    first = failed[0].error
    assert first is not None
    others = "" if len(failed) == 1 else f" None of the {len(failed)} files could be read."
    return type(first)(
        f"{failed[0].name[:80]}: {first.message}{others}",
        field="files",
        expected=first.expected,
        got=first.got,
        hint=first.hint,
    )


def _told(name: str, outcomes: list[Outcome], passages: int) -> IndexOutputs:
    import pandas

    counts = {state: sum(one.state == state for one in outcomes) for state in ("added", "known", "failed")}
    parts = [f"{counts['added']} {'file' if counts['added'] == 1 else 'files'} added to {name}"]
    parts += [f"{counts['known']} there already"] if counts["known"] else []
    parts += [f"{counts['failed']} could not be read"] if counts["failed"] else []
    rows = [(one.name, one.state, one.kind, one.pages, one.passages, " ".join(one.notes)) for one in outcomes]
    return IndexOutputs(
        message=", ".join(parts) + ".",
        collection=name,
        added=counts["added"],
        passages=passages,
        files=Table(
            pandas.DataFrame(rows, columns=["file", "result", "format", "pages", "passages", "note"]), "files.csv"
        ),
        notes=[f"{one.name}: {note}" for one in outcomes for note in one.notes if one.state != "known"],
    )
