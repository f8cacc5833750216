"""A document to look at: a picture, or a PDF whose pages are rendered one after the other."""

from __future__ import annotations

import importlib
import re
from typing import Any, ClassVar, Self

from studio.errors import InvalidInput
from studio.media.base import Blob, Limits
from studio.media.file import File
from studio.media.image import Image

LEAST_SIDE_PX = 8  # less is no picture of a letter

_PDF_HEADER = re.compile(rb"%PDF-\d")
_HEADER_BYTES = 1024  # within which readers look for the header


class Document(File):
    """A picture or a PDF, opened so far that it is known to be one.

    Args:
        data: the file's bytes.
        name: the name its sender gave it.
        image: the picture; None for a PDF.
        page_count: 1 for a picture.
    """

    noun: ClassVar[str] = f"{Image.noun}, or a PDF"
    accepts: ClassVar[str] = "image/*,application/pdf"

    def __init__(self, data: bytes, name: str, image: Image | None, page_count: int) -> None:
        super().__init__(data, name)
        self.image = image
        self.page_count = page_count

    @classmethod
    def decode(cls, blob: Blob, limits: Limits) -> Self:
        """Decode a picture, or count a PDF's pages; see `Media.decode`."""
        data = blob.read()
        if _PDF_HEADER.search(data[:_HEADER_BYTES]):
            return cls(data, blob.name, None, _pdf().page_count(data))
        return cls(data, blob.name, _picture(Blob(blob.name, data), limits), 1)

    @property
    def nbytes(self) -> int:
        """Bytes of the file and of the decoded picture."""
        return len(self.data) + (self.image.rgb.nbytes if self.image else 0)

    def page(self, number: int) -> Image:
        """The picture, or that page of the PDF, from 1, rendered. Raises InvalidInput if it is damaged."""
        if self.image is not None:
            return self.image
        return Image(_pdf().rendered(self.data, number), lossless=True)


def _pdf() -> Any:
    """What reads PDFs, imported at first use: declarations, which need this module, import no library."""
    return importlib.import_module("studio.media.pdf")


def _picture(blob: Blob, limits: Limits) -> Image:
    try:
        image = Image.load(blob, limits)
    except InvalidInput as fault:
        if "not a picture" not in fault.message:
            raise
        raise InvalidInput(
            "The file is neither a picture nor a PDF that can be read.", expected=Document.noun, hint=fault.hint
        ) from fault
    width, height = image.resolution_wh
    if min(width, height) < LEAST_SIDE_PX:
        raise InvalidInput(
            "The picture is too small to hold a letter.",
            expected=f"at least {LEAST_SIDE_PX} x {LEAST_SIDE_PX} pixels",
            got=f"{width} x {height} pixels",
        )
    return image
