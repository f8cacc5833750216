"""The REST interface against its own OpenAPI document: whatever is sent, the answer is one that the document names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from studio.catalogue import Catalogue
from studio.runtime import Runtime
from surfaces import rest
from surfaces.identity import Identity
from tests.contract.checks import check_no_inside

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    # hypothesis takes it for a strategy's if a run, in a thread of its own, draws from `random` meanwhile
    pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies"),
]

CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
#: how many requests for each operation
EXAMPLES = 12


@pytest.fixture
def app(make_runtime: Callable[..., Runtime]) -> Any:
    """The REST interface over the real tasks, with a queue that is never full."""
    return Identity(rest.build(make_runtime(Catalogue.discover(("backends",)), queue_limit=10_000)))


def test_every_operation(app: Any, key: dict[str, str], subtests: pytest.Subtests) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > len(list(Catalogue.discover(("backends",)))), "one for each task, and the others"
    for operation in operations:
        with subtests.test(operation.label):
            _fuzz(operation, key)


def _fuzz(operation: Any, key: dict[str, str]) -> None:
    """Requests as the document describes them, and damaged ones; the same in each run of the test."""

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def as_described(case: Any) -> None:
        _check(case, key)

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def damaged(case: Any) -> None:
        _check(case, key)

    as_described()
    if operation.body:  # any text is a possible id: there is nothing to damage in the other operations
        damaged()


def _check(case: Any, key: dict[str, str]) -> None:
    answer = case.call(headers=key, timeout=200)  # the first one may load a model
    assert answer.status_code != 500, answer.text
    case.validate_response(answer, checks=CHECKS)
    check_no_inside(answer.text)
