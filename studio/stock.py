"""Everything on the shelf as rows, in the words of no surface: what each adapter is, where it is, when it was used."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.contract import Adapter, Task
from studio.downloads import WeightsState
from studio.errors import Forbidden, NotFound
from studio.pool import Resident, model_name

if TYPE_CHECKING:
    from studio.runtime import Runtime


@dataclass(frozen=True)
class StockRow:
    """One adapter of one task.

    Attributes:
        default: whether it is the one that answers where none is chosen.
        resident: the loaded backend, if it is in memory.
        last_used_s: seconds since the epoch; None if it never was.
    """

    task: Task
    adapter: Adapter
    default: bool
    state: WeightsState
    resident: Resident | None
    last_used_s: float | None

    def shape(self) -> dict[str, Any]:
        """The row as JSON, the same on every surface."""
        adapter, state = self.adapter, self.state
        return {
            "task": self.task.name,
            "adapter": adapter.name,
            "title": adapter.title,
            "default": self.default,
            "kind": adapter.kind,
            "licence": adapter.licence,
            "commercial": adapter.commercial,
            "source": adapter.source,
            "state": state.name,
            "reason": state.reason or None,
            "bytes": state.total_bytes,
            "bytes_here": state.done_bytes,
            "bytes_per_s": round(state.bytes_per_s) if state.name == "downloading" else None,
            "seconds_left": round(state.seconds_left, 1) if state.seconds_left is not None else None,
            "memory_mb": self.resident.memory_mb if self.resident else adapter.memory_mb,
            "devices": list(adapter.devices),
            "device": self.resident.device if self.resident else None,
            "last_used": _iso(self.last_used_s),
        }


def stock(runtime: Runtime) -> list[StockRow]:
    """A row for each adapter of each task, in the catalogue's order."""
    residents = {resident.model: resident for resident in runtime.pool.residents()}
    return [_row(runtime, residents, task, adapter) for task in runtime.catalogue for adapter in task.adapters]


def row_of(runtime: Runtime, task: Task, adapter: Adapter) -> StockRow:
    """The row of one adapter."""
    return _row(runtime, {resident.model: resident for resident in runtime.pool.residents()}, task, adapter)


def find(runtime: Runtime, name: str) -> tuple[Task, Adapter]:
    """The adapter that a person names: "adapter", or "task/adapter" where several tasks have different ones so named.

    Raises:
        NotFound: none is named so, or several are and their weights differ.
    """
    task_name, _, adapter_name = name.rpartition("/")
    if task_name:
        task = runtime.catalogue.task(task_name)
        return task, runtime.catalogue.adapter(task, adapter_name)
    found = list(_named(runtime, name))
    families = {(runtime.catalogue.entry(task.name).family, adapter.weights) for task, adapter in found}
    if len(families) == 1:
        return found[0]
    runtime.catalogue.check_allowed(name)
    known = sorted({adapter.name for task in runtime.catalogue for adapter in task.adapters})
    raise NotFound(
        f"Several models are named {name!r}." if found else f"There is no model {name!r}.",
        expected=f"one of {', '.join(f'{task.name}/{adapter.name}' for task, adapter in found) or ', '.join(known)}",
        got=name,
    )


def check_open(runtime: Runtime) -> None:
    """Raise Forbidden where visitors must not fill or empty the operator's disk: on a public demo."""
    if runtime.settings.public:
        raise Forbidden(
            "Models are neither downloaded nor removed by visitors of a public demo.",
            hint="The operator does it with: python -m surfaces.cli pull ADAPTER",
        )


def remove(runtime: Runtime, task: Task, adapter: Adapter) -> None:
    """Cancel the download of an adapter's weights, unload it where it is idle, and remove its files.

    Raises:
        Forbidden: its weights came with the studio.
    """
    family = runtime.catalogue.entry(task.name).family
    runtime.shelf.remove(family, adapter.weights)
    runtime.pool.unload(model_name(family, adapter))


def _named(runtime: Runtime, name: str) -> Iterator[tuple[Task, Adapter]]:
    return ((task, adapter) for task in runtime.catalogue for adapter in task.adapters if adapter.name == name)


def _row(runtime: Runtime, residents: dict[str, Resident], task: Task, adapter: Adapter) -> StockRow:
    family = runtime.catalogue.entry(task.name).family
    model = model_name(family, adapter)
    return StockRow(
        task=task,
        adapter=adapter,
        default=adapter is task.adapters[0],
        state=runtime.shelf.state(family, adapter.weights),
        resident=residents.get(model),
        last_used_s=runtime.ledger.last_used_s(model),
    )


def _iso(seconds: float | None) -> str | None:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds is not None else None
