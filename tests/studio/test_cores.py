"""Runs that compute at the same time share the cores, and leave no helpers behind."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import torch

from studio.cores import Cores

_OPENMP = "OpenMP" in torch.__config__.parallel_info()


def _threads() -> int:
    return psutil.Process().num_threads()


def _compute() -> int:
    """Something that is worth more than one thread; how many threads the process has right after it."""
    torch.rand(2_000_000).sin().sum()
    return _threads()


@pytest.fixture
def elsewhere() -> ThreadPoolExecutor:
    """Another thread that computes."""
    return ThreadPoolExecutor(1)


def test_alone_a_run_has_all_cores_and_two_have_half_each(elsewhere: ThreadPoolExecutor) -> None:
    cores, inside, leave = Cores(), threading.Event(), threading.Event()
    everything = torch.get_num_threads()

    def other() -> tuple[int, int]:
        with cores.shared():
            alone = torch.get_num_threads()
            inside.set()
            assert leave.wait(20)
        return alone, torch.get_num_threads()

    first = elsewhere.submit(other)
    assert inside.wait(20)
    with cores.shared():
        half = torch.get_num_threads()
        with cores.shared():  # a task that asks another one is one run
            assert torch.get_num_threads() == half
    leave.set()
    assert first.result() == (everything, everything)
    assert half == max(1, everything // 2)
    assert torch.get_num_threads() == everything


def test_the_cores_are_free_again_after_a_failure() -> None:
    cores = Cores()
    everything = torch.get_num_threads()
    for _ in range(3):
        with pytest.raises(ValueError, match="no"), cores.shared():
            raise ValueError("no")
    with cores.shared():
        assert torch.get_num_threads() == everything


@pytest.mark.skipif(not _OPENMP or torch.get_num_threads() < 2, reason="needs OpenMP with several threads")
def test_a_thread_gives_its_helpers_back(elsewhere: ThreadPoolExecutor) -> None:
    cores = Cores()

    def computed() -> tuple[int, int, int]:
        before = _threads()
        with cores.shared():
            inside = _compute()
        return before, inside, _threads()

    before, inside, after = elsewhere.submit(computed).result()
    assert inside > before
    assert after < inside
