"""Functions that call back, listened to."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from studio.errors import Cancelled
from studio.telling import told_by


def test_what_is_told_comes_first_and_the_result_last() -> None:
    def work(tell: Callable[[int], None]) -> int:
        for number in range(3):
            tell(number)
        return 10

    assert list(told_by(work, "work")) == [0, 1, 2, 10]


def test_an_error_is_raised_where_it_is_heard() -> None:
    def work(tell: Callable[[int], None]) -> int:
        tell(1)
        raise ValueError("broken")

    heard = told_by(work, "work")
    assert next(heard) == 1
    with pytest.raises(ValueError, match="broken"):
        next(heard)


def test_a_function_that_nobody_hears_ends() -> None:
    ends: list[type[BaseException]] = []
    go_on = threading.Event()

    def work(tell: Callable[[int], None]) -> int:
        tell(0)
        go_on.wait(10)
        try:
            while True:
                tell(1)
        except Cancelled:
            ends.append(Cancelled)
            raise

    heard = told_by(work, "unheard")
    assert next(heard) == 0
    closing = threading.Thread(target=heard.close)
    closing.start()
    go_on.set()
    closing.join(10)
    assert ends == [Cancelled]
    assert "unheard" not in {thread.name for thread in threading.enumerate()}
