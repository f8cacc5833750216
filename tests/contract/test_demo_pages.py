"""The demos as they are built, without a server."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Annotated, Any

import gradio as gr
import pytest
from pydantic import Field

from studio.contract import Outputs, Task, Ui
from studio.fields import describe
from studio.jobs import Job
from studio.media.image import Image
from surfaces.demos.blocks import build_blocks
from surfaces.demos.outputs import OutputPanel, readout_html
from tests.contract.cases import CATALOGUE
from tests.contract.places import Studio


@pytest.mark.parametrize("task", [task for task in CATALOGUE if task.part_of is None], ids=lambda task: task.name)
def test_each_id_names_one_element_of_the_page(studio: Studio, task: Task) -> None:
    blocks = build_blocks(studio.runtime, task)
    ids = Counter(block.elem_id for block in blocks.blocks.values() if block.elem_id)
    assert ids, "the page has no element that a style or a test could name"
    assert [name for name, count in ids.items() if count > 1] == []


def test_the_last_event_has_the_result_though_the_one_before_had_it(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run can end while one of its changes is told: then its end is told twice, and a client returns the second."""

    async def told_twice(job: Job) -> AsyncIterator[Job]:
        assert await asyncio.to_thread(job.wait, 30)
        for _ in range(2):
            yield job

    monkeypatch.setattr(Job, "follow", told_twice)
    blocks = build_blocks(studio.runtime, CATALOGUE.task("specimen_stream"))
    (event,) = [event for event in blocks.fns.values() if event.api_name == "run"]
    request = SimpleNamespace(headers={"authorization": "Bearer of-nobody-else"})
    position = [getattr(component, "label", "") for component in event.outputs].index("Result")

    async def answers() -> list[Any]:
        handle: Any = event.fn
        return [outputs[position] async for outputs in handle(2, 0.0, "", request)]

    assert [answer["step"] for answer in asyncio.run(answers())] == [2, 2]


class Row(Outputs):
    verdict: str = Field(title="Verdict")
    order: list[int] = Field(title="Order")
    scores: list[float] = Field(title="Scores")
    notes: list[str] = Field(title="Notes")


def test_lists_of_numbers_are_figures_and_lists_of_texts_are_notes() -> None:
    row = Row(verdict="a < b", order=[1, 0], scores=[0.12345] * 9, notes=["One & more."])
    shown = readout_html(describe(Row), row)
    assert '<p class="headline">a &lt; b</p>' in shown
    assert "<dt>Order</dt><dd>1, 0</dd>" in shown
    assert f"<dt>Scores</dt><dd>{'0.1235, ' * 8}...</dd>" in shown
    assert "<ul><li>One &amp; more.</li></ul>" in shown


class Pictures(Outputs):
    """Two that stand side by side, and a wide one."""

    left: Image
    wide: Annotated[Image, Ui(wide=True)]
    right: Image


def test_a_wide_picture_has_a_row_of_its_own() -> None:
    with gr.Blocks():
        panel = OutputPanel(CATALOGUE.task("specimen_echo").model_copy(update={"outputs": Pictures}))
    left, right, wide = panel.components[:3]
    assert [c.elem_id for c in (left, right, wide)] == ["output-left", "output-right", "output-wide"]
    assert left.parent is right.parent
    assert isinstance(left.parent, gr.Row)
    assert not isinstance(wide.parent, gr.Row)
    assert (left.height, wide.height) == (320, None)
