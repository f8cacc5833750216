"""Searching by words, by an example, by both; owners, restarts, and what another model makes of a collection."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from backends.search.describing import texts_of
from backends.search.fields import AddInputs, SearchInputs
from backends.search.operations import answer
from backends.search.searching import fused
from backends.search.vectors import VectorIndexes
from studio.errors import InvalidInput
from studio.media.base import Blob
from studio.media.image import Image
from studio.runtime import Runtime
from studio.settings import Settings
from tests.backends.search.conftest import EXAMPLES, Call, MeanColour, plain

RED, DARK_RED, BLUE = (230, 10, 10), (150, 5, 5), (10, 10, 230)


def file(name: str, image: Image) -> Blob:
    buffer = io.BytesIO()
    image.pil().save(buffer, "PNG")
    return Blob(name, buffer.getvalue())


def add(model: Any, call: Call, *files: Blob, **more: Any) -> Any:
    return answer(model, VectorIndexes(), AddInputs(collection="c", pictures=list(files), **more), call)


def names(outputs: Any) -> list[str]:
    return [str(name) for name in outputs.results.frame["file"]]


@pytest.fixture
def filled(call: Call) -> MeanColour:
    model = MeanColour()
    colours = {"red.png": RED, "dark.png": DARK_RED, "blue.png": BLUE, "ferry.png": (90, 90, 90)}
    add(model, call, *(file(name, plain(*colour)) for name, colour in colours.items()))
    return model


def search(model: Any, call: Call, indexes: VectorIndexes | None = None, **values: Any) -> Any:
    return answer(model, indexes or VectorIndexes(), SearchInputs(collection="c", **values), call)


def test_by_an_example(filled: MeanColour, call: Call) -> None:
    outputs = search(filled, call, example=plain(240, 20, 20))
    assert names(outputs)[0] == "red.png"
    assert outputs.results.frame["why"][0].startswith("looks like the example (1.0")
    assert outputs.pictures[0].name == "red.png: 1.00"
    assert names(search(filled, call, like="blue.png"))[0] == "blue.png"


def test_by_words(filled: MeanColour, call: Call) -> None:
    outputs = search(filled, call, query="the ferries")
    assert names(outputs) == ["ferry.png"]
    assert "its words: ferry" in outputs.results.frame["why"][0]
    red = search(filled, call, query="something red")
    assert set(names(red)) == {"red.png", "dark.png"}
    assert "seen in it “It is mostly red.”" in red.results.frame["why"][0]


def test_by_both(filled: MeanColour, call: Call) -> None:
    assert names(search(filled, call, query="red", example=plain(*DARK_RED)))[0] == "dark.png"
    blue = names(search(filled, call, query="blue", example=plain(*DARK_RED)))
    assert blue.index("blue.png") < blue.index("red.png")


def test_words_that_nothing_is_about_are_said(filled: MeanColour, call: Call) -> None:
    outputs = search(filled, call, query="zebra")
    assert "one from the hub compares words" in outputs.notes[0]
    undescribed = MeanColour()
    answer(
        undescribed,
        VectorIndexes(),
        AddInputs(collection="d", pictures=[file("a.png", plain(*RED))], describe=False),
        call,
    )
    nothing = answer(undescribed, VectorIndexes(), SearchInputs(collection="d", query="red"), call)
    assert nothing.notes == ["Nothing was read or noted of these pictures: words find none of them."]


def test_signs_of_the_query_language_are_words_to_search(filled: MeanColour, call: Call) -> None:
    for query in ('"red', "red OR (", "NEAR(a b)", "*", "text:red", "€€€", "красный", "x " * 499):
        search(filled, call, query=query)


def test_only_new_pictures_are_embedded(filled: MeanColour, call: Call) -> None:
    before = filled.looked, len(call.asked)
    outputs = add(filled, call, file("again.png", plain(*RED)), file("new.png", plain(0, 200, 0)))
    assert list(outputs.files.frame["state"]) == ["known", "added"]
    assert "as red.png" in outputs.files.frame["remarks"][0]
    assert (outputs.added, outputs.pictures) == (1, 5)
    assert filled.looked == before[0] + 1
    assert call.asked[before[1] :] == ["image_captioning", "text_embedding"]


def test_one_at_fault_does_not_stop_the_others(call: Call) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("holiday/a.png", file("", plain(*RED)).read())
        archive.writestr("holiday/b.jpg", b"no picture")
        archive.writestr("notes.txt", b"not looked at")
    outputs = add(MeanColour(), call, Blob("broken.png", b"nothing"), Blob("all.zip", buffer.getvalue()))
    assert list(outputs.files.frame["picture"]) == ["broken.png", "holiday/a.png", "holiday/b.jpg"]
    assert list(outputs.files.frame["state"]) == ["failed", "added", "failed"]
    assert outputs.message == "1 picture added to c, 2 could not be read."


def test_equal_names_get_a_number(call: Call) -> None:
    outputs = add(MeanColour(), call, file("a.png", plain(*RED)), file("a.png", plain(*BLUE)))
    assert list(outputs.files.frame["picture"]) == ["a.png", "a (2).png"]


def test_another_model_looks_at_what_is_kept(filled: MeanColour, call: Call) -> None:
    other = MeanColour(words=True)
    other.name = "other"
    outputs = search(other, call, query="red")
    assert other.looked == 4
    assert set(names(outputs)[:2]) == {"red.png", "dark.png"}
    assert "fits the words" in outputs.results.frame["why"][0]
    assert "for the first time" in call.notes[0]
    search(other, call, query="red")
    assert other.looked == 4


def test_what_is_removed_is_not_found_by_an_index_that_knew_it(filled: MeanColour, call: Call) -> None:
    from backends.search.library import Library

    indexes = VectorIndexes()
    assert len(names(search(filled, call, indexes, like="red.png"))) == 4
    library = Library(call.storage)
    collection = library.named("C")
    assert collection is not None
    assert library.remove(collection.id, "dark.png")
    add(filled, call, file("light.png", plain(255, 40, 40)))
    assert set(names(search(filled, call, indexes, like="red.png"))) == {
        "red.png",
        "light.png",
        "blue.png",
        "ferry.png",
    }


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"collection": "nowhere", "query": "a"}, "collection"),
        ({"collection": "c", "like": "nothing.png"}, "like"),
    ],
)
def test_errors_name_the_field(filled: MeanColour, call: Call, values: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        answer(filled, VectorIndexes(), SearchInputs(**values), call)
    assert error.value.field == field


@pytest.mark.parametrize(
    ("values", "field"), [({"query": "  "}, "query"), ({"example": plain(*RED), "like": "a.png"}, "like")]
)
def test_what_is_asked_is_one_thing(runtime: Runtime, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        runtime.run("image_search", values)
    assert error.value.field == field


def test_evidence_is_fused() -> None:
    assert fused([{1: 0.9, 2: -0.2}]) == {1: 0.9, 2: 0.0}
    assert fused([{1: 0.9, 2: 0.5}, {}]) == {1: 0.9, 2: 0.5}
    assert fused([{1: 0.9, 2: 0.5, 3: 0.7}, {2: 4.0}]) == pytest.approx({1: 0.5, 2: 0.5, 3: 0.25})


@pytest.mark.slow
def test_the_examples_are_described_as_they_would_be_today(runtime: Runtime) -> None:
    kept = json.loads((EXAMPLES / "described.json").read_text("utf-8"))
    for name in ("sign.png", "circle.png"):
        outputs = runtime.run("image_captioning", {"image": EXAMPLES / name}, "observations").outputs
        assert [list(text) for text in texts_of(outputs)] == kept[name]


@pytest.mark.slow
def test_owners_and_restarts(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", workers=2)
    runtime = Runtime(settings)
    pictures = {"collection": "Mine", "pictures": [EXAMPLES / "circle.png", EXAMPLES / "cat.jpg"], "describe": False}
    assert runtime.run("image_index", pictures, owner="ann").outputs.added == 2
    with pytest.raises(InvalidInput):
        runtime.run("image_search", {"collection": "Mine", "like": "cat.jpg"}, owner="bob")
    runtime.close()
    runtime = Runtime(settings)
    found = runtime.run("image_search", {"collection": "mine", "example": EXAMPLES / "cat_again.jpg"}, owner="ann")
    assert names(found.outputs) == ["cat.jpg", "circle.png"]
    assert runtime.run("image_index", pictures, owner="ann").outputs.added == 0
    runtime.close()
