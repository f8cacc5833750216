"""Files and folders that are there whole or not at all, also after a kill or a power cut."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from backends.documents.database import Database

#: Folders that no row names are removed at this age: a younger one may be about to get its row.
_ORPHAN_S = 600


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under another name, make sure it is on the disk, then give it its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"new-{secrets.token_hex(8)}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def new_folder(parent: Path) -> Iterator[Path]:
    """A folder to be filled; at the end its files are on the disk. It is removed on an error."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / secrets.token_hex(8)
    folder.mkdir()
    try:
        yield folder
        for file in folder.iterdir():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
        sync_folder(folder)
        sync_folder(parent)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder are on the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def snapshots_folder(database: Database) -> Path:
    """Where the snapshots of an owner's collections lie, each in a folder of its own."""
    return database.folder / "snapshots"


def sweep(database: Database) -> None:
    """Remove the folders that no snapshot is in: those of a process that was killed."""
    with database.reading() as connection:
        named = {row[0] for row in connection.execute("SELECT folder FROM snapshot")}
    for folder in snapshots_folder(database).glob("*"):
        with suppress(FileNotFoundError):
            if folder.name not in named and time.time() - folder.stat().st_mtime >= _ORPHAN_S:
                shutil.rmtree(folder, ignore_errors=True)
