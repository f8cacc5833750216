"""Finds the tasks: every `task.py` in a family's folder is imported, no adapter is."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.contract import Adapter, Task
from studio.errors import Forbidden, NotFound


@dataclass(frozen=True)
class Entry:
    """A task and the folder of the family that declares it."""

    task: Task
    family: Path

    @property
    def picture(self) -> Path | None:
        """A picture of a result, if the family has one: `examples/<task>.webp`."""
        path = self.family / "examples" / f"{self.task.name}.webp"
        return path if path.is_file() else None


class Catalogue:
    """All tasks by name, in the order of their families' and their own declaration."""

    def __init__(self, entries: Sequence[Entry], refused: Sequence[tuple[str, Adapter]] = ()) -> None:
        self._refused = refused  # (task, adapter) that a setting of the operator leaves out
        self._entries: dict[str, Entry] = {}
        for entry in entries:
            if entry.task.name in self._entries:
                raise ValueError(f"two tasks are named {entry.task.name!r}")
            self._entries[entry.task.name] = entry
        for task in self:
            for other in ((task.part_of,) if task.part_of else ()) + (task.chat.helpers if task.chat else ()):
                if other not in self._entries:
                    raise ValueError(f"{task.name} names the task {other!r}, which is not there")

    @classmethod
    def discover(cls, packages: Sequence[str] = ("backends",)) -> Catalogue:
        """Import `<package>/<family>/task.py` of each family and take the tasks in its `TASKS`."""
        entries = []
        for package in packages:
            for root in importlib.import_module(package).__path__:
                for file in sorted(Path(root).glob("*/task.py")):
                    module = importlib.import_module(f"{package}.{file.parent.name}.task")
                    entries += [Entry(task, file.parent) for task in module.TASKS]
        return cls(entries)

    def for_commercial_use(self) -> Catalogue:
        """The same without the adapters whose licence forbids commercial use; a task left with none goes too."""
        entries, refused = [], []
        for entry in self._entries.values():
            kept = tuple(adapter for adapter in entry.task.adapters if adapter.commercial)
            refused += [(entry.task.name, adapter) for adapter in entry.task.adapters if not adapter.commercial]
            if kept:
                entries.append(Entry(entry.task.model_copy(update={"adapters": kept}), entry.family))
        names = {entry.task.name for entry in entries}
        return Catalogue([e for e in entries if e.task.part_of is None or e.task.part_of in names], refused)

    def check_allowed(self, adapter: str | None = None, task: str | None = None) -> None:
        """Raise Forbidden if what is named was left out by `for_commercial_use`."""
        for task_name, refused in self._refused:
            if task in (None, task_name) and adapter in (None, refused.name):
                raise Forbidden(
                    f"{refused.title} must not be used commercially, and this studio is set to commercial use.",
                    field="adapter",
                    expected="a model whose licence allows commercial use",
                    got=f"{refused.name}, licence {refused.licence}",
                    hint="The operator sets this with ATELIER_USE.",
                )

    def __iter__(self) -> Iterator[Task]:
        return (entry.task for entry in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def entry(self, name: str) -> Entry:
        """The task of that name with its family. Raises NotFound."""
        try:
            return self._entries[name]
        except KeyError:
            self.check_allowed(task=name)
            known = ", ".join(self._entries)
            raise NotFound(f"There is no task {name!r}.", expected=f"one of {known}", got=name) from None

    def task(self, name: str) -> Task:
        """The task of that name. Raises NotFound."""
        return self.entry(name).task

    def adapter(self, task: Task, name: str | None) -> Adapter:
        """The adapter of that name, or the default one. Raises NotFound."""
        adapter = task.adapter(name)
        if adapter is None:
            self.check_allowed(name, task.name)
            known = ", ".join(a.name for a in task.adapters)
            raise NotFound(
                f"{task.title} has no adapter {name!r}.", field="adapter", expected=f"one of {known}", got=name
            )
        return adapter

    def parts(self, name: str) -> list[Task]:
        """The tasks that are shown on that task's page, itself not among them."""
        return [task for task in self if task.part_of == name]
