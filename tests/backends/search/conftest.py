from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backends.search
from backends.captioning.facts import Fact
from backends.search.model import unit
from bench.bare import BareRun
from studio.media.image import Image

EXAMPLES = Path(backends.search.__file__).parent / "examples" / "pictures"
WORDS = ("red", "blue", "ferry", "cat", "nothing")


class Answer:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


def counted(text: str, purpose: str) -> list[float]:
    counts = [float(text.casefold().count(word)) for word in WORDS]
    none = not any(counts)
    return [*counts, float(none and purpose == "question"), float(none and purpose == "passage")]


class Call(BareRun):
    """Answers for the tasks that are asked: a text's vector counts words, a picture is described by its mean colour."""

    def __init__(self, storage: Path) -> None:
        super().__init__()
        self.storage = storage
        self.asked: list[str] = []
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def call(self, task: str, payload: Any, adapter: str | None = None, until: float | None = None) -> Any:
        self.asked.append(task)
        assert isinstance(payload, Mapping)
        if task == "text_embedding":
            return Answer(vectors=[counted(text, payload["purpose"]) for text in payload["texts"]])
        assert task == "image_captioning"
        red, _, blue = payload["image"].rgb.reshape(-1, 3).mean(0)
        colour = "red" if red > blue else "blue"
        fact = Fact(kind="colours", sentence=f"It is mostly {colour}.", evidence="", task="")
        return Answer(text="the ferry leaves" if red == blue else "", facts=[fact])


class MeanColour:
    """Looks at the mean colour of a picture's quarters."""

    name = "colour"

    def __init__(self, words: bool = False) -> None:
        self._words = words
        self.looked = 0

    def look(self, image: Image, run: Any) -> Any:
        self.looked += 1
        height, width = image.rgb.shape[:2]
        parts = [image.rgb[y : y + height // 2, x : x + width // 2] for y in (0, height // 2) for x in (0, width // 2)]
        return unit(np.concatenate([part.reshape(-1, 3).mean(0) for part in parts]) - 100)

    def words(self, query: str, run: Any) -> Any:
        if not self._words:
            return None
        return unit(np.tile([155.0, -100, -100] if "red" in query else [-100, -100, 155.0], 4))


@pytest.fixture
def call(tmp_path: Path) -> Call:
    return Call(tmp_path / "storage")


def plain(red: int, green: int, blue: int, side: int = 40) -> Image:
    return Image(np.full((side, side, 3), (red, green, blue), np.uint8))
