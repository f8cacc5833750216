"""What the document search costs over the bare embedding and vector search, as ratios within one run.

`python -m bench.documents_speed`; names select: `index`, `query`, `large`. Data: Cranfield's 1,400 abstracts
(ATELIER_DATA); the large collection is 200,000 synthetic passages with vectors that are made up. Exit status 1 if a
ratio misses its bound, 2 without the data.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from backends.documents.chunking import Chunk
from backends.documents.embedder import Embedder
from backends.documents.indexing import Adder, Source
from backends.documents.library import Library, NewDocument
from backends.documents.parsers.parsed import Page, Parsed, Reading
from backends.documents.retrieval import Retriever
from bench.tables import Ratio, median
from recipes.documents import cranfield, load_embedder
from studio.settings import Settings

_ROUNDS = 3
_LOT = 100
_LARGE, _OF_LARGE_AT_ONCE = 200_000, 2_000
_WORDS_OF_LARGE = 60


def index(data: Path, embedder: Embedder) -> list[Ratio]:
    """Seconds to index 1,400 documents over those of encoding the same passages and nothing else, lot by lot.

    The machine's own speed wanders by more than the difference; both are timed within seconds of each other, the one
    or the other first in turn.
    """
    documents, _, _ = cranfield(data)
    sources = [Source(f"{name}.txt", text.encode()) for name, text in documents.items() if text.strip()]
    with tempfile.TemporaryDirectory() as folder:
        library, retriever = Library(Path(folder) / "timed"), Retriever(embedder)
        texts = _passages_of_lots(Path(folder) / "before", sources, embedder)

        def ours(number: int) -> None:
            adder = Adder(library, library.create("c"), embedder, Reading(), 250, 50)
            adder.add(sources[number * _LOT : (number + 1) * _LOT])
            retriever.indexes.refresh(library.database, *_state(library))

        def bare(number: int) -> None:
            embedder._model.encode(texts[number], batch_size=32, normalize_embeddings=True, show_progress_bar=False)

        times = []
        for number in range(len(texts)):
            both = {call: _seconds(call, number) for call in ((ours, bare) if number % 2 else (bare, ours))}
            times.append((both[ours], both[bare]))
    ratios = [a / b for a, b in times]
    totals = [sum(column) for column in zip(*times, strict=True)]
    detail = f"{totals[0]:.1f} s over {totals[1]:.1f} s in all, {sum(map(len, texts)):,} passages, {len(texts)} lots"
    return [Ratio("indexing 1,400 documents over the bare encoding", ratios, at_most=1.10, detail=detail)]


def _passages_of_lots(folder: Path, sources: Sequence[Source], embedder: Embedder) -> list[list[str]]:
    """The passages that come of each lot of documents."""
    library = Library(folder)
    collection, lots, last = library.create("c"), [], 0
    for start in range(0, len(sources), _LOT):
        Adder(library, collection, embedder, Reading(), 250, 50).add(sources[start : start + _LOT])
        with library.database.reading() as connection:
            rows = connection.execute("SELECT id, text FROM chunk WHERE id > ? ORDER BY id", (last,)).fetchall()
        lots.append([text for _, text in rows])
        last = rows[-1][0]
    return lots


def _seconds(call: Callable[[int], None], number: int) -> float:
    begun_s = time.perf_counter()
    call(number)
    return time.perf_counter() - begun_s


def query(data: Path, embedder: Embedder) -> list[Ratio]:
    """Milliseconds of a search over those of encoding the question and searching FAISS, query by query."""
    import faiss

    documents, queries, _ = cranfield(data)
    with tempfile.TemporaryDirectory() as folder:
        library, retriever, vectors = _collection(Path(folder), documents, embedder)
        flat = faiss.IndexFlatIP(embedder.dimensions)
        flat.add(vectors)
        ours, bare = [], []
        for _, text in queries:
            ours.append(_search_ms(library, retriever, text))
            begun_s = time.perf_counter()
            flat.search(embedder._model.encode([text], normalize_embeddings=True, show_progress_bar=False), 10)
            bare.append((time.perf_counter() - begun_s) * 1e3)
    ratio = median(ours) / median(bare)
    detail = f"{median(ours):.2f} ms over {median(bare):.2f} ms"
    return [Ratio("query p50 over bare encoding and FAISS", [ratio], at_most=1.3, detail=detail)]


def large(data: Path, embedder: Embedder) -> list[Ratio]:
    """The 95th percentile of a search in 200,000 passages over that in 1,400 documents.

    And the seconds until a file that is added to the 200,000 is found, over those of making their index anew.
    """
    documents, queries, _ = cranfield(data)
    with tempfile.TemporaryDirectory() as folder:
        small = _collection(Path(folder) / "small", documents, embedder)[:2]
        before = psutil.Process().memory_info().rss
        library, retriever, made_s = _synthetic(Path(folder) / "large", embedder)
        memory_mb = (psutil.Process().memory_info().rss - before) / 1e6
        held_mb = retriever.indexes.of(library.database, *_state(library)).nbytes / 1e6
        percentiles = []
        for pair in (small, (library, retriever)):
            times = [_search_ms(*pair, text) for _, text in queries]
            percentiles.append(float(np.percentile(times, 95)))
        added = [_add_one(library, retriever, embedder, str(n)) for n in range(_ROUNDS)]
    detail = (
        f"{percentiles[1]:.1f} ms over {percentiles[0]:.1f} ms; index {held_mb:.0f} MB, process +{memory_mb:.0f} MB"
    )
    took = f"{median(added):.2f} s over {made_s:.0f} s"
    anew = [one / made_s for one in added]
    return [
        Ratio("query p95, 200,000 passages over 1,400", [percentiles[1] / percentiles[0]], at_most=3, detail=detail),
        Ratio("adding one file to 200,000 passages over all anew", anew, at_most=0.05, detail=took),
    ]


def _collection(folder: Path, documents: dict[str, str], embedder: Embedder) -> tuple[Library, Retriever, Any]:
    """Cranfield as a collection, searched once, and its vectors (N, D)."""
    library, retriever = Library(folder), Retriever(embedder)
    sources = [Source(f"{name}.txt", text.encode()) for name, text in documents.items() if text.strip()]
    Adder(library, library.create("c"), embedder, Reading(), 250, 50).add(sources)
    made = retriever.indexes.refresh(library.database, *_state(library))
    retriever.search(library, *_state(library), "warm up", 10)
    return library, retriever, made.vectors_of(made.ids)


def _synthetic(folder: Path, embedder: Embedder) -> tuple[Library, Retriever, float]:
    """200,000 passages of words drawn by Zipf's law, with vectors around random centres.

    The last value is how many seconds the index took, with passages and vectors in the database already.
    """
    rng = np.random.default_rng(0)
    library, retriever = Library(folder), Retriever(embedder)
    collection = library.create("c")
    words = np.array([f"word{n}" for n in range(50_000)])
    centres = rng.standard_normal((500, embedder.dimensions)).astype(np.float32)
    for part in range(_LARGE // _OF_LARGE_AT_ONCE):
        library.add(collection, [_document(part, rng, words, centres)], embedder.name)
    begun_s = time.perf_counter()
    retriever.indexes.refresh(library.database, *_state(library))
    made_s = time.perf_counter() - begun_s
    retriever.search(library, *_state(library), "warm up", 10)
    return library, retriever, made_s


def _document(part: int, rng: np.random.Generator, words: Any, centres: Any) -> NewDocument:
    drawn = np.minimum(rng.zipf(1.3, (_OF_LARGE_AT_ONCE, _WORDS_OF_LARGE)) - 1, len(words) - 1)
    texts = [" ".join(row) for row in words[drawn]]
    starts = np.cumsum([0, *(len(text) + 1 for text in texts)])
    chunks = [Chunk(0, int(a), int(a) + len(t), (), _WORDS_OF_LARGE) for a, t in zip(starts, texts, strict=False)]
    vectors = centres[rng.integers(len(centres), size=len(texts))]
    vectors = vectors + rng.standard_normal(vectors.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    text = " ".join(texts)
    return NewDocument(
        f"{part}.txt", text.encode(), f"{part:064x}", Parsed("text", [Page(None, text)]), chunks, vectors
    )


def _add_one(library: Library, retriever: Retriever, embedder: Embedder, name: str) -> float:
    """Seconds to add a file of one passage and to search it."""
    begun_s = time.perf_counter()
    source = Source(f"new{name}.txt", f"One more short document, number {name}, about a lighthouse.".encode())
    Adder(library, _state(library)[0], embedder, Reading(), 250, 50).add([source])
    retriever.indexes.refresh(library.database, *_state(library))
    found = retriever.search(library, *_state(library), f"lighthouse number {name}", 10)
    assert any(hit.passage.document == source.name for hit in found.hits)
    return time.perf_counter() - begun_s


def _state(library: Library) -> tuple[int, int]:
    state = library.version("c")
    assert state is not None
    return state


def _search_ms(library: Library, retriever: Retriever, text: str) -> float:
    begun_s = time.perf_counter()
    retriever.search(library, *_state(library), text, 10)
    return (time.perf_counter() - begun_s) * 1e3


FIGURES: dict[str, Callable[[Path, Embedder], list[Ratio]]] = {"index": index, "query": query, "large": large}


def main(names: Iterable[str]) -> int:
    """Measure and print; 1 if a bound is missed, 2 for a name that is not known or missing data."""
    chosen: Sequence[str] = list(names) or list(FIGURES)
    unknown = [name for name in chosen if name not in FIGURES]
    settings = Settings()
    if unknown or settings.data is None or not (settings.data / "cranfield" / "docs.jsonl.gz").is_file():
        known = f"known: {', '.join(FIGURES)}; ATELIER_DATA must have cranfield/docs.jsonl.gz"
        print(known, file=sys.stderr)
        return 2
    embedder = load_embedder()
    missed = False
    print(f"{'figure':<52}{'median':>8}{'min':>8}{'max':>8}{'bound':>9}  detail")
    for name in chosen:
        for ratio in FIGURES[name](settings.data, embedder):
            print(ratio.row(), flush=True)
            missed = missed or not ratio.met
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
