"""The runtime: every example of every adapter, and every bad input, refused before any model is loaded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studio.errors import InvalidInput
from studio.fields import describe
from studio.jobs import Job
from tests.contract.cases import BAD_TYPED, GOOD, Bad, Good
from tests.contract.checks import check_error
from tests.contract.places import Studio


@pytest.mark.parametrize("case", GOOD)
def test_an_example_runs(run_once: Callable[[Good], Job], case: Good) -> None:
    job = run_once(case)
    assert (job.state, job.adapter, job.progress, job.device) == ("done", case.adapter.name, 1.0, "cpu")
    assert isinstance(job.outputs, case.task.outputs)
    assert [spec.name for spec in describe(case.task.outputs)] == list(job.outputs.model_dump())


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("case", BAD_TYPED)
def test_bad_input_is_refused(studio: Studio, case: Bad) -> None:
    with pytest.raises(InvalidInput) as caught:
        studio.runtime.submit(case.task.name, case.values, owner="careless")
    check_error(dict(caught.value.shape()), case.field)
    assert caught.value.status == case.status
    assert studio.runtime.jobs.of("careless") == []
