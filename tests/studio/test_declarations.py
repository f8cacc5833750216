"""Tasks, fields, the catalogue, weights, settings and errors."""

from __future__ import annotations

import hashlib
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from studio import errors
from studio.catalogue import Catalogue, Entry
from studio.contract import Adapter, Example, Inputs, Live, Outputs, Task, Ui
from studio.errors import AtelierError, InvalidInput, NotFound, WeightsUnavailable
from studio.fields import describe
from studio.media.base import Limits
from studio.settings import Settings
from studio.weights import Shelf, WeightsRow
from tests.families.specimens.task import TASKS, EchoInputs, EchoOutputs, StreamInputs, StreamOutputs

ECHO = TASKS[0]


# fields


def test_every_kind_of_input_is_described() -> None:
    specs = {spec.name: spec for spec in describe(EchoInputs)}
    assert {name: (spec.kind, spec.many) for name, spec in specs.items()} == {
        "image": ("image", False),
        "audio": ("audio", False),
        "video": ("video", False),
        "table": ("table", False),
        "file": ("file", False),
        "text": ("text", False),
        "files": ("file", True),
        "images": ("image", True),
        "portrait": ("image", False),
        "words": ("text", True),
        "count": ("integer", False),
        "length_s": ("number", False),
        "mode": ("choice", False),
        "grade": ("choice", False),
        "loud": ("boolean", False),
        "window": ("json", False),
        "limits": ("json", False),
    }
    assert [name for name, spec in specs.items() if spec.required] == [
        "image", "audio", "video", "table", "file", "text",
    ]  # fmt: skip
    length = specs["length_s"]
    assert (length.minimum, length.maximum, length.default, length.ui.unit, length.ui.step, length.ui.advanced) == (
        0, 10, 1.5, "s", 0.5, True,
    )  # fmt: skip
    assert (specs["count"].minimum, specs["count"].maximum) == (1, 9)
    assert specs["files"].maximum == 3
    assert specs["mode"].choices == ("plain", "fancy")
    assert specs["grade"].choices == ("coarse", "fine")
    assert specs["portrait"].optional
    assert specs["portrait"].ui.camera
    assert specs["file"].ui.accept == (".txt",)
    assert specs["text"].ui.lines == 3
    assert specs["words"].default == ["one", "two"]


def test_every_kind_of_output_is_described() -> None:
    kinds = [f"{spec.kind}{'s' if spec.many else ''}" for spec in describe(EchoOutputs)]
    assert kinds == [
        "image", "boxed_image", "scores", "text", "markdown", "audio", "video", "table", "file", "files", "images",
        "plot", "integer", "number", "boolean", "choice", "texts", "json", "image",
    ]  # fmt: skip


def test_marks_inside_an_optional_type_are_found() -> None:
    class Model(BaseModel):
        size_px: Annotated[int, Field(ge=1, le=8), Ui(unit="px")] | None = None

    [spec] = describe(Model)
    assert (spec.kind, spec.optional, spec.minimum, spec.maximum, spec.ui.unit) == ("integer", True, 1, 8, "px")
    assert spec.title == "Size px"


class Level(IntEnum):
    LOW = 1


@pytest.mark.parametrize("kind", [int | str, object, Literal[1, 2], Level, bytes])
def test_a_type_without_a_form_is_an_error(kind: Any) -> None:
    Model = type("Model", (BaseModel,), {"__annotations__": {"value": kind}})
    with pytest.raises(TypeError, match="field value"):
        describe(Model)


def test_a_list_of_lists_is_json() -> None:
    class Model(BaseModel):
        grid: list[list[float]]

    assert describe(Model)[0].kind == "json"


def test_json_schema_names_units_and_kinds() -> None:
    schema = EchoInputs.model_json_schema()["properties"]
    assert schema["length_s"]["x-unit"] == "s"
    assert schema["image"] == {
        "title": "Picture", "description": "Any picture.", "type": "string", "format": "data-url",
        "contentMediaType": "image/*", "x-kind": "image",
    }  # fmt: skip


# tasks

STEPS = Example(title="x", values={"steps": 1})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Not A Name"}, "lower-case identifier"),
        ({"name": "class"}, "lower-case identifier"),
        ({"adapters": ()}, "at least 1 item"),
        ({"examples": ()}, "at least 1 item"),
        ({"examples": (Example(title="x", values={"step": 1}),)}, "unknown"),
        ({"examples": (Example(title="x", values={"steps": 1}, adapter="other"),)}, "for one adapter alone"),
        ({"examples": (STEPS, STEPS.model_copy(update={"adapter": "other"}))}, "for no adapter"),
        ({"adapters": (TASKS[1].adapters[0],) * 2}, "names repeat"),
        ({"live": Live(camera="nothing", show="text")}, "not there"),
    ],
)
def test_a_task_that_does_not_hold_together_is_refused(change: dict[str, Any], message: str) -> None:
    facts: dict[str, Any] = {name: getattr(TASKS[1], name) for name in Task.model_fields}
    Task(**facts)
    with pytest.raises(ValidationError, match=message):
        Task(**(facts | change))


def test_an_example_needs_every_required_field() -> None:
    facts: dict[str, Any] = {name: getattr(ECHO, name) for name in Task.model_fields}
    with pytest.raises(ValidationError, match="missing"):
        Task(**(facts | {"examples": (Example(title="x", values={"text": "x"}),)}))


def test_an_entry_names_a_class() -> None:
    with pytest.raises(ValidationError, match="package.module:Class"):
        Adapter(name="a", title="A", entry="backends.x", memory_mb=1, licence="x", source="x", kind="hub")


def test_inputs_and_outputs_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValidationError):
        StreamInputs.model_validate({"unknown": 1})
    with pytest.raises(ValidationError):
        StreamOutputs.model_validate({"text": "x", "step": 1, "unknown": 1})
    with pytest.raises(ValidationError, match="frozen"):
        StreamInputs().steps = 3  # type: ignore[misc]
    assert issubclass(StreamInputs, Inputs)
    assert issubclass(StreamOutputs, Outputs)


# the catalogue


def test_the_catalogue_finds_every_family() -> None:
    catalogue = Catalogue.discover(("backends", "tests.families"))
    names = [task.name for task in catalogue]
    assert {task.name for task in TASKS} <= set(names)
    assert len(catalogue) == len(names)
    assert catalogue.entry("specimen_echo").family.name == "specimens"
    assert catalogue.task("specimen_echo") is ECHO
    assert [part.name for part in catalogue.parts("specimen_echo")] == ["specimen_batch", "specimen_live"]
    assert catalogue.adapter(ECHO, None).name == catalogue.adapter(ECHO, "").name == "echo"
    assert catalogue.adapter(ECHO, "twin").name == "twin"


def test_the_catalogue_says_what_it_has() -> None:
    catalogue = Catalogue([Entry(ECHO, Path())])
    with pytest.raises(NotFound) as caught:
        catalogue.task("x")
    assert caught.value.expected == "one of specimen_echo"
    with pytest.raises(ValueError, match="two tasks are named"):
        Catalogue([Entry(ECHO, Path())] * 2)
    with pytest.raises(ValueError, match="which is not there"):
        Catalogue([Entry(TASKS[3], Path())])


# weights


def family(folder: Path, content: bytes, sha256: str) -> Path:
    made = folder / "family"
    made.mkdir()
    (folder / "net.bin").write_bytes(content)
    (made / "weights.toml").write_text(
        f'[net]\nkind = "embedded"\nlicence = "x"\nsource = "x"\n[net.files]\n'
        f'model = {{ path = "net.bin", sha256 = "{sha256}", bytes = {len(content)} }}\n'
    )
    return made


def test_weights_are_found_and_checked(tmp_path: Path) -> None:
    made = family(tmp_path, b"numbers", hashlib.sha256(b"numbers").hexdigest())
    shelf = Shelf(tmp_path)
    assert shelf.resolve(made, "net").path() == tmp_path / "net.bin"
    assert shelf.row(made, "net").total_bytes == 7
    assert shelf.resolve(made, "").files == {}
    assert shelf.rows(tmp_path) == {}


def test_a_wrong_or_missing_weight_file_is_not_used(tmp_path: Path) -> None:
    made = family(tmp_path, b"numbers", "0" * 64)
    with pytest.raises(WeightsUnavailable, match="not the one this studio was tested with") as caught:
        Shelf(tmp_path).resolve(made, "net")
    assert caught.value.expected == f"SHA-256 {'0' * 16}..."
    (tmp_path / "net.bin").unlink()
    with pytest.raises(WeightsUnavailable, match="missing"):
        Shelf(tmp_path).resolve(made, "net")
    with pytest.raises(WeightsUnavailable, match="no row"):
        Shelf(tmp_path).resolve(made, "other")


def test_a_package_that_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "weights.toml").write_text(
        '[net]\nkind = "package"\npackage = "not_there"\nlicence = "x"\nsource = "x"\nfiles = {}\n'
    )
    with pytest.raises(WeightsUnavailable, match="not_there is not installed"):
        Shelf(tmp_path).resolve(tmp_path, "net")


# settings and errors


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_PORT", "9000")
    monkeypatch.setenv("ATELIER_TOKEN", " a , ,b")
    assert (Settings().port, Settings().tokens) == (9000, ("a", "b"))
    monkeypatch.setenv("ATELIER_PORT", "70000")
    with pytest.raises(ValidationError):
        Settings()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("127.8.0.1", True),
        ("0.0.0.0", False),
        ("example", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert Settings(host=host).loopback is loopback


def test_every_setting_has_help_and_a_default_that_is_no_path_of_a_machine() -> None:
    table = Settings.table()
    assert len(table) == len(Settings.model_fields)
    assert all(name.startswith("ATELIER_") and len(text) > 10 for name, _, text in table)
    assert str(Path.home()) not in str(table)


def test_limits_follow_the_settings() -> None:
    limits = Limits.of(Settings(max_upload_mb=2, max_image_megapixels=3, max_audio_s=4, max_table_rows=5))
    assert (limits.upload_bytes, limits.image_pixels, limits.audio_s, limits.table_rows) == (2_000_000, 3_000_000, 4, 5)
    assert Limits.among({"limits": limits}) is limits
    assert Limits.among(None) == Limits()


def test_every_error_has_the_one_shape() -> None:
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, AtelierError)]
    assert len(kinds) >= 9
    for kind in kinds:
        error = kind("It went wrong.", field="f", expected="e", got="g", hint="h")
        assert error.shape() == {"error": "It went wrong.", "field": "f", "expected": "e", "got": "g", "hint": "h"}
        assert 400 <= error.status < 600
        assert str(error) == "It went wrong."
    assert issubclass(InvalidInput, ValueError)


# rows of weights.toml


def hub_row(**changes: Any) -> dict[str, Any]:
    file = {"path": "net.onnx", "sha256": "0" * 64, "bytes": 1}
    facts = {"kind": "hub", "repository": "a/b", "revision": "0" * 40, "files": {"model": file}}
    return facts | {"licence": "MIT", "source": "x"} | changes


def test_a_hub_row_pins_everything() -> None:
    (file,) = WeightsRow.model_validate(hub_row()).remote_files
    assert (file.repository, file.revision, file.path) == ("a/b", "0" * 40, "net.onnx")
    other = {"path": "n", "sha256": "0" * 64, "bytes": 1, "repository": "c/d", "revision": "1" * 40}
    (file,) = WeightsRow.model_validate(hub_row(files={"model": other})).remote_files
    assert (file.repository, file.revision) == ("c/d", "1" * 40)


@pytest.mark.parametrize(
    "changes",
    [
        {"revision": "main"},
        {"revision": ""},
        {"repository": "../b"},
        {"repository": ""},
        {"files": {}},
        {"package": "dlib"},
        {"kind": "embedded"},
        {"kind": "endpoint"},
        {"files": {"model": {"path": "../net", "sha256": "0" * 64, "bytes": 1}}},
        {"files": {"model": {"path": "/net", "sha256": "0" * 64, "bytes": 1}}},
        {"files": {"model": {"path": "net", "sha256": "short", "bytes": 1}}},
        {"files": {"model": {"path": "net", "sha256": "0" * 64, "bytes": 1, "repository": "c/d"}}},
    ],
)
def test_a_row_that_pins_too_little_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WeightsRow.model_validate(hub_row(**changes))


def test_an_endpoint_has_an_address_and_no_files(tmp_path: Path) -> None:
    (tmp_path / "weights.toml").write_text(
        '[net]\nkind = "endpoint"\naddress = "https://models.example/v1"\nlicence = "x"\nsource = "x"\n'
    )
    shelf = Shelf(tmp_path)
    assert shelf.resolve(tmp_path, "net").address == "https://models.example/v1"
    assert shelf.state(tmp_path, "net").name == "ready"


def test_every_adapter_agrees_with_its_row() -> None:
    catalogue, shelf = Catalogue.discover(), Shelf(Path())
    for task in catalogue:
        for adapter in task.adapters:
            if adapter.weights:
                row = shelf.row(catalogue.entry(task.name).family, adapter.weights)
                assert (row.kind, row.licence) == (adapter.kind, adapter.licence), f"{task.name}/{adapter.name}"
