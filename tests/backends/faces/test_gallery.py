from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.faces.enrolment import enrol
from backends.faces.fields import EnrolmentInputs
from backends.faces.gallery import FILE_NAME, SCHEMA_VERSION, Gallery, GalleryTooNew, NameTaken, Photograph
from backends.faces.identification import identify
from studio.catalogue import Catalogue
from studio.errors import InvalidInput, TooLarge
from studio.media.image import Image
from studio.runtime import Runtime
from studio.settings import Settings
from tests.backends.faces.conftest import EXAMPLES, Call


def photograph(seed: int) -> Photograph:
    return Photograph(b"jpeg" * 100, f"digest {seed}", np.full(128, float(seed)))


def test_add_rename_delete(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    assert gallery.people() == []
    assert gallery.embeddings("dlib")[0] == []
    assert gallery.add("Ada", [photograph(1), photograph(2)], "dlib").photographs == 2
    assert gallery.add("Grace", [photograph(3)], "dlib").photographs == 1
    names, embeddings = gallery.embeddings("dlib")
    assert names == ["Ada", "Ada", "Grace"]
    assert embeddings[:, 0].tolist() == [1, 2, 3]
    assert gallery.embeddings("another model")[0] == []
    assert gallery.rename("ada", "Ada Lovelace")
    assert not gallery.rename("Ada", "Nobody")
    assert [person.name for person in gallery.people()] == ["Ada Lovelace", "Grace"]
    assert gallery.delete("Ada Lovelace")
    assert not gallery.delete("Ada Lovelace")
    assert gallery.embeddings("dlib")[0] == ["Grace"]
    assert len(gallery.not_embedded("another model")) == 1


def test_names_are_compared_without_case_and_composition(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    gallery.add("Zo\u00eb", [photograph(1)], "dlib")
    assert gallery.add("ZOE\u0308", [photograph(2)], "dlib").photographs == 2
    assert [person.name for person in gallery.people()] == ["Zo\u00eb"]
    gallery.add("Ada", [photograph(3)], "dlib")
    with pytest.raises(NameTaken):
        gallery.rename("Ada", "zo\u00eb")
    assert gallery.rename("Ada", "ADA")


def test_the_same_picture_is_stored_once(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    gallery.add("Ada", [photograph(1)], "dlib")
    assert gallery.add("Ada", [photograph(1), photograph(2)], "dlib").photographs == 2
    assert gallery.has("Ada", "digest 1")
    assert not gallery.has("Grace", "digest 1")


def test_a_failing_step_stores_nothing(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    broken: Any = Photograph(b"jpeg", "digest", None)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        gallery.add("Ada", [photograph(1), broken], "dlib")
    assert gallery.people() == []


def test_deleted_faces_are_overwritten(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    gallery.add("Ada", [Photograph(b"unmistakable" * 50, "digest", np.zeros(128))], "dlib")
    assert b"unmistakable" in (tmp_path / FILE_NAME).read_bytes()
    gallery.delete("Ada")
    assert b"unmistakable" not in (tmp_path / FILE_NAME).read_bytes()


def test_a_later_version_is_refused(tmp_path: Path) -> None:
    Gallery(tmp_path).add("Ada", [photograph(1)], "dlib")
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(GalleryTooNew):
        Gallery(tmp_path).people()


def _enrol_for_ever(folder: Path) -> None:
    for number in range(10_000):
        Gallery(folder).add(f"Person {number}", [photograph(2 * number), photograph(2 * number + 1)], "dlib")


def test_a_killed_process_leaves_whole_people(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_enrol_for_ever, args=(tmp_path,))
    process.start()
    until_s = time.monotonic() + 30
    while len(Gallery(tmp_path).people()) < 5 and time.monotonic() < until_s:
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    people = Gallery(tmp_path).people()
    assert len(people) >= 5
    assert {person.photographs for person in people} == {2}
    assert len(Gallery(tmp_path).embeddings("dlib")[0]) == 2 * len(people)
    assert Gallery(tmp_path).add("Ada", [photograph(-1)], "dlib").photographs == 1


class Faces:
    """Shorthand for one owner's calls."""

    def __init__(self, runtime: Runtime, owner: str) -> None:
        self.runtime, self.owner = runtime, owner

    def run(self, task: str, **values: Any) -> Any:
        return self.runtime.run(task, values, owner=self.owner).outputs

    def enrol(self, name: str, *files: str, consent: bool = True) -> Any:
        photographs = [EXAMPLES / file for file in files]
        return self.run("face_enrolment", name=name, photographs=photographs, consent=consent)

    def found(self, file: str) -> Sequence[str]:
        return [str(n) for n in self.run("face_identification", image=EXAMPLES / file).people.frame["name"]]

    def people(self) -> Sequence[str]:
        return [str(n) for n in self.run("face_gallery").people.frame["name"]]


def test_enrol_find_restart_and_owners(tmp_path: Path, catalogue: Catalogue) -> None:
    settings = Settings(home=tmp_path / "home", workers=2)
    runtime = Runtime(settings, catalogue)
    ann, bob = Faces(runtime, "ann"), Faces(runtime, "bob")
    assert ann.found("hopper_and_collins.jpg") == ["unknown", "unknown"]
    notes = ann.run("face_identification", image=EXAMPLES / "hopper.jpg").notes
    assert notes == ["Nobody is enrolled yet, so everybody is unknown. Enrol people first."]
    enrolled = ann.enrol("  Grace   Hopper ", "hopper.jpg", "hopper_mirrored_darker.jpg")
    assert (enrolled.person, enrolled.photographs, enrolled.photographs_in_all) == ("Grace Hopper", 2, 2)
    assert max(enrolled.faces[0].resolution_wh) <= 512
    assert ann.found("hopper_and_collins.jpg") == ["Grace Hopper", "unknown"]
    again = ann.enrol("grace hopper", "hopper.jpg")
    assert (again.photographs, again.photographs_in_all) == (0, 2)
    assert again.rejected == ["Photograph 1: it is enrolled already."]
    assert bob.people() == []
    assert bob.found("hopper.jpg") == ["unknown"]
    with pytest.raises(InvalidInput):
        bob.run("face_gallery", action="delete", name="Grace Hopper")
    runtime.close()

    runtime = Runtime(settings, catalogue)
    ann = Faces(runtime, "ann")
    assert ann.people() == ["Grace Hopper"]
    ann.enrol("Eileen Collins", "collins.jpg")
    answer = ann.run("face_identification", image=EXAMPLES / "hopper_and_collins.jpg")
    assert list(answer.people.frame["name"]) == ["Grace Hopper", "Eileen Collins"]
    assert list(answer.people.frame["next_nearest"]) == ["Eileen Collins", "Grace Hopper"]
    assert [box.label.rsplit(" ", 1)[0] for box in answer.image.boxes] == ["Grace Hopper", "Eileen Collins"]
    assert ann.run("face_gallery", action="rename", name="grace hopper", new_name="Amazing Grace").message
    assert ann.found("hopper.jpg") == ["Amazing Grace"]
    assert ann.run("face_gallery", action="delete", name="Amazing Grace").message
    assert ann.found("hopper.jpg") == ["unknown"]
    runtime.close()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"action": "rename", "name": "Ada"}, "new_name"),
        ({"action": "rename", "new_name": "Ada"}, "name"),
        ({"action": "delete"}, "name"),
        ({"action": "delete", "name": "Nobody"}, "name"),
        ({"action": "forget", "name": "Ada"}, "action"),
        ({"action": "delete", "name": "x" * 81}, "name"),
    ],
)
def test_gallery_errors_name_the_field(runtime: Runtime, values: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        runtime.run("face_gallery", values)
    assert caught.value.field == field


def test_renaming_to_somebody_elses_name(runtime: Runtime) -> None:
    faces = Faces(runtime, "ann")
    faces.enrol("Grace", "hopper.jpg")
    faces.enrol("Eileen", "collins.jpg")
    with pytest.raises(InvalidInput) as caught:
        faces.run("face_gallery", action="rename", name="Grace", new_name="EILEEN")
    assert caught.value.field == "new_name"
    assert faces.people() == ["Eileen", "Grace"]


@pytest.mark.parametrize(
    ("name", "file", "consent", "field"),
    [
        ("Grace", "hopper.jpg", False, "consent"),
        ("   ", "hopper.jpg", True, "name"),
        ("", "hopper.jpg", True, "name"),
        ("x" * 81, "hopper.jpg", True, "name"),
        ("Both", "hopper_and_collins.jpg", True, "photographs"),
    ],
)
def test_what_cannot_be_enrolled(runtime: Runtime, name: str, file: str, consent: bool, field: str) -> None:
    faces = Faces(runtime, "ann")
    with pytest.raises(InvalidInput) as caught:
        faces.enrol(name, file, consent=consent)
    assert caught.value.field == field
    assert faces.people() == []


def test_rejected_photographs_are_named(model: Any, call: Call, hopper: Image, both: Image, nobody: Image) -> None:
    inputs = EnrolmentInputs(name="Grace", photographs=[nobody, hopper, both, hopper], consent=True)
    answer = enrol(model, inputs, call)
    assert answer.photographs == 1
    assert answer.rejected == [
        "Photograph 1: no face was found.",
        "Photograph 3: it shows 2 faces; crop it to one.",
        "Photograph 4: it is enrolled already.",
    ]


def test_a_full_gallery(model: Any, call: Call, hopper: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.faces.enrolment.MAX_PHOTOGRAPHS", 1)
    with pytest.raises(TooLarge):
        enrol(model, EnrolmentInputs(name="Grace", photographs=[hopper, hopper], consent=True), call)


def test_another_model_embeds_the_stored_faces(
    model: Any, call: Call, hopper: Image, collins: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(model, EnrolmentInputs(name="Grace", photographs=[hopper], consent=True), call)
    enrol(model, EnrolmentInputs(name="Eileen", photographs=[collins], consent=True), call)
    before = Gallery(call.storage).embeddings("dlib")[1]
    monkeypatch.setattr(model, "name", "another")
    from backends.faces.fields import IdentificationInputs

    answer = identify(model, IdentificationInputs(image=EXAMPLES / "hopper_mirrored_darker.jpg"), call)
    assert list(answer.people.frame["name"]) == ["Grace"]
    after = Gallery(call.storage).embeddings("another")[1]
    assert np.linalg.norm(after - before, axis=1).max() < 0.15  # from the stored crops instead of the photographs
    assert call.notes == []


def test_a_picture_without_faces_is_an_answer(model: Any, call: Call, nobody: Image) -> None:
    from backends.faces.fields import IdentificationInputs

    answer = identify(model, IdentificationInputs(image=nobody), call)
    assert answer.image.boxes == []
    assert answer.notes == ["No face was found in the picture."]
    assert answer.people.encode()[0].startswith(b"face,name,nearest")
