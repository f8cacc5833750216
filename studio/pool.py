"""The pool of loaded backends: loaded at first use, leased to calls, unloaded when memory or time is up."""

from __future__ import annotations

import gc
import importlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.contract import Adapter, Backend
from studio.weights import Shelf

log = logging.getLogger(__name__)

Key = tuple[str, str, str]  # family, entry, weights: two tasks with the same three share one loaded backend


@dataclass
class Loaded:
    """A backend in memory."""

    key: Key
    title: str
    backend: Any
    device: str
    memory_mb: int
    load_s: float
    concurrency: int
    leases: int = 0
    last_used_s: float = field(default_factory=time.monotonic)
    uses: int = 0


@dataclass(frozen=True)
class Resident:
    """What the system page shows of a loaded backend."""

    title: str
    entry: str
    device: str
    memory_mb: int
    leases: int
    uses: int
    idle_s: float


def choose_device(wanted: str, adapter: Adapter) -> str:
    """The device an adapter runs on: the first of its own that this machine has, or the operator's if it can use it."""
    candidates = adapter.devices if wanted == "auto" else tuple(d for d in adapter.devices if d in (wanted, "cpu"))
    for device in candidates or ("cpu",):
        if device == "cpu" or _has(device):
            return device
    return "cpu"


def _has(device: str) -> bool:
    import torch

    return torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()


def import_entry(entry: str) -> Any:
    """The object that "package.module:name" names."""
    module, _, name = entry.partition(":")
    return getattr(importlib.import_module(module), name)


class Pool:
    """Loaded backends within a memory budget.

    One load at a time per backend, however many calls wait for it. A leased backend is never unloaded. What does not
    fit is loaded once enough leases have ended; a single model larger than the budget is loaded alone.

    Args:
        shelf: where weights are found.
        memory_mb: the budget.
        keep_alive_s: seconds after which an idle backend is unloaded; 0 keeps it.
        device: the operator's wish, "auto" or a device.
        on_load: told (title, seconds) after each load.
    """

    def __init__(
        self,
        shelf: Shelf,
        memory_mb: int,
        keep_alive_s: float,
        device: str,
        on_load: Callable[[str, float], None] = lambda title, seconds: None,
    ) -> None:
        self._shelf = shelf
        self._memory_mb = memory_mb
        self._keep_alive_s = keep_alive_s
        self._device = device
        self._on_load = on_load
        self._loaded: dict[Key, Loaded] = {}
        self._loading: dict[Key, int] = {}  # memory reserved by loads in progress, MB
        self._changed = threading.Condition()
        self._closed = threading.Event()
        if keep_alive_s > 0:
            threading.Thread(target=self._sweep, name="pool-sweep", daemon=True).start()

    @contextmanager
    def lease(self, family: Path, adapter: Adapter, check: Callable[[], None] = lambda: None) -> Iterator[Loaded]:
        """Lend the backend of an adapter for the time of one call, loading it first if need be.

        Args:
            check: called while waiting; may raise to give up.

        Raises:
            WeightsUnavailable: its weights are missing or wrong.
        """
        key = (family.name, adapter.entry, adapter.weights)
        loaded = self._take(key, adapter, check)
        if loaded is None:
            loaded = self._load(key, family, adapter)
        try:
            yield loaded
        finally:
            with self._changed:
                loaded.leases -= 1
                loaded.uses += 1
                loaded.last_used_s = time.monotonic()
                self._changed.notify_all()

    def _take(self, key: Key, adapter: Adapter, check: Callable[[], None]) -> Loaded | None:
        """A free lease of a loaded backend, or None once this caller has reserved the right and memory to load it."""
        with self._changed:
            while True:
                check()
                loaded = self._loaded.get(key)
                if loaded is not None:
                    if loaded.leases < loaded.concurrency:
                        loaded.leases += 1
                        return loaded
                elif key not in self._loading and self._make_room(adapter.memory_mb):
                    self._loading[key] = adapter.memory_mb
                    return None
                self._changed.wait(0.1)

    def _make_room(self, memory_mb: int) -> bool:
        """Unload the least recently used idle backends until that much fits; whether it does."""
        while self._used_mb() + memory_mb > self._memory_mb:
            idle = [loaded for loaded in self._loaded.values() if loaded.leases == 0]
            if not idle:
                return not self._loaded and not self._loading
            self._drop(min(idle, key=lambda loaded: loaded.last_used_s))
        return True

    def _used_mb(self) -> int:
        return sum(loaded.memory_mb for loaded in self._loaded.values()) + sum(self._loading.values())

    def _load(self, key: Key, family: Path, adapter: Adapter) -> Loaded:
        started_s = time.perf_counter()
        try:
            device = choose_device(self._device, adapter)
            factory: Callable[..., Backend] = import_entry(adapter.entry)
            backend = factory(self._shelf.resolve(family, adapter.weights), device)
            load_s = time.perf_counter() - started_s
            loaded = Loaded(
                key, adapter.title, backend, device, adapter.memory_mb, load_s, adapter.concurrency, leases=1
            )
            with self._changed:
                self._loaded[key] = loaded
        finally:
            with self._changed:
                del self._loading[key]
                self._changed.notify_all()
        log.info("loaded %s on %s in %.2f s", adapter.title, device, load_s)
        self._on_load(adapter.title, load_s)
        return loaded

    def _drop(self, loaded: Loaded) -> None:
        del self._loaded[loaded.key]
        loaded.backend = None
        gc.collect()
        log.info("unloaded %s", loaded.title)

    def unload(self, entry: str) -> bool:
        """Unload a backend by its entry string if it is idle; whether it was."""
        with self._changed:
            for loaded in list(self._loaded.values()):
                if loaded.key[1] == entry and loaded.leases == 0:
                    self._drop(loaded)
                    self._changed.notify_all()
                    return True
        return False

    def residents(self) -> list[Resident]:
        """What is in memory now."""
        now_s = time.monotonic()
        with self._changed:
            return [
                Resident(
                    loaded.title,
                    loaded.key[1],
                    loaded.device,
                    loaded.memory_mb,
                    loaded.leases,
                    loaded.uses,
                    0.0 if loaded.leases else now_s - loaded.last_used_s,
                )
                for loaded in self._loaded.values()
            ]

    @property
    def budget_mb(self) -> int:
        """The memory budget in MB."""
        return self._memory_mb

    def _sweep(self) -> None:
        while not self._closed.wait(min(self._keep_alive_s, 30)):
            with self._changed:
                before_s = time.monotonic() - self._keep_alive_s
                for loaded in list(self._loaded.values()):
                    if loaded.leases == 0 and loaded.last_used_s < before_s:
                        self._drop(loaded)

    def close(self) -> None:
        """Unload everything that is idle and stop sweeping."""
        self._closed.set()
        with self._changed:
            for loaded in list(self._loaded.values()):
                if loaded.leases == 0:
                    self._drop(loaded)
