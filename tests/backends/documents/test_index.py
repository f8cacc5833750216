"""The search index: what is found, snapshots, a killed process, and that adding a file does not make all anew."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from backends.documents import index as index_module
from backends.documents import vectors as vectors_module
from backends.documents.index import Index, Indexes
from backends.documents.lexical import Segment, Segments, Stemmer
from backends.documents.library import Library
from backends.documents.retrieval import Retriever
from backends.documents.vectors import VectorIndex, kind_for
from tests.backends.documents.conftest import WordEmbedder, add
from tests.conftest import ROOT


def state(library: Library, name: str = "c") -> tuple[int, int]:
    found = library.version(name)
    assert found is not None
    return found


def facts(count: int, start: int = 0) -> dict[str, str]:
    return {f"{n}.txt": f"Lighthouse number {n} stands on island{n}." for n in range(start, start + count)}


def search(retriever: Retriever, library: Library, question: str, count: int = 3, *, hybrid: bool = True) -> list[str]:
    found = retriever.search(library, *state(library), question, count, hybrid=hybrid)
    return [hit.passage.document for hit in found.hits]


@pytest.fixture
def retriever(embedder: WordEmbedder) -> Retriever:
    return Retriever(embedder)  # type: ignore[arg-type]


# words


def test_segments_together_score_as_one_index() -> None:
    texts = [["red", "fox", "fox"], ["red", "hen"], ["fox", "den"], ["red", "red", "hen", "pen"], ["owl"]]
    whole = Segments([Segment.of([1, 2, 3, 4, 5], texts)])
    parts = Segments([Segment.of([1, 2, 3], texts[:3]), Segment.of([4, 5], texts[3:])])
    ids = np.arange(1, 6)
    for weights in ({"red": 1.0}, {"fox": 1.0, "hen": 0.5}, {"owl": 1.0, "missing": 1.0}):
        together, apart = whole.scores_of(ids, weights), parts.scores_of(ids, weights)
        assert np.argsort(-together, kind="stable").tolist() == np.argsort(-apart, kind="stable").tolist()
        assert np.allclose(together, apart, rtol=0.25)  # the mean length of a passage is each segment's own
    assert whole.idf("red") == pytest.approx(parts.idf("red"))
    assert set(parts.best({"red": 1.0}, 5).tolist()) == {1, 2, 4}


def test_a_segment_without_words() -> None:
    empty = Segment.of([], [])
    assert Segments([empty]).best({"x": 1.0}, 3).tolist() == []
    assert Segment.of([7], [[]]).scores([("x", 1.0)]).tolist() == [0.0]


def test_stems() -> None:
    assert Stemmer()("The kilns' firing isn't Müller\u2019s 1280 °C") == [
        "kiln",
        "fire",
        "isn't",
        "müller",
        "1280",
        "c",
    ]


# vectors


@pytest.mark.parametrize("kind", ["exact", "HNSW", "IVF"])
def test_every_kind_of_index_finds_adds_and_saves(kind: vectors_module.Kind, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((600, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = VectorIndex.of(np.arange(10, 510), vectors[:500], kind)
    copy = made.copy()
    copy.add(np.arange(510, 610), vectors[500:])
    assert len(made.ids) == 500
    copy.save(tmp_path)
    loaded = VectorIndex.load(tmp_path, kind)
    for chunk_id in (10, 300, 605):
        ids, cosines = loaded.search(vectors[chunk_id - 10], 3)
        assert ids[0] == chunk_id
        assert cosines[0] == pytest.approx(1, abs=1e-5)
    here, found = loaded.reconstruct(np.array([9, 10, 300, 605, 610]))
    assert here.tolist() == [False, True, True, True, False]
    assert np.allclose(found, vectors[[0, 290, 595]])
    assert loaded.nbytes > 600 * 16 * 4


def test_the_kind_follows_the_size() -> None:
    assert [kind_for(n) for n in (10, 20_000, 20_001, 2_000_001)] == ["exact", "exact", "HNSW", "IVF"]


# collections


def test_words_find_what_vectors_do_not_and_the_reverse(library: Library, retriever: Retriever) -> None:
    add(library, facts(30), retriever.embedder)  # type: ignore[arg-type]
    assert search(retriever, library, "island17")[0] == "17.txt"
    assert search(retriever, library, "island17", hybrid=False)[0] == "17.txt"
    assert search(retriever, library, "zzz")  # nothing fits: the nearest all the same
    assert len(search(retriever, library, "Lighthouse", 50)) == 30


def test_an_empty_collection(library: Library, retriever: Retriever) -> None:
    library.create("c")
    assert search(retriever, library, "anything") == []


def test_a_snapshot_and_what_came_later_are_searched_together(
    library: Library, retriever: Retriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "SNAPSHOT_AFTER", 10)
    add(library, facts(12), retriever.embedder)  # type: ignore[arg-type]
    index = retriever.indexes.refresh(library.database, *state(library))
    assert index.snapshot is not None
    assert (len(index.snapshot.vectors.ids), len(index.tail_ids)) == (12, 0)
    add(library, facts(5, start=12), retriever.embedder)  # type: ignore[arg-type]
    index = retriever.indexes.refresh(library.database, *state(library))
    assert (len(index.snapshot.vectors.ids), len(index.tail_ids)) == (12, 5)  # type: ignore[union-attr]
    assert search(retriever, library, "island3")[0] == "3.txt"
    assert search(retriever, library, "island14")[0] == "14.txt"


def test_what_is_removed_is_not_found_any_more(
    library: Library, retriever: Retriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "SNAPSHOT_AFTER", 10)
    add(library, facts(12), retriever.embedder)  # type: ignore[arg-type]
    retriever.indexes.refresh(library.database, *state(library))
    library.remove(state(library)[0], "3.txt")
    assert "3.txt" not in search(retriever, library, "island3", 20)
    for n in range(4, 9):
        library.remove(state(library)[0], f"{n}.txt")
    index = retriever.indexes.refresh(library.database, *state(library))
    assert len(index.snapshot.vectors.ids) == 6  # type: ignore[union-attr]
    assert len(list((library.database.folder / "snapshots").iterdir())) == 1


def test_adding_a_file_embeds_that_file_alone(library: Library, retriever: Retriever) -> None:
    embedder = retriever.embedder
    add(library, facts(40), embedder)  # type: ignore[arg-type]
    before = embedder.embedded  # type: ignore[attr-defined]
    add(library, facts(1, start=40), embedder)  # type: ignore[arg-type]
    assert embedder.embedded == before + 1  # type: ignore[attr-defined]


def test_a_graph_is_continued(library: Library, retriever: Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "SNAPSHOT_AFTER", 10)
    monkeypatch.setattr(vectors_module, "EXACT_UNTIL", 20)
    add(library, facts(30), retriever.embedder)  # type: ignore[arg-type]
    first = retriever.indexes.refresh(library.database, *state(library))
    assert first.kind == "HNSW"
    made: list[int] = []
    monkeypatch.setattr(VectorIndex, "of", lambda *a: made.append(1))
    add(library, facts(12, start=30), retriever.embedder)  # type: ignore[arg-type]
    second = retriever.indexes.refresh(library.database, *state(library))
    assert made == []
    assert len(second.snapshot.vectors.ids) == 42  # type: ignore[union-attr]
    assert search(retriever, library, "island35")[0] == "35.txt"


def test_a_lost_or_damaged_snapshot_changes_no_answer(
    library: Library, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "SNAPSHOT_AFTER", 5)
    add(library, facts(20), embedder)
    Retriever(embedder).indexes.refresh(library.database, *state(library))  # type: ignore[arg-type]
    [folder] = (library.database.folder / "snapshots").iterdir()
    (folder / "vectors.faiss").write_bytes(b"damaged")
    assert search(Retriever(embedder), library, "island7")[0] == "7.txt"  # type: ignore[arg-type]
    shutil.rmtree(folder)
    fresh = Retriever(embedder)  # type: ignore[arg-type]
    assert search(fresh, library, "island7")[0] == "7.txt"
    assert fresh.indexes.refresh(library.database, *state(library)).snapshot is not None


def test_a_snapshot_that_another_thread_has_overtaken_is_dropped(library: Library, embedder: WordEmbedder) -> None:
    add(library, facts(8), embedder)
    indexes = Indexes(embedder.name, embedder.dimensions)
    index = indexes.of(library.database, *state(library))
    whole = indexes._whole

    def overtaken(database: object, collection_id: int) -> Index:
        indexes._whole = whole  # type: ignore[method-assign]
        indexes._write(library.database, collection_id, index, anew=True)
        return whole(library.database, collection_id)

    indexes._whole = overtaken  # type: ignore[method-assign, assignment]
    indexes._write(library.database, state(library)[0], index, anew=True)
    with library.database.reading() as connection:
        rows = connection.execute("SELECT generation, folder FROM snapshot").fetchall()
    assert [row[0] for row in rows] == [1]
    assert [path.name for path in (library.database.folder / "snapshots").iterdir()] == [rows[0][1]]


def test_only_so_much_memory_is_kept(tmp_path: Path, embedder: WordEmbedder) -> None:
    indexes = Indexes(embedder.name, embedder.dimensions, budget_bytes=1)
    libraries = [Library(tmp_path / name) for name in ("one", "two")]
    for one in libraries:
        add(one, facts(3), embedder)
        indexes.of(one.database, *state(one))
    assert [indexes.holds(one.database, *state(one)) for one in libraries] == [False, True]


_ADDS_UNTIL_KILLED = """
import sys
from pathlib import Path
from backends.documents import index as index_module
from backends.documents.index import Indexes
from backends.documents.library import Library
from tests.backends.documents.conftest import WordEmbedder, add

index_module.SNAPSHOT_AFTER, index_module.SNAPSHOT_SHARE = 3, 0.0
library, embedder = Library(Path(sys.argv[1])), WordEmbedder()
indexes = Indexes(embedder.name, embedder.dimensions)
for n in range(int(sys.argv[2]), 100_000):
    add(library, {f"{n}.txt": f"Lighthouse number {n} stands on island{n}. " * 30}, embedder)
    indexes.refresh(library.database, *library.version("c"))
    if n % 7 == 6:
        library.remove(library.version("c")[0], f"{n - 3}.txt")
    print(n, flush=True)
"""


@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_a_whole_library(tmp_path: Path) -> None:
    folder, embedder, rng = tmp_path / "storage", WordEmbedder(), np.random.default_rng(1)
    seen = 0
    for _ in range(8):
        command = [sys.executable, "-c", _ADDS_UNTIL_KILLED, str(folder), str(seen)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(6):
                assert process.stdout.readline().strip().isdigit()
            time.sleep(float(rng.uniform(0.0, 0.5)))
            process.send_signal(signal.SIGKILL)
        library = Library(folder)
        with library.database.reading() as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            [vectors] = connection.execute("SELECT COUNT(*) FROM vector").fetchone()
            names = [row[0] for row in connection.execute("SELECT folder FROM snapshot")]
        documents = library.documents(state(library)[0])
        assert vectors == sum(document.chunks for document in documents)
        for name in names:
            assert (folder / "snapshots" / name / "vectors.faiss").is_file()
        for document in documents:
            library.data(document)
            n = document.name.removesuffix(".txt")
            assert search(Retriever(embedder), library, f"island{n}")[0] == document.name  # type: ignore[arg-type]
        seen = 1 + max((int(document.name.removesuffix(".txt")) for document in documents), default=seen)
    assert seen >= 48
