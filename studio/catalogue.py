"""Finds the tasks: every `task.py` in a family's folder is imported, no adapter is."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.contract import Adapter, Task
from studio.errors import NotFound


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

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries: dict[str, Entry] = {}
        for entry in entries:
            if entry.task.name in self._entries:
                raise ValueError(f"two tasks are named {entry.task.name!r}")
            self._entries[entry.task.name] = entry
        for entry in entries:
            if entry.task.part_of and entry.task.part_of not in self._entries:
                raise ValueError(f"{entry.task.name} is part of {entry.task.part_of!r}, which is not there")

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

    def __iter__(self) -> Iterator[Task]:
        return (entry.task for entry in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def entry(self, name: str) -> Entry:
        """The task of that name with its family. Raises NotFound."""
        try:
            return self._entries[name]
        except KeyError:
            known = ", ".join(self._entries)
            raise NotFound(f"There is no task {name!r}.", expected=f"one of {known}", got=name) from None

    def task(self, name: str) -> Task:
        """The task of that name. Raises NotFound."""
        return self.entry(name).task

    def adapter(self, task: Task, name: str | None) -> Adapter:
        """The adapter of that name, or the default one. Raises NotFound."""
        adapter = task.adapter(name)
        if adapter is None:
            known = ", ".join(a.name for a in task.adapters)
            raise NotFound(
                f"{task.title} has no adapter {name!r}.", field="adapter", expected=f"one of {known}", got=name
            )
        return adapter

    def parts(self, name: str) -> list[Task]:
        """The tasks that are shown on that task's page, itself not among them."""
        return [task for task in self if task.part_of == name]
