"""Batches: each input a run of its own, one at fault fails alone, and nobody else sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from studio.batches import Item, short_answers
from studio.errors import NotFound, TooLarge
from studio.run_rows import Wanted
from studio.runtime import Runtime
from tests.families.specimens.task import EXAMPLES

LONG = {"steps": 1000, "pause_s": 0.02}


def items(*steps: Any, **values: Any) -> list[Item]:
    return [Item(f"row {number}", {"steps": step} | values) for number, step in enumerate(steps, 1)]


def test_each_input_is_a_run(make_runtime: Callable[..., Runtime]) -> None:
    runtime = make_runtime(workers=1, queue_limit=1)  # less room than the batch would like
    batch = runtime.batch("specimen_stream", items(1, "many", 3, 2, 4, 5, 6), owner="anna")
    assert batch.wait(20)
    assert [item.state for item in batch.items] == ["done", "failed", *["done"] * 5]
    assert [item.answers.get("text") for item in batch.items][:3] == ["1", None, "1 2 3"]
    assert "integer" in batch.items[1].error
    assert all(item.values == {} for item in batch.items), "what was sent is let go"
    assert runtime.runs.writer.settle(10)
    kept = runtime.runs.page("anna", Wanted(batch=batch.id))
    assert {row.id for row in kept} == {item.run for item in batch.items if item.run}
    assert len(kept) == batch.count_done - 1
    assert runtime.batches.latest("anna", "specimen_stream") is batch
    with pytest.raises(NotFound):
        runtime.batches.get(batch.id, "bob")
    assert runtime.batches.latest("bob", "specimen_stream") is None


def test_a_batch_is_cancelled(runtime: Runtime) -> None:
    batch = runtime.batch("specimen_stream", items(*[1000] * 9, pause_s=0.02), owner="anna")
    assert not batch.wait(0.3)
    assert 0 < len(runtime.jobs.unfinished()) <= 4, "not all at once: others want their turn"
    batch.cancel()
    assert batch.wait(10)
    assert {item.state for item in batch.items} == {"cancelled"}


def test_a_batch_ends_with_the_studio(make_runtime: Callable[..., Runtime]) -> None:
    runtime = make_runtime()
    batch = runtime.batch("specimen_stream", items(*[1000] * 9, pause_s=0.02))
    runtime.close()
    assert batch.wait(5)
    assert {item.state for item in batch.items} == {"cancelled"}


def test_the_limits(make_runtime: Callable[..., Runtime]) -> None:
    runtime = make_runtime(max_batch_items=2)
    with pytest.raises(TooLarge, match="2 items"):
        runtime.batch("specimen_stream", items(1, 2, 3))
    with pytest.raises(NotFound):
        runtime.batch("specimen_stream", items(1), adapter="none")


def test_what_fits_into_a_cell(runtime: Runtime) -> None:
    values = runtime.example(runtime.catalogue.task("specimen_echo")) | {"image": EXAMPLES / "picture.png"}
    outputs = runtime.run("specimen_echo", values).outputs
    assert outputs is not None
    assert short_answers(outputs) == {
        "scores": "yes", "scores_score": 0.75, "text": "Hello", "markdown": "**Hello**", "files": "", "images": "",
        "count": 3, "length_s": 1.5, "loud": False, "mode": "plain", "words": "one; two",
    }  # fmt: skip
