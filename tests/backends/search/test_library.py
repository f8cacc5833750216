"""Collections: nothing left of what was deleted, whole pictures after a kill, near duplicates."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from backends.search.fields import DuplicatesInputs, LibraryInputs
from backends.search.keeper import Keeper
from backends.search.library import Library, NameTaken, NewPicture, Passage
from backends.search.likeness import bits_apart, groups, perceptual_hash
from backends.search.words import with_words
from studio.errors import InvalidInput
from tests.backends.search.conftest import EXAMPLES, Call


def new(number: int, text: str = "words") -> NewPicture:
    look = np.array([1.0, number], np.float32)
    passage = Passage("text", text, look)
    preview = (EXAMPLES / "cat_again.jpg").read_bytes()
    return NewPicture(
        f"{number}.jpg", f"digest {number}", (40, 30), number.to_bytes(8), preview, b"jpeg", look, [passage, passage]
    )


def test_names(tmp_path: Path) -> None:
    library = Library(tmp_path)
    assert library.all() == []
    one, two = library.create("Zoë"), library.create("Two")
    assert library.create("zoe\u0308") == one
    library.add(one, new(1), "m")
    assert [(each.name, each.pictures) for each in library.all()] == [("Two", 0), ("Zoë", 1)]
    with pytest.raises(NameTaken):
        library.rename("two", "ZOË")
    assert library.rename("two", "Three")
    assert not library.delete("Two")
    assert two != one


def test_nothing_is_left_of_what_was_deleted(tmp_path: Path) -> None:
    library = Library(tmp_path)
    collection_id = library.create("c")
    for number, text in enumerate(("unmistakable", "words that stay")):
        library.add(collection_id, new(number, text), "m")
    database = tmp_path / "pictures.sqlite3"
    assert library.remove(collection_id, "0.jpg")
    assert b"unmistakable" not in database.read_bytes()
    assert with_words(library.database, collection_id, "unmistakable", 5) == {}
    assert len(with_words(library.database, collection_id, "stay", 5)) == 1
    assert library.delete("C")
    assert b"that stay" not in database.read_bytes()
    with library.database.reading() as connection:
        for table in ("picture", "pixels", "look", "passage", "words"):
            assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (0,)


def test_the_same_pixels_are_stored_once(tmp_path: Path) -> None:
    library = Library(tmp_path)
    collection_id = library.create("c")
    assert library.add(collection_id, new(1), "m") == "1.jpg"
    assert library.add(collection_id, new(1), "m") == "1.jpg"
    assert len(library.pictures(collection_id)) == 1


def _add_for_ever(folder: Path) -> None:
    library = Library(folder)
    collection_id = library.create("c")
    for number in range(100_000):
        library.add(collection_id, new(number), "m")


def test_a_killed_process_leaves_whole_pictures(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_add_for_ever, args=(tmp_path,))
    process.start()
    until_s = time.monotonic() + 60
    there: Any = None
    while (there is None or there.pictures < 5) and time.monotonic() < until_s:
        there = Library(tmp_path).named("c")
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    library = Library(tmp_path)
    there = library.named("c")
    assert there.pictures >= 5
    assert there.version == there.pictures
    with library.database.reading() as connection:
        for table, each in (("pixels", 1), ("look", 1), ("passage", 2), ("words", 2)):
            assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (each * there.pictures,)


def test_hashes_tell_copies_from_others() -> None:
    cat, rocket = (PIL.Image.open(EXAMPLES / f"{name}.jpg").convert("RGB") for name in ("cat", "rocket"))
    original = perceptual_hash(np.asarray(cat))
    for changed in (cat.resize((90, 60)), PIL.Image.eval(cat, lambda level: int(0.7 * level) + 20)):
        assert bits_apart(original, perceptual_hash(np.asarray(changed))) <= 6
    assert bits_apart(original, perceptual_hash(np.asarray(rocket))) > 16
    assert bits_apart(original, perceptual_hash(np.asarray(cat.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)))) > 16


def test_groups_of_near_duplicates() -> None:
    hashes = [(7, 0), (8, 0b111), (9, 2**40 - 1), (10, 2**40 - 2), (11, 2**63)]
    made = groups([(number, value.to_bytes(8)) for number, value in hashes], 3)
    assert made == [[(7, 0), (8, 3), (11, 1)], [(9, 0), (10, 1)]]
    assert groups([(number, value.to_bytes(8)) for number, value in hashes], 0) == []
    assert groups([], 5) == []


def test_the_keeper_lists_and_removes(call: Call) -> None:
    library = Library(call.storage)
    collection_id = library.create("c")
    for number in range(3):
        library.add(collection_id, new(number), "m")
    keeper: Any = Keeper(None, "cpu")  # type: ignore[arg-type]
    assert keeper(LibraryInputs(), call).message == "1 collection"
    listed = keeper(LibraryInputs(action="pictures", collection="c"), call)
    assert list(listed.table.frame["picture"]) == ["0.jpg", "1.jpg", "2.jpg"]
    near = keeper(DuplicatesInputs(collection="c", most_bits=1), call)
    assert near.message == "1 group with 3 pictures in all."
    assert near.pictures[0].name == "group 1: 0.jpg"
    keeper(LibraryInputs(action="remove picture", collection="C", picture="1.jpg"), call)
    assert [each.name for each in library.pictures(collection_id)] == ["0.jpg", "2.jpg"]
    assert keeper(LibraryInputs(action="rename", collection="c", new_name=" D "), call).message == "c is now D."
    assert len(keeper(LibraryInputs(action="delete", collection="d"), call).table.frame) == 0


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"action": "pictures"}, "collection"),
        ({"action": "delete", "collection": "nowhere"}, "collection"),
        ({"action": "rename", "collection": "c"}, "new_name"),
        ({"action": "rename", "collection": "c", "new_name": "Other"}, "new_name"),
        ({"action": "remove picture", "collection": "c"}, "picture"),
        ({"action": "remove picture", "collection": "c", "picture": "x.jpg"}, "picture"),
    ],
)
def test_keeping_errors_name_the_field(call: Call, values: dict[str, Any], field: str) -> None:
    Library(call.storage).create("c")
    Library(call.storage).create("other")
    with pytest.raises(InvalidInput) as error:
        Keeper(None, "cpu")(LibraryInputs(**values), call)  # type: ignore[arg-type]
    assert error.value.field == field
