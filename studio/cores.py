"""Shares the processor's cores among the runs that compute at the same time.

PyTorch computes with OpenMP: each thread that calls it gets helpers, one fewer than there are cores, and keeps them.
A studio calls it from several threads. Computing at once, they keep each other's helpers from their cores; in turn,
GCC's OpenMP lets helpers sleep between two operations once there are more of them than cores. A small network takes up
to twice as long (`python -m bench.cores`).
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

_SOFT = 1  # omp_pause_soft of OpenMP 5: what is given back is made again when it is needed


class Cores:
    """Limits each run's threads to its share, and takes their helpers back once its answer is out."""

    def __init__(self) -> None:
        self._computing = 0
        self._lock = threading.Lock()
        self._openmp: Any = None
        self._modules = 0  # that were imported when it was looked for
        self._here = threading.local()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Compute in this thread with this run's share of the cores; within one another, that is one run."""
        if getattr(self._here, "computes", False):
            yield
            return
        openmp = self._found()
        cores = _cores(openmp)
        with self._lock:
            self._computing += 1
            share = max(1, cores // self._computing)
        self._here.computes = True
        try:
            with openmp.limit(limits=share) if share < cores else nullcontext():
                yield
        finally:
            self._here.computes = False
            self._here.lent = openmp
            with self._lock:
                self._computing -= 1

    def give_back(self) -> None:
        """End this thread's helpers, if it had any since it last did. OpenMP of other makers has no need of it."""
        openmp, self._here.lent = getattr(self._here, "lent", None), None
        for library in openmp.lib_controllers if openmp is not None else ():
            if library.prefix == "libgomp" and hasattr(library.dynlib, "omp_pause_resource_all"):
                library.dynlib.omp_pause_resource_all(_SOFT)

    def _found(self) -> Any:
        """The OpenMP libraries of this process, of PyTorch and of FAISS; None before either is there."""
        modules = len(sys.modules)
        if modules != self._modules and {"torch", "faiss"} & sys.modules.keys():
            from threadpoolctl import ThreadpoolController

            self._openmp, self._modules = ThreadpoolController().select(user_api="openmp"), modules
        return self._openmp


def usable() -> int:
    """How many cores this process may compute on, for libraries that do not use OpenMP."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cores(openmp: Any) -> int:
    """As many as OpenMP would use, which minds the limits of containers and OMP_NUM_THREADS."""
    return max((each.num_threads for each in openmp.lib_controllers), default=1) if openmp else 1
