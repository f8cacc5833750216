"""Runs that compute at the same time share the cores, and leave no helpers behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from studio.cores import Cores

_OPENMP = "OpenMP" in torch.__config__.parallel_info()


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


_COUNTED = """
import psutil, torch
from studio.cores import Cores
threads = psutil.Process().num_threads
counts = [threads()]
cores = Cores()
with cores.shared():
    torch.rand(2_000_000).sin().sum()
    counts.append(threads())
cores.give_back()
print(*counts, threads())
"""


@pytest.mark.skipif(not _OPENMP, reason="this PyTorch computes without OpenMP")
def test_a_thread_gives_its_helpers_back() -> None:
    several = os.environ | {"OMP_NUM_THREADS": "2"}
    said = subprocess.run([sys.executable, "-c", _COUNTED], env=several, check=True, capture_output=True, text=True)
    before, inside, after = map(int, said.stdout.split())
    assert inside == before + 1
    assert after == before
