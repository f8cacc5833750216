"""What the studio remembers about models from one start to the next: when they were used, how much they take."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

log = logging.getLogger(__name__)

#: A model that answers thirty frames a second is not written down thirty times.
_WRITE_EVERY_S = 60.0


class Entry(BaseModel):
    """What is known of one model.

    Attributes:
        last_used_s: seconds since the epoch; None if it never was.
        memory_mb: what loading it took, by device.
    """

    model_config = ConfigDict(extra="ignore")

    last_used_s: float | None = None
    memory_mb: dict[str, int] = {}


class Ledger:
    """The entries by model, in one JSON file. A file that is broken is begun anew: nothing in it is precious.

    Args:
        file: where they are kept; None keeps them in memory only.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._written_s = 0.0
        self._entries = self._read()

    def last_used_s(self, model: str) -> float | None:
        """When a model was used last, in seconds since the epoch."""
        with self._lock:
            entry = self._entries.get(model)
            return entry.last_used_s if entry else None

    def memory_mb(self, model: str, device: str) -> int | None:
        """What loading a model took on a device, if that was measured."""
        with self._lock:
            entry = self._entries.get(model)
            return entry.memory_mb.get(device) if entry else None

    def used(self, model: str) -> None:
        """Note that a model is used now."""
        with self._lock:
            self._entries.setdefault(model, Entry()).last_used_s = time.time()
            if time.monotonic() - self._written_s > _WRITE_EVERY_S:
                self._write()

    def measured(self, model: str, device: str, memory_mb: int) -> None:
        """Note what loading a model took."""
        with self._lock:
            entry = self._entries.setdefault(model, Entry())
            # the largest counts: a second load reuses what the first one left in the allocator
            entry.memory_mb[device] = max(memory_mb, entry.memory_mb.get(device, 0))
            self._write()

    def save(self) -> None:
        """Write what has not been written yet."""
        with self._lock:
            if self._entries:
                self._write()

    def _read(self) -> dict[str, Entry]:
        if self._file is None or not self._file.is_file():
            return {}
        try:
            rows: dict[str, Any] = json.loads(self._file.read_text("utf-8"))
            return {model: Entry.model_validate(row) for model, row in rows.items()}
        except (OSError, ValueError, AttributeError, ValidationError):
            log.warning("%s cannot be read; it is begun anew", self._file)
            return {}

    def _write(self) -> None:
        if self._file is None:
            return
        rows = {model: entry.model_dump() for model, entry in self._entries.items()}
        draft = self._file.with_suffix(f".{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(rows), "utf-8")
            draft.replace(self._file)
        except OSError as fault:
            log.warning("%s cannot be written: %s", self._file, fault)
        self._written_s = time.monotonic()
