"""How many runs an owner may start in a minute."""

from __future__ import annotations

import pytest

from studio.errors import TooManyRuns
from studio.rate import RunRate


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_so_many_at_once_and_then_evenly() -> None:
    clock = Clock()
    rate = RunRate(6, clock)
    for _ in range(6):
        rate.count("ann")
    with pytest.raises(TooManyRuns) as refused:
        rate.count("ann")
    assert refused.value.retry_after_s == 10
    rate.count("ben")
    clock.now_s += 9.9
    with pytest.raises(TooManyRuns):
        rate.count("ann")
    clock.now_s += 0.2
    rate.count("ann")
    clock.now_s += 3600
    for _ in range(6):
        rate.count("ann")
    with pytest.raises(TooManyRuns):
        rate.count("ann")


def test_nought_sets_no_limit() -> None:
    rate = RunRate(0)
    for _ in range(1000):
        rate.count("ann")


def test_who_has_not_run_for_a_minute_is_forgotten() -> None:
    clock = Clock()
    rate = RunRate(2, clock)
    for number in range(10_001):
        rate.count(f"owner {number}")
    clock.now_s += 60
    rate.count("ann")
    assert len(rate._buckets) == 1
