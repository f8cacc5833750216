"""Listens to functions that tell what they do by calling back: what they tell becomes an iterator."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

from studio.errors import Cancelled

T = TypeVar("T")


@dataclass(frozen=True)
class _Last(Generic[T]):
    value: T


def told_by(work: Callable[[Callable[[T], None]], T], name: str) -> Generator[T, None, None]:
    """What a function tells while it works, and in the end what it returns.

    It runs in a thread of its own. When nobody listens any more, its next call of `tell` raises Cancelled, and closing
    the iterator waits for that.

    Args:
        work: is given `tell`, to be called with each value.
        name: of the thread.

    Raises:
        Exception: what the function raises.
    """
    told: queue.SimpleQueue[T | _Last[T] | BaseException] = queue.SimpleQueue()
    unheard = threading.Event()

    def tell(value: T) -> None:
        if unheard.is_set():
            raise Cancelled("Nobody listens any more.")
        told.put(value)

    def run() -> None:
        try:
            told.put(_Last(work(tell)))
        except BaseException as error:  # noqa: BLE001 - it is raised where the values are heard
            told.put(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        while not isinstance(value := told.get(), _Last):
            if isinstance(value, BaseException):
                raise value
            yield value
        yield value.value
    finally:
        unheard.set()
        thread.join()
