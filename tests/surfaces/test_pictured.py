"""A choice shown as pictures, and a picture laid over the one it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import gradio as gr
import numpy as np
import PIL.Image
import pytest
from pydantic import Field

from studio.contract import Adapter, Example, Inputs, Outputs, Task, Ui
from studio.fields import describe
from studio.media.image import Image
from surfaces.demos.inputs import build_input
from surfaces.demos.outputs import OutputPanel


class After(Outputs):
    before: Annotated[Image, Field(title="Before"), Ui(advanced=True)]
    after: Annotated[Image, Field(title="After"), Ui(before="before")]


class Lost(Outputs):
    after: Annotated[Image, Field(title="After"), Ui(before="elsewhere")]


def task(outputs: type[Outputs]) -> Task:
    adapter = Adapter(name="a", title="A", entry="a:A", memory_mb=1, licence="MIT", source="", kind="embedded")
    return Task(
        name="t", title="T", section="S", summary="", inputs=Inputs, outputs=outputs,
        examples=(Example(title="E", values={}),), adapters=(adapter,),
    )  # fmt: skip


def test_a_slider_holds_both_pictures_in_their_order() -> None:
    dark, light = (Image(np.full((8, 8, 3), level, np.uint8)) for level in (10, 240))
    with gr.Blocks():
        panel = OutputPanel(task(After), data=False)
    assert [type(component) for component in panel.components] == [gr.ImageSlider]
    ((before, after),) = panel.render(After(before=dark, after=light))
    assert [np.asarray(PIL.Image.open(path)).mean() for path in (before, after)] == [10, 240]


def test_what_is_laid_over_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="elsewhere"):
        task(Lost)


def test_a_choice_has_its_pictures_and_stays_one_value(tmp_path: Path) -> None:
    PIL.Image.new("RGB", (8, 8)).save(tmp_path / "b.png")

    class Chosen(Inputs):
        kind: Annotated[Literal["a", "b"], Field(title="Kind"), Ui(pictures={"b": tmp_path / "b.png"})] = "b"

    with gr.Blocks() as blocks:
        field = build_input(describe(Chosen)[0])
    galleries = [block for block in blocks.blocks.values() if isinstance(block, gr.Gallery)]
    assert len(galleries) == len(field.components) == 1
    assert galleries[0].selected_index == 0
    assert field.collect(["a"]) == "a"
    assert field.fill("b") == ["b"]
