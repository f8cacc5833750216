"""The real engine, loaded once, pages drawn for it, and a run that remembers what it was told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest

from backends.text.engine import Engine
from backends.text.geometry import RGB
from studio.contract import Outputs
from studio.errors import Cancelled
from studio.runtime import EMBEDDED
from studio.weights import Shelf

FAMILY = Path("backends/text").resolve()
EXAMPLES = FAMILY / "examples"


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine(Shelf(EMBEDDED).resolve(FAMILY, "rapidocr"))


class FakeRun:
    """A run of nobody in particular.

    Args:
        answer: what another task answers when it is asked.
        cancel_at: raise Cancelled once the progress reaches this.
    """

    owner, device, live = "somebody", "cpu", False

    def __init__(self, answer: Callable[..., Outputs] | None = None, cancel_at: float = 2.0) -> None:
        self.answer, self.cancel_at = answer, cancel_at
        self.fractions: list[float] = []
        self.told: list[str] = []
        self.asked: list[tuple[Any, ...]] = []

    def progress(self, fraction: float, note: str = "") -> None:
        if fraction >= self.cancel_at:
            raise Cancelled("The run was cancelled.")
        self.fractions.append(fraction)
        self.told.append(note)

    def check(self) -> None:
        pass

    def note(self, text: str) -> None:
        self.told.append(text)

    def call(self, task: str, payload: Any, adapter: str | None = None, until: float | None = None) -> Outputs:
        self.asked.append((task, payload, adapter, until))
        assert self.answer is not None
        return self.answer(**payload)


LINES = ("The quick brown fox", "jumps over 17 lazy dogs,", "pays 42.50 and leaves.")


def drawn(
    lines: tuple[str, ...] = LINES,
    size_px: int = 34,
    resolution_wh: tuple[int, int] = (640, 640),
    ink: int | tuple[int, int, int] = 30,
    paper: int | tuple[int, int, int] = 245,
) -> RGB:
    """A page with a few lines in the typeface that Pillow brings along."""
    ink, paper = (level if isinstance(level, tuple) else (level,) * 3 for level in (ink, paper))
    picture = PIL.Image.new("RGB", resolution_wh, paper)
    canvas = PIL.ImageDraw.Draw(picture)
    font = PIL.ImageFont.load_default(size=size_px)
    for row, line in enumerate(lines):
        canvas.text((2.5 * size_px, (2.5 + 2 * row) * size_px), line, font=font, fill=ink)
    return np.asarray(picture)
