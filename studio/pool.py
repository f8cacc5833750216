"""The pool of loaded backends: loaded at first use, leased to calls, unloaded when memory or time is up."""

from __future__ import annotations

import importlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio import devices
from studio.contract import Adapter, Backend
from studio.devices import choose_device
from studio.errors import BackendFailed
from studio.ledger import Ledger
from studio.weights import Shelf, Weights

log = logging.getLogger(__name__)

Key = tuple[str, str]  # model, device: two tasks with the same two share one loaded backend

#: A load that seems to take less than this share of what was declared was served from memory freed before, or mapped
#: its files without reading them: that is no measure.
_LEAST_MEASURE = 0.1
#: The rest of the studio takes and gives back some MB meanwhile, so that a smaller model cannot be measured.
_LEAST_MEASURE_MB = 16


@dataclass
class Loaded:
    """A backend in memory.

    Attributes:
        remark: what whoever gets its answer should know, empty if nothing.
        leases: calls that compute in it now.
        paused: calls that wait for another task's answer; see `Pool.paused`.
        remote: whether it is in the memory of another process, whose operator says on which device.
    """

    key: Key
    title: str
    entry: str
    backend: Any
    memory_mb: int
    load_s: float
    concurrency: int
    remark: str = ""
    remote: bool = False
    leases: int = 0
    paused: int = 0
    last_used_s: float = field(default_factory=time.monotonic)
    uses: int = 0

    @property
    def idle(self) -> bool:
        """Whether no call is in it, so that it can be unloaded."""
        return self.leases == 0 and self.paused == 0

    @property
    def device(self) -> str:
        """Where it is."""
        return self.key[1]


@dataclass(frozen=True)
class Resident:
    """What the pages show of a loaded backend."""

    model: str
    title: str
    entry: str
    device: str
    memory_mb: int
    leases: int
    uses: int
    idle_s: float


def model_name(family: Path, adapter: Adapter) -> str:
    """One name for what is loaded: adapters of two tasks with the same share one backend."""
    return f"{family.name}/{adapter.entry}/{adapter.weights}"


def import_entry(entry: str) -> Any:
    """The object that "package.module:name" names."""
    module, _, name = entry.partition(":")
    return getattr(importlib.import_module(module), name)


class Pool:
    """Loaded backends within a memory budget for the machine and one for its GPU.

    One load at a time per backend, however many calls wait for it. A leased backend is never unloaded. What does not
    fit is loaded once enough leases have ended; a single model larger than the budget is loaded alone. What a model
    takes is measured when it is loaded, and counts from then on instead of what its adapter declares.

    Args:
        shelf: where weights are found.
        memory_mb: the budget of the machine.
        keep_alive_s: seconds after which an idle backend is unloaded; 0 keeps it.
        device: the operator's wish, "auto" or a device.
        on_load: told (title, seconds) after each load.
        gpu_memory_mb: the budget of the GPU; a share of it where none is given.
        ledger: where measured sizes are kept.
    """

    def __init__(
        self,
        shelf: Shelf,
        memory_mb: int,
        keep_alive_s: float,
        device: str,
        on_load: Callable[[str, float], None] = lambda title, seconds: None,
        *,
        gpu_memory_mb: int | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self._shelf = shelf
        self._memory_mb = memory_mb
        self._gpu_memory_mb = gpu_memory_mb
        self._keep_alive_s = keep_alive_s
        self._device = device
        self._on_load = on_load
        self._ledger = ledger or Ledger()
        self._loaded: dict[Key, Loaded] = {}
        self._loading: dict[Key, int] = {}  # memory reserved by loads in progress, MB
        self._loads = 0  # begun so far, to tell whether another one came between two measurements
        self._changed = threading.Condition()
        self._closed = threading.Event()
        if keep_alive_s > 0:
            threading.Thread(target=self._sweep, name="pool-sweep", daemon=True).start()

    @contextmanager
    def lease(
        self,
        family: Path,
        adapter: Adapter,
        check: Callable[[], None] = lambda: None,
        *,
        device: str | None = None,
    ) -> Iterator[Loaded]:
        """Lend the backend of an adapter for the time of one call, loading it first if need be.

        Args:
            check: called while waiting; may raise to give up.
            device: where it has to be; chosen where None.

        Raises:
            WeightsUnavailable: its weights are missing or wrong.
        """
        model = model_name(family, adapter)
        loaded = self._obtain(model, device or choose_device(self._device, adapter), family, adapter, check)
        try:
            yield loaded
        finally:
            with self._changed:
                loaded.leases -= 1
                loaded.uses += 1
                loaded.last_used_s = time.monotonic()
                self._changed.notify_all()

    @contextmanager
    def paused(self, loaded: Loaded, check: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hand a lease back for a while, in which its call asks another task, and take it again.

        A call that waits so holds no place in any backend: whatever asks whatever, nobody waits for himself or in a
        circle. The backend stays in memory. What is loaded meanwhile waits for calls that compute, not for paused ones:
        where these alone take the memory, the budget is exceeded rather than waited for, until they go on.

        Args:
            check: called while waiting to get the lease back; may raise to give up.
        """
        with self._changed:
            loaded.leases -= 1
            loaded.paused += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                try:
                    while loaded.leases >= loaded.concurrency:
                        check()
                        self._changed.wait(0.1)
                finally:  # who gives up has a lease to hand back too
                    loaded.paused -= 1
                    loaded.leases += 1
                    self._trim(loaded.device)

    def _obtain(self, model: str, device: str, family: Path, adapter: Adapter, check: Callable[[], None]) -> Loaded:
        """A lease of a loaded backend. Where a GPU has too little memory for it even alone, of one on the CPU."""
        key = (model, device)
        memory_mb = self._ledger.memory_mb(model, device) or adapter.memory_mb
        loaded = self._take(key, memory_mb, check)
        if loaded is None:
            loaded = self._load(key, memory_mb, family, adapter)
        if loaded is not None:
            return loaded
        if "cpu" not in adapter.devices:
            raise BackendFailed(
                f"The GPU has too little memory for {adapter.title}.",
                expected=f"about {memory_mb:,} MB",
                got=f"{devices.total_mb(device):,} MB, of which some is taken",
                hint="Choose a smaller model, or end other programs that use the GPU.",
            )
        loaded = self._obtain(model, "cpu", family, adapter, check)
        loaded.remark = f"Ran on the CPU: the GPU has too little memory for {adapter.title}."
        return loaded

    def _take(self, key: Key, memory_mb: int, check: Callable[[], None]) -> Loaded | None:
        """A free lease of a loaded backend, or None once this caller has reserved the right and memory to load it."""
        with self._changed:
            while True:
                check()
                loaded = self._loaded.get(key)
                if loaded is not None:
                    if loaded.leases < loaded.concurrency:
                        loaded.leases += 1
                        return loaded
                elif key not in self._loading and self._make_room(key[1], memory_mb):
                    self._loading[key] = memory_mb
                    self._loads += 1
                    return None
                self._changed.wait(0.1)

    def _make_room(self, device: str, memory_mb: int) -> bool:
        """Unload the least recently used idle backends of a device until that much fits; whether it does."""
        while self._used_mb(device) + memory_mb > self.budget_of(device):
            here = self._on(device)
            idle = [loaded for loaded in here if loaded.idle]
            if not idle:  # whatever will not become free soon is not waited for
                computing = any(loaded.leases for loaded in here)
                return not computing and not any(_memory_of(key[1]) == _memory_of(device) for key in self._loading)
            self._drop(min(idle, key=lambda loaded: loaded.last_used_s))
        return True

    def _trim(self, device: str) -> None:
        """Unload what is idle and beyond the budget."""
        while self._used_mb(device) > self.budget_of(device) and len(self._on(device)) > 1:
            idle = [loaded for loaded in self._on(device) if loaded.idle]
            if not idle:
                return
            self._drop(min(idle, key=lambda loaded: loaded.last_used_s))

    def _on(self, device: str) -> list[Loaded]:
        """What shares a device's memory."""
        return [loaded for loaded in self._loaded.values() if _memory_of(loaded.device) == _memory_of(device)]

    def _used_mb(self, device: str) -> int:
        loaded = sum(loaded.memory_mb for loaded in self._on(device))
        return loaded + sum(mb for key, mb in self._loading.items() if _memory_of(key[1]) == _memory_of(device))

    def _load(self, key: Key, memory_mb: int, family: Path, adapter: Adapter) -> Loaded | None:
        """Load what was reserved; None where a GPU's memory does not suffice even with all idle models gone."""
        started_s = time.perf_counter()
        _, device = key
        loaded = None
        try:
            # what its modules take stays when it goes, so they come before the measurement
            factory: Callable[..., Backend] = import_entry(adapter.entry)
            weights = self._shelf.resolve(family, adapter.weights, adapter.name)
            loads, before_mb = self._loads, devices.used_mb(device)
            backend = _built(factory, weights, device)
            if backend is None:
                self.evict(device)
                backend = _built(factory, weights, device)
            if backend is not None:
                load_s = time.perf_counter() - started_s
                measured_mb = round(devices.used_mb(device) - before_mb)
                loaded = Loaded(key, adapter.title, adapter.entry, backend, memory_mb, load_s, adapter.concurrency)
                loaded.leases = 1
                with self._changed:
                    alone = loads == self._loads and len(self._loading) == 1
                    if alone and measured_mb > max(_LEAST_MEASURE_MB, _LEAST_MEASURE * adapter.memory_mb):
                        self._ledger.measured(key[0], device, measured_mb)
                        loaded.memory_mb = self._ledger.memory_mb(key[0], device) or measured_mb
                    self._loaded[key] = loaded
        finally:
            with self._changed:
                del self._loading[key]
                self._changed.notify_all()
            if loaded is None:
                devices.give_back()
        if loaded is not None:
            log.info("loaded %s on %s in %.2f s, %d MB", adapter.title, device, loaded.load_s, loaded.memory_mb)
            self._on_load(adapter.title, loaded.load_s)
        return loaded

    def _drop(self, *dropped: Loaded) -> None:
        """Unload backends. Their memory is given back for all at once: 0.4 to 0.5 s in a studio that has all loaded."""
        for loaded in dropped:
            del self._loaded[loaded.key]
            loaded.backend = None
        if dropped:
            devices.give_back()
        for loaded in dropped:
            log.info("unloaded %s", loaded.title)

    def evict(self, device: str) -> None:
        """Unload all idle backends of a device."""
        with self._changed:
            self._drop(*[loaded for loaded in self._loaded.values() if loaded.idle and loaded.device == device])
            self._changed.notify_all()
        devices.give_back()

    def unload(self, model: str) -> bool:
        """Unload a model, by its `model_name`, wherever it is idle; whether it was somewhere."""
        with self._changed:
            found = [x for x in self._loaded.values() if x.key[0] == model and x.idle]
            self._drop(*found)
            self._changed.notify_all()
        return bool(found)

    def residents(self) -> list[Resident]:
        """What is in memory now."""
        now_s = time.monotonic()
        with self._changed:
            return [
                Resident(
                    loaded.key[0],
                    loaded.title,
                    loaded.entry,
                    loaded.device,
                    loaded.memory_mb,
                    loaded.leases + loaded.paused,
                    loaded.uses,
                    0.0 if not loaded.idle else now_s - loaded.last_used_s,
                )
                for loaded in self._loaded.values()
            ]

    @property
    def budget_mb(self) -> int:
        """The memory budget of the machine in MB."""
        return self._memory_mb

    def budget_of(self, device: str) -> int:
        """The memory budget of a device in MB."""
        if _memory_of(device) == "machine":
            return self._memory_mb
        if self._gpu_memory_mb is None:
            self._gpu_memory_mb = int(devices.total_mb(device) * devices.GPU_SHARE)
        return self._gpu_memory_mb

    def _sweep(self) -> None:
        while not self._closed.wait(min(self._keep_alive_s, 30)):
            with self._changed:
                before_s = time.monotonic() - self._keep_alive_s
                self._drop(*[one for one in self._loaded.values() if one.idle and one.last_used_s < before_s])

    def close(self) -> None:
        """Unload everything that is idle and stop sweeping."""
        self._closed.set()
        with self._changed:
            self._drop(*[loaded for loaded in self._loaded.values() if loaded.idle])


def _memory_of(device: str) -> str:
    """Whose memory a device uses: an Apple GPU shares the machine's."""
    return "gpu" if device == "cuda" else "machine"


def _built(factory: Callable[..., Backend], weights: Weights, device: str) -> Backend | None:
    """The backend, or None where the GPU's memory does not suffice: its half-built parts go with this frame."""
    try:
        return factory(weights, device)
    except RuntimeError as fault:
        if device == "cpu" or not devices.out_of_gpu_memory(fault):
            raise
        log.warning("%s: out of GPU memory while loading", factory)
    devices.give_back()
    return None
