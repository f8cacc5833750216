"""The pad's values on their way to the runtime."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from gradio.components.image_editor import EditorDataBlobs

from backends.digits.task import DigitInputs
from studio.fields import describe
from studio.media.base import Blob
from surfaces.demos.inputs import InputField, build_input


@pytest.fixture
def field() -> InputField:
    with gr.Blocks():
        return build_input(describe(DigitInputs)[0])


def test_the_field_is_a_pad_with_white_paper(field: InputField) -> None:
    [pad] = field.components
    assert isinstance(pad, gr.ImageEditor)
    assert pad.value["background"] is not None
    assert describe(DigitInputs)[0].ui.sketch


def test_a_file_a_drawing_sent_ahead_and_nothing(field: InputField, tmp_path: Path) -> None:
    [pad] = field.components
    file = {"path": str(tmp_path / "five.png"), "url": None, "orig_name": "mine.png"}
    assert field.collect([{"background": file, "layers": [], "composite": file, "id": None}]) == Blob(
        name="mine.png", path=tmp_path / "five.png"
    )
    pad.blob_storage["abc"] = EditorDataBlobs(background=None, layers=[], composite=b"picture")
    sent = {"background": None, "layers": [], "composite": None, "id": "abc"}
    assert field.collect([sent]) == Blob(name="drawing.png", data=b"picture")
    assert field.collect([sent]) is None, "each drawing is fetched once"
    assert field.collect([None]) is None
    assert field.collect([sent | {"id": None}]) is None


def test_drawings_whose_run_never_comes_are_forgotten(field: InputField) -> None:
    [pad] = field.components
    for number in range(300):
        pad.blob_storage[str(number)] = EditorDataBlobs(background=None, layers=[], composite=b"x")
    assert len(pad.blob_storage) == 100
    assert "299" in pad.blob_storage


def test_an_example_is_laid_on_the_pad(field: InputField) -> None:
    [path] = field.fill(Path(__file__).parents[3] / "backends" / "digits" / "examples" / "five.png")
    assert Path(path).is_file()
