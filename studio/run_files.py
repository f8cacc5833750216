"""The files of the runs that are kept: a folder for each run, in it one for its inputs and one for its outputs.

A part is written elsewhere and moved into its place once it is whole.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: A folder that no row names is removed at this age: a younger one may be about to get its row.
_ORPHAN_S = 600.0


class RunFiles:
    """The folders below one folder.

    Args:
        folder: where they lie, and where parts are written until they are whole.
    """

    def __init__(self, folder: Path) -> None:
        self._runs = folder / "files"
        self._drafts = folder / "drafts"

    def folder(self, run_id: str) -> Path:
        """The run's folder; a run without media has none."""
        return self._runs / run_id[:2] / run_id

    @contextmanager
    def writing(self, run_id: str, part: str) -> Iterator[Path]:
        """A folder to be made and filled; at the end it is on the disk as that part of the run, or not on an error."""
        draft = self._drafts / secrets.token_hex(8)
        try:
            yield draft
            if draft.is_dir():
                for file in draft.iterdir():
                    _sync(file)
                _sync(draft)
                place = self.folder(run_id) / part
                place.parent.mkdir(parents=True, exist_ok=True)
                draft.replace(place)
                _sync(place.parent)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise

    def remove(self, run_id: str) -> None:
        """Remove the run's folder."""
        shutil.rmtree(self.folder(run_id), ignore_errors=True)

    def found(self) -> list[str]:
        """The ids of the runs that have a folder, but for the youngest."""
        before_s = time.time() - _ORPHAN_S
        return [path.name for path in self._runs.glob("*/*") if _changed_s(path) < before_s]

    def sweep(self, unknown: Collection[str]) -> None:
        """Remove what a process that was killed left behind: the folders of unknown runs, and unfinished parts."""
        for run_id in unknown:
            self.remove(run_id)
        before_s = time.time() - _ORPHAN_S
        for draft in self._drafts.glob("*"):
            if _changed_s(draft) < before_s:
                shutil.rmtree(draft, ignore_errors=True)


def _changed_s(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return time.time()


def _sync(path: Path) -> None:
    """Make sure that a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
