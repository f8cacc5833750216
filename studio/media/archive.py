"""Zip archives: checked before anything is unpacked, read in memory, never written to disk by their names."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import ClassVar, Self

from studio.errors import InvalidInput, TooLarge
from studio.media.base import Blob, Limits
from studio.media.file import File

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
#: what zipfile raises on a damaged archive; a ValueError where a member is said to lie before the file's start
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)


class Archive(File):
    """A zip of files, held packed.

    The names inside are keys and text for people. Folders, and what operating systems add (`__MACOSX`, hidden files),
    are left out.

    Args:
        data: the zip's bytes.
        name: the name its sender gave it.
        limits: what was checked, and what `read` keeps to.
    """

    noun: ClassVar[str] = "a zip archive"
    accepts: ClassVar[str] = "application/zip"

    def __init__(self, data: bytes, name: str = "", limits: Limits | None = None) -> None:
        super().__init__(data, name)
        self.limits = limits or Limits()
        self._zip = _open(data)
        self._members = _checked(self._zip, len(data), self.limits)

    @classmethod
    def decode(cls, blob: Blob, limits: Limits) -> Self:
        """Check the archive's directory: files, sizes, ratio, encryption; see `Media.decode`."""
        return cls(blob.read(), blob.name, limits)

    @property
    def suffix(self) -> str:
        """`.zip`."""
        return ".zip"

    @property
    def names(self) -> tuple[str, ...]:
        """The files inside, with `/` between folders, in the archive's order."""
        return tuple(self._members)

    def size(self, name: str) -> int:
        """A file's unpacked size in bytes, as the archive states it. Raises KeyError for an unknown name."""
        return self._members[name].file_size

    def read(self, name: str) -> bytes:
        """A file's bytes.

        Raises:
            KeyError: no such name.
            InvalidInput: the file is damaged, or not of the size that the archive states.
            TooLarge: it is larger than an upload may be.
        """
        member = self._members[name]
        if member.file_size > self.limits.upload_bytes:
            raise TooLarge(
                f"{name[:80]} in the archive is larger than {self.limits.upload_bytes / 1e6:g} MB.",
                expected=f"at most {self.limits.upload_bytes:,} bytes",
                got=f"{member.file_size:,} bytes",
                hint="The operator can raise ATELIER_MAX_UPLOAD_MB.",
            )
        try:
            data = self._zip.read(member)
        except _DAMAGE as fault:
            raise _damaged(name, str(fault)) from fault
        if len(data) != member.file_size:
            raise _damaged(name, f"{len(data):,} of {member.file_size:,} bytes")
        return data


def _damaged(name: str, got: str) -> InvalidInput:
    return InvalidInput(f"{name[:80]} in the archive is damaged.", expected="a complete zip archive", got=got[:200])


def _open(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGE as fault:
        raise InvalidInput("The file is not a zip archive that can be read.", expected=Archive.noun) from fault


def _checked(archive: zipfile.ZipFile, packed_bytes: int, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """The files by name, after every limit that the directory alone can tell."""
    infos = archive.infolist()
    if len(infos) > limits.archive_files:
        raise TooLarge(
            f"The archive has more than {limits.archive_files:,} files.",
            expected=f"at most {limits.archive_files:,} files",
            got=f"{len(infos):,} files",
            hint="The operator can raise ATELIER_MAX_ARCHIVE_FILES.",
        )
    ratio = sum(info.file_size for info in infos) / max(1, packed_bytes)
    if ratio > limits.archive_ratio:
        raise TooLarge(
            f"The archive unpacks to more than {limits.archive_ratio:g} times its size.",
            expected=f"at most {limits.archive_ratio:g} times",
            got=f"{ratio:,.0f} times",
            hint="The operator can raise ATELIER_MAX_ARCHIVE_RATIO.",
        )
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if _litter(info.filename) or info.is_dir():  # in this order: `is_dir` takes no empty name
            continue
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
            raise InvalidInput(
                "The archive is encrypted or packed with an unusual method.",
                expected="a plain zip (deflate), without a password",
                got=info.filename[:80],
            )
        if info.filename in members:
            raise InvalidInput(
                "Two files in the archive have the same name.", expected="each name once", got=info.filename[:80]
            )
        members[info.filename] = info
    if not members:
        raise InvalidInput("The archive is empty.", expected="a zip with files in it", got="0 files")
    return members


def _litter(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return not parts or "__MACOSX" in parts or parts[-1].startswith(".") or parts[-1] == "Thumbs.db"
