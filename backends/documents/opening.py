"""Finds the collection that a call names, and fills the one of the examples when it is first asked for."""

from __future__ import annotations

from pathlib import Path

from backends.documents.embedder import Embedder
from backends.documents.fields import EXAMPLES
from backends.documents.indexing import Adder, Source, embed_missing
from backends.documents.library import Library, name_key
from backends.documents.parsers.parsed import Reading
from backends.documents.retrieval import Retriever
from studio.contract import Run
from studio.errors import InvalidInput

_FILES = ("kiln_manual.pdf", "minutes.md", "prices.csv", "house_rules.txt")


def opened(library: Library, name: str, retriever: Retriever, run: Run) -> tuple[int, int]:
    """(id, version) of a collection whose passages all have the vectors of the retriever's model.

    Raises:
        InvalidInput: the owner has no collection of that name.
    """
    embedder = retriever.embedder
    state = library.version(name)
    if state is not None and retriever.indexes.holds(library.database, *state):
        return state
    if is_examples(name):
        fill_examples(library, embedder, run)
        state = library.version(name)
    if state is None:
        raise unknown(library, name)
    if embed_missing(library, state[0], embedder, run.progress):
        run.note("The collection was embedded with this model first; the next question is answered at once.")
        state = library.version(name) or state
    return state


def unknown(library: Library, name: str) -> InvalidInput:
    """The error for a collection that is not there."""
    names = ", ".join(dict.fromkeys([*(collection.name for collection in library.collections()), EXAMPLES]))
    return InvalidInput(
        "There is no such collection.",
        field="collection",
        expected=f"one of {names[:300]}",
        got=name,
        hint="Add files first: that makes the collection.",
    )


def is_examples(name: str) -> bool:
    """Whether a name is that of the collection that everybody has."""
    return name_key(name) == EXAMPLES


def fill_examples(library: Library, embedder: Embedder, run: Run) -> None:
    """Put the example files, which come with the studio, into their collection where it has no files."""
    there = library.collection(EXAMPLES)
    if there is not None and there.documents:
        return
    folder = Path(__file__).parent / "examples"
    sources = [Source(name, (folder / name).read_bytes()) for name in _FILES]
    adder = Adder(
        library,
        library.create(EXAMPLES),
        embedder,
        Reading(check=run.check),
        chunk_tokens=250,
        overlap_tokens=50,
        report=lambda done, note: run.progress(0.5 * done / len(sources), note),
    )
    adder.add(sources)
