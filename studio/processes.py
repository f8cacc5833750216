"""Which of the processes that share a home are alive: each holds a lock that ends with it, however it ends."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


class Processes:
    """The locks in a folder, this process's own among them.

    A process id alone would not do: it is given out again, in a container at once.

    Args:
        folder: where the locks lie.

    Raises:
        OSError: this process's own cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.own, self._lock = "", -1
        while not (folder / self.own).is_file():  # another process may sweep it before it is locked
            self.own = secrets.token_hex(8)
            self._lock = os.open(folder / self.own, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def dead(self, names: Iterable[str]) -> list[str]:
        """Those among the names whose process has ended."""
        return [name for name in names if name != self.own and not self._alive(name)]

    def sweep(self) -> None:
        """Remove the locks of processes that have ended."""
        for file in self._folder.iterdir():
            if file.name != self.own and not self._alive(file.name):
                file.unlink(missing_ok=True)

    def close(self) -> None:
        """Give up this process's own."""
        with suppress(FileNotFoundError):
            (self._folder / self.own).unlink()
        os.close(self._lock)

    def _alive(self, name: str) -> bool:
        try:
            handle = os.open(self._folder / name, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False
