"""PDFs opened, counted and rendered with PDFium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdfium2

from studio.errors import InvalidInput
from studio.pdfium import ONE_AT_A_TIME

_DPI, _POINTS_PER_INCH = 200, 72
_MOST_PIXELS = 12_000_000  # of a rendered page: 200 dpi up to A3
_LEAST_SIDE_PX = 8


@contextmanager
def opened(data: bytes) -> Iterator[Any]:
    """PDFium's document, which nobody else uses meanwhile.

    Raises:
        InvalidInput: it is damaged, encrypted, or has no pages.
    """
    with ONE_AT_A_TIME:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as fault:
            raise _unreadable(fault) from fault
        with document:
            if len(document) == 0:
                raise InvalidInput("The PDF has no pages.", expected="a PDF with pages", got="0 pages")
            yield document


def _unreadable(fault: pypdfium2.PdfiumError) -> InvalidInput:
    if "password" in str(fault).lower():
        return InvalidInput(
            "The PDF is encrypted.",
            expected="a PDF that opens without a password",
            hint="Open it with its password and print it as a new PDF.",
        )
    return InvalidInput("The PDF is damaged or cut off.", expected="a complete PDF")


def page_count(data: bytes) -> int:
    """How many pages a PDF has.

    Raises:
        InvalidInput: it is damaged, encrypted, or has none.
    """
    with opened(data) as document:
        return len(document)


def rendered(data: bytes, number: int) -> npt.NDArray[np.uint8]:
    """A page, from 1, as pixels: 200 to the inch, fewer where it is larger than A3. Raises InvalidInput if damaged."""
    with opened(data) as document:
        try:
            page = document[number - 1]
            width, height = page.get_size()
            scale = min(_DPI / _POINTS_PER_INCH, float(np.sqrt(_MOST_PIXELS / max(1.0, width * height))))
            scale = max(scale, _LEAST_SIDE_PX / max(1.0, min(width, height)))
            pixels = page.render(scale=scale, rev_byteorder=True).to_numpy()
        except pypdfium2.PdfiumError as fault:
            raise InvalidInput(
                f"Page {number} of the PDF is damaged.", expected="a complete PDF", hint="Leave this page out."
            ) from fault
        grey = pixels.ndim == 2 or pixels.shape[2] == 1
        return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2) if grey else pixels[:, :, :3].copy()
