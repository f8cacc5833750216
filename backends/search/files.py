"""Pictures as they are uploaded: single files and zips of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import ClassVar

from pydantic import ValidationInfo

from studio.errors import InvalidInput
from studio.media.archive import Archive
from studio.media.base import Blob, Limits
from studio.media.file import File
from studio.media.image import Image

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
ENDINGS = (*PICTURES, ".zip")
_ZIP = b"PK\x03\x04"


class PictureFile(File):
    """A picture, or a zip of pictures. One that cannot be read is taken too, and named among the results."""

    noun: ClassVar[str] = "a picture, or a zip of pictures"


def some_readable(files: list[PictureFile], info: ValidationInfo) -> list[PictureFile]:
    """The files, if a picture can be read from one of them at least. Raises the first one's error."""
    limits = Limits.among(info.context)
    first: InvalidInput | None = None
    for file in files:
        for _, opened in pictures_in(file, limits):
            try:
                opened()
            except InvalidInput as fault:
                first = first or fault
            else:
                return files
    raise first or InvalidInput("There is no picture in it.", expected=PictureFile.noun, got="no pictures")


def pictures_in(file: PictureFile, limits: Limits) -> Iterator[tuple[str, Callable[[], Image]]]:
    """Each picture of a file with its name, and what reads it: that raises InvalidInput for one at fault."""
    if not file.data.startswith(_ZIP):
        yield file.name or "picture", lambda: Image.decode(Blob(file.name, file.data), limits)
        return
    try:
        archive = Archive(file.data, file.name, limits)
    except InvalidInput as fault:
        yield file.name or "archive.zip", _raising(fault)
        return
    for name in archive.names:
        if PurePosixPath(name).suffix.lower() in PICTURES:
            yield name, _member(archive, name, limits)


def _member(archive: Archive, name: str, limits: Limits) -> Callable[[], Image]:
    return lambda: Image.load(Blob(PurePosixPath(name).name, archive.read(name)), limits)


def _raising(fault: InvalidInput) -> Callable[[], Image]:
    def opened() -> Image:
        raise fault

    return opened
