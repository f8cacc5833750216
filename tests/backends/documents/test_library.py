"""Collections: adding, duplicates, removal, renaming; two threads at once; nothing left of what was deleted."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from backends.documents.chats import Chats, Turn, as_markdown
from backends.documents.database import MIGRATIONS, Database
from backends.documents.fields import Citation
from backends.documents.indexing import embed_missing
from backends.documents.library import Library, NameTaken
from studio.database import DatabaseTooNew
from tests.backends.documents.conftest import WordEmbedder, add

MARS = "# Mars\n\nMars has two moons, Phobos and Deimos. Its day lasts a little over 24 hours."
VENUS = "# Venus\n\nVenus has no moon at all. It turns backwards."


def test_files_are_added_with_their_places(library: Library) -> None:
    [mars, venus] = add(library, {"mars.md": MARS, "venus.md": VENUS})
    assert (mars.state, mars.kind, mars.pages, mars.passages) == ("added", "markdown", 1, 1)
    assert venus.state == "added"
    collection = library.collection("C ")
    assert collection is not None
    assert (collection.name, collection.documents, collection.chunks) == ("c", 2, 2)
    document = library.document(collection.id, "mars.md")
    assert document is not None
    assert library.data(document) == MARS.encode()
    assert library.pages(document.id)[0].text.startswith("Mars\n\nMars has two moons")
    [passage] = library.passages([1])
    assert (passage.document, passage.page, passage.start, passage.headings) == ("mars.md", None, 0, ("Mars",))
    assert library.pages(document.id)[0].text[passage.start : passage.end] == passage.text


def test_the_same_file_is_added_once(library: Library) -> None:
    add(library, {"mars.md": MARS})
    [again, copy, new] = add(library, {"mars.md": MARS, "copy.md": MARS, "venus.md": VENUS})
    assert (again.state, copy.state, new.state) == ("known", "known", "added")
    assert "as mars.md" in copy.notes[0]
    [one, two] = add(Library(library.database.folder), {"x.md": "Twice.", "y.md": "Twice."}, collection="d")
    assert (one.state, two.state) == ("added", "known")


def test_another_file_of_the_same_name_gets_a_number(library: Library) -> None:
    add(library, {"a.md": MARS})
    [outcome] = add(library, {"a.md": VENUS})
    assert outcome.name == "a (2).md"
    assert outcome.notes == ["Another file has that name; this one is called a (2).md."]


def test_one_bad_file_does_not_stop_the_others(library: Library) -> None:
    outcomes = add(library, {"a.md": MARS, "empty.txt": b"", "b.pdf": b"%PDF-1.4 broken", "c.md": VENUS})
    assert [one.state for one in outcomes] == ["added", "failed", "failed", "added"]
    assert outcomes[1].notes == ["The file is empty."]
    assert library.collection("c").documents == 2  # type: ignore[union-attr]


def test_what_is_removed_is_gone_from_the_disk(library: Library) -> None:
    secret = "The password is xyzzyplugh. " * 20
    add(library, {"a.txt": secret, "b.md": VENUS})
    collection = library.collection("c")
    assert collection is not None
    assert library.remove(collection.id, "a.txt")
    assert not library.remove(collection.id, "a.txt")
    kept = [path.read_bytes() for path in library.database.folder.rglob("*") if path.is_file()]
    assert b"xyzzyplugh" not in b"".join(kept)
    assert library.version("c") == (collection.id, collection.version + 1)


def test_a_file_of_two_collections_stays_for_the_other(library: Library) -> None:
    add(library, {"a.md": MARS})
    add(library, {"a.md": MARS}, collection="d")
    assert library.delete("C")
    document = library.document(library.collection("d").id, "a.md")  # type: ignore[union-attr]
    assert document is not None
    assert library.data(document) == MARS.encode()
    assert library.delete("d")
    assert list((library.database.folder / "files").iterdir()) == []
    assert not library.delete("d")
    with library.database.reading() as connection:
        for table in ("document", "page", "chunk", "vector", "snapshot"):
            assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (0,), table


def test_renaming(library: Library) -> None:
    add(library, {"a.md": MARS})
    add(library, {"a.md": MARS}, collection="Zoë")
    assert library.rename("c", "Planets")
    assert library.rename("ZOË", "zoë")
    assert not library.rename("c", "x")
    with pytest.raises(NameTaken):
        library.rename("planets", "ZOE\u0308")
    assert [one.name for one in library.collections()] == ["Planets", "zoë"]


def test_two_threads_add_at_once(library: Library) -> None:
    texts = {f"{n}.txt": f"Text number {n}. It is about thing {n}." for n in range(12)}
    parts = [dict(list(texts.items())[:8]), dict(list(texts.items())[4:])]
    outcomes: list[str] = []
    threads = [
        threading.Thread(target=lambda p=part: outcomes.extend(o.state for o in add(library, p))) for part in parts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    collection = library.collection("c")
    assert collection is not None
    assert (len(outcomes), collection.documents, collection.chunks) == (16, 12, 12)
    assert sorted(one.name for one in library.documents(collection.id)) == sorted(texts)


def test_another_model_embeds_what_is_there(library: Library) -> None:
    add(library, {"a.md": MARS, "b.md": VENUS})
    [state] = [library.version("c")]
    assert state is not None
    other = WordEmbedder("other", 32)
    reports: list[float] = []
    assert embed_missing(library, state[0], other, lambda done, note: reports.append(done))  # type: ignore[arg-type]
    assert reports == [0]
    assert not embed_missing(library, state[0], other, lambda done, note: None)  # type: ignore[arg-type]
    with library.database.reading() as connection:
        counts = connection.execute("SELECT model, COUNT(*) FROM vector GROUP BY model").fetchall()
    assert counts == [("other", 2), ("words", 2)]


def test_owners_see_their_own_only(tmp_path: Path) -> None:
    add(Library(tmp_path / "one"), {"a.md": MARS})
    assert Library(tmp_path / "two").collections() == []
    assert Library(tmp_path / "two").collection("c") is None
    assert not (tmp_path / "two").exists()


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with database.writing():
        pass
    with sqlite3.connect(tmp_path / "documents.sqlite3") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(DatabaseTooNew), database.reading():
        pass


def test_a_connection_is_used_again_unless_its_file_is_gone_or_it_failed(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with database.reading() as first, database.reading() as beside:
        assert beside is not first
    with database.reading() as again:
        assert again in (first, beside)
    with pytest.raises(sqlite3.OperationalError), database.reading() as broken:
        broken.execute("SELECT nothing")
    with database.writing() as after:
        assert after is not broken
        after.execute("INSERT INTO chat (title, created_s, changed_s) VALUES ('', 0, 0)")
    for file in tmp_path.iterdir():
        file.unlink()
    with database.reading() as anew:
        assert anew is not after
        assert anew.execute("SELECT COUNT(*) FROM chat").fetchone() == (0,)


# chats


def citation(number: int = 1) -> Citation:
    return Citation(
        number=number, collection="c", document="a.pdf", page=3, page_index=2, span=(5, 9), passage_span=(0, 20),
        headings=["Top", "Sub"], quote="a quote\nof it", passage="the passage", score=0.5,
    )  # fmt: skip


def test_chats_are_kept_renamed_exported_and_deleted(tmp_path: Path) -> None:
    chats = Chats(tmp_path)
    assert chats.all() == []
    first = chats.create("What is it? " * 20)
    second = chats.create("")
    assert chats.add(first, [Turn("user", "What is it?"), Turn("assistant", "It is. [1]", "What is it?", [citation()])])
    assert [(one.id, one.messages) for one in chats.all()] == [(first, 2), (second, 0)]
    assert chats.get(second).title == "New chat"  # type: ignore[union-attr]
    assert len(chats.get(first).title) <= 60  # type: ignore[union-attr]
    [asked, answered] = chats.turns(first)
    assert (asked.message.role, answered.citations) == ("user", [citation()])
    assert chats.rename(first, "About it")
    chat = chats.get(first)
    assert chat is not None
    assert as_markdown(chat, chats.turns(first)) == (
        "# About it\n\n**Question.** What is it?\n\nIt is. [1]\n\n[1] a.pdf, page 3 (Top > Sub): “a quote of it”\n"
    )
    assert chats.delete(first)
    assert not chats.delete(first)
    assert not chats.add(first, [Turn("user", "x")])
    assert chats.turns(first) == []


def test_vectors_survive_the_disk_to_three_digits(library: Library, embedder: WordEmbedder) -> None:
    add(library, {"a.md": MARS}, embedder)
    with library.database.reading() as connection:
        [(blob,)] = connection.execute("SELECT vector FROM vector").fetchall()
    [passage] = library.passages([1])
    assert np.allclose(np.frombuffer(blob, "<f2"), embedder.passages([passage.text])[0], atol=1e-3)
