"""Adds files to a collection: read, cut into passages, embedded, stored. One bad file never stops the others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from backends.documents.chunking import Chunk, chunks
from backends.documents.embedder import Embedder
from backends.documents.index import searched_text
from backends.documents.library import Library, NewDocument
from backends.documents.parsers.parsed import Parsed, Reading
from backends.documents.parsers.read import read_document
from studio.errors import Cancelled, InvalidInput

#: Passages that are embedded together, and then stored with their documents in one step.
_TOGETHER = 512

State = Literal["added", "known", "failed"]


@dataclass(frozen=True)
class Source:
    """A file to be added, under the name its sender gave it."""

    name: str
    data: bytes


@dataclass
class Outcome:
    """What became of a file. `error` is what was wrong with one that failed."""

    name: str
    state: State
    kind: str = ""
    pages: int = 0
    passages: int = 0
    notes: list[str] = field(default_factory=list)
    error: InvalidInput | None = None


@dataclass(frozen=True)
class _Pending:
    source: Source
    sha256: str
    parsed: Parsed
    chunks: list[Chunk]
    outcome: Outcome

    @property
    def texts(self) -> list[str]:
        """What is embedded of each passage."""
        pages = self.parsed.pages
        return [searched_text(c.headings, pages[c.page].text[c.start : c.end]) for c in self.chunks]


class Adder:
    """Adds files to one collection.

    Args:
        library: the owner's.
        collection_id: where to.
        embedder: makes the vectors, and says how long a passage may be.
        reading: limits, and what reads pictures.
        chunk_tokens, overlap_tokens: size of a passage and what it shares with the next.
        report: told (files done, what is being done); raises to stop. What was stored by then stays.
    """

    def __init__(
        self,
        library: Library,
        collection_id: int,
        embedder: Embedder,
        reading: Reading,
        chunk_tokens: int,
        overlap_tokens: int,
        report: Callable[[float, str], None] = lambda done, note: None,
    ) -> None:
        self._library = library
        self._collection_id = collection_id
        self._embedder = embedder
        self._reading = reading
        self._chunk_tokens = min(chunk_tokens, embedder.max_tokens - 2)
        self._overlap_tokens = min(overlap_tokens, self._chunk_tokens // 2)
        self._report = report
        self._pending: list[_Pending] = []
        self._done = 0

    def add(self, sources: Sequence[Source]) -> list[Outcome]:
        """Add the files; what became of each, in their order."""
        outcomes = []
        for number, source in enumerate(sources):
            self._done = number
            self._report(number, f"Reading {source.name}")
            outcomes.append(self._read(source))
            if sum(len(pending.chunks) for pending in self._pending) >= _TOGETHER:
                self._store()
        self._store()
        return outcomes

    def _read(self, source: Source) -> Outcome:
        sha256 = hashlib.sha256(source.data).hexdigest()
        known = self._library.named(self._collection_id, sha256)
        if known is None:
            known = next((pending.source.name for pending in self._pending if pending.sha256 == sha256), None)
        if known is not None:
            note = "It is in the collection already" + (f", as {known}." if known != source.name else ".")
            return Outcome(source.name, "known", notes=[note])
        try:
            parsed = read_document(source.data, source.name, self._reading)
        except Cancelled:
            raise
        except InvalidInput as fault:
            return Outcome(source.name, "failed", notes=[_told(fault)], error=fault)
        made = list(chunks(parsed.pages, self._embedder.count_tokens, self._chunk_tokens, self._overlap_tokens))
        outcome = Outcome(source.name, "added", parsed.kind, len(parsed.pages), len(made), parsed.notes)
        self._pending.append(_Pending(source, sha256, parsed, made, outcome))
        return outcome

    def _store(self) -> None:
        """Embed what was read and store it in one step."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        texts = [text for document in pending for text in document.texts]
        note = f"Embedding {len(texts):,} passages"
        vectors = self._embedder.passages(texts, lambda done: self._report(self._done + done / len(texts), note))
        documents, at = [], 0
        for document in pending:
            until = at + len(document.chunks)
            documents.append(
                NewDocument(
                    document.source.name,
                    document.source.data,
                    document.sha256,
                    document.parsed,
                    document.chunks,
                    vectors[at:until],
                )
            )
            at = until
        names = self._library.add(self._collection_id, documents, self._embedder.name)
        for document in pending:
            name = names[document.sha256]
            if name != document.outcome.name:
                document.outcome.notes.append(f"Another file has that name; this one is called {name}.")
                document.outcome.name = name


def embed_missing(
    library: Library, collection_id: int, embedder: Embedder, report: Callable[[float, str], None]
) -> bool:
    """Make the vectors of passages that another model has embedded; whether there were any.

    Args:
        report: told (share done, what is being done); raises to stop. What was made by then stays.
    """
    missing = library.not_embedded(collection_id, embedder.name)
    for start in range(0, len(missing), _TOGETHER):
        report(start / len(missing), f"Embedding {len(missing):,} passages with another model")
        part = missing[start : start + _TOGETHER]
        vectors = embedder.passages([searched_text(headings, text) for _, headings, text in part])
        library.add_vectors(collection_id, [chunk_id for chunk_id, _, _ in part], vectors, embedder.name)
    return bool(missing)


def _told(fault: InvalidInput) -> str:
    return f"{fault.message} {fault.hint}" if fault.hint else fault.message
