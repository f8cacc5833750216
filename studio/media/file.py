"""Any file, taken as it is, with the endings a task accepts."""

from __future__ import annotations

import mimetypes
import re
from typing import ClassVar, Self

from studio.media.base import Blob, Limits, Media


class File(Media):
    """A file of any format; what it may be is said by the field's `Ui(accept=...)`.

    Args:
        data: its bytes.
        name: the name its sender gave it, or the one to offer for a download.
    """

    kind: ClassVar[str] = "file"
    noun: ClassVar[str] = "a file"

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self._name = name

    @classmethod
    def decode(cls, blob: Blob, limits: Limits) -> Self:
        """The bytes as they are."""
        return cls(blob.read(), blob.name)

    @property
    def nbytes(self) -> int:
        """Bytes of the file."""
        return len(self.data)

    def encode(self) -> tuple[bytes, str]:
        """The bytes, and the media type that the name's ending stands for."""
        return self.data, mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    @property
    def suffix(self) -> str:
        """The name's ending, with its dot; `.bin` where it has none that is safe as part of a path."""
        ending = re.search(r"\.[A-Za-z0-9]{1,8}\Z", self.name)
        return ending[0].lower() if ending else ".bin"
