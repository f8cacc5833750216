"""The demos as they are built, without a server."""

from __future__ import annotations

from collections import Counter

import pytest

from studio.contract import Task
from surfaces.demos.blocks import build_blocks
from tests.contract.cases import CATALOGUE
from tests.contract.places import Studio


@pytest.mark.parametrize("task", [task for task in CATALOGUE if task.part_of is None], ids=lambda task: task.name)
def test_each_id_names_one_element_of_the_page(studio: Studio, task: Task) -> None:
    blocks = build_blocks(studio.runtime, task)
    ids = Counter(block.elem_id for block in blocks.blocks.values() if block.elem_id)
    assert ids, "the page has no element that a style or a test could name"
    assert [name for name, count in ids.items() if count > 1] == []
