"""How many runs an owner may start in a minute."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from studio.errors import TooManyRuns

_MINUTE_S = 60.0
_OWNERS = 10_000


class RunRate:
    """A token bucket for each owner (https://en.wikipedia.org/wiki/Token_bucket): full at first, filled evenly.

    Args:
        per_minute: how many runs one owner may start in a minute, and how many at once; 0 sets no limit.
        clock: seconds that only grow.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # by owner: runs left, and when that was so
        self._lock = threading.Lock()

    def count(self, owner: str) -> None:
        """Count one run of an owner.

        Raises:
            TooManyRuns: they have started too many; says when the next one may come.
        """
        if not self._per_minute:
            return
        now_s = self._clock()
        with self._lock:
            left = self._left(owner, now_s)
            if left >= 1:
                self._buckets[owner] = (left - 1, now_s)
                self._forget(now_s)
                return
        wait_s = math.ceil((1 - left) * _MINUTE_S / self._per_minute)
        raise TooManyRuns(
            "You have started too many runs in the last minute.",
            expected=f"at most {self._per_minute} runs a minute",
            hint=f"Try again in {wait_s} s. The operator can raise ATELIER_RUNS_PER_MINUTE.",
            retry_after_s=wait_s,
        )

    def _left(self, owner: str, now_s: float) -> float:
        left, then_s = self._buckets.get(owner, (float(self._per_minute), now_s))
        return min(self._per_minute, left + (now_s - then_s) * self._per_minute / _MINUTE_S)

    def _forget(self, now_s: float) -> None:
        """Leave out those whose bucket is full again: they are like somebody who was never here."""
        if len(self._buckets) > _OWNERS:
            self._buckets = {
                owner: bucket for owner, bucket in self._buckets.items() if self._left(owner, now_s) < self._per_minute
            }
