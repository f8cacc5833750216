"""Every model's run is kept and read again as it was, and repeated it gives the same answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.jobs import Job
from tests.contract.cases import GOOD, Good
from tests.contract.checks import written
from tests.contract.places import Studio

#: the first example of each adapter, of tasks whose runs are kept
FIRST = [case for case in GOOD if case.values[0].example is case.values[0].task.examples[0]]
KEPT = [case for case in FIRST if not case.values[0].task.stores]


@pytest.mark.parametrize("case", KEPT)
def test_a_run_is_kept_and_repeated(
    studio: Studio, run_once: Callable[[Good], Job], tmp_path: Path, case: Good
) -> None:
    runtime, job = studio.runtime, run_once(case)
    assert runtime.runs.writer.settle(20)
    read = runtime.runs.read(job.id, job.owner)
    for name in ("inputs", "outputs"):
        before, after = (written(getattr(each, name), tmp_path / f"{name}-{each is job}") for each in (job, read))
        assert after == before
    again = runtime.submit(job.task, read.inputs, adapter=job.adapter, owner=job.owner)
    assert again.wait(60)
    assert again.error is None
    repeated, first = written(again.outputs, tmp_path / "repeated"), written(job.outputs, tmp_path / "first")
    assert repeated == first, "the same inputs and weights, the same answer"
    assert not runtime.weights_changed(runtime.runs.row(job.id, job.owner))


def test_what_is_stored_elsewhere_is_not_kept_here() -> None:
    storing = {case.values[0].task.name for case in FIRST} - {case.values[0].task.name for case in KEPT}
    assert "face_enrolment" in storing
    assert "document_index" in storing
