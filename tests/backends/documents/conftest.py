from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backends.documents
from backends.documents.embedder import TokenVectors, Vectors
from backends.documents.indexing import Adder, Outcome, Source
from backends.documents.library import Library
from backends.documents.parsers.parsed import Reading
from studio.contract import Inputs, Outputs
from studio.errors import NotFound

EXAMPLES = Path(backends.documents.__file__).parent / "examples"


class WordEmbedder:
    """An embedding model without weights: a text's vector is the sum of a random one per word."""

    def __init__(self, name: str = "words", dimensions: int = 64, max_tokens: int = 256) -> None:
        self.name = name
        self.dimensions = dimensions
        self.max_tokens = max_tokens
        self.embedded = 0

    def _word(self, word: str) -> Vectors:
        seed = int.from_bytes(hashlib.sha256(f"{self.name}{word.lower()}".encode()).digest()[:8], "big")
        return np.random.default_rng(seed).standard_normal(self.dimensions).astype(np.float32)

    def _unit(self, vector: Vectors) -> Vectors:
        return (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)

    def _text(self, text: str) -> Vectors:
        words = re.findall(r"\w+", text)
        return self._unit(sum((self._word(word) for word in words), np.zeros(self.dimensions, np.float32)))

    def passages(self, texts: Sequence[str], report: Callable[[int], None] = lambda done: None) -> Vectors:
        report(0)
        self.embedded += len(texts)
        return np.array([self._text(text) for text in texts], np.float32).reshape(len(texts), self.dimensions)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self.passages(texts)

    def query(self, text: str) -> Vectors:
        return self._text(text)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(re.findall(r"\w+|[^\w\s]", text)) for text in texts]

    def read(self, texts: Sequence[str], *, question: bool = False) -> list[TokenVectors]:
        made = []
        for text in texts:
            words = list(re.finditer(r"\w+", text))
            tokens = np.array([self._unit(self._word(word[0])) for word in words], np.float32)
            places = np.array([word.span() for word in words], np.int64).reshape(-1, 2)
            made.append(TokenVectors(self._text(text), tokens.reshape(-1, self.dimensions), places))
        return made


class Call:
    """A `Run` outside any job."""

    owner = "somebody"
    device = "cpu"
    live = False

    def __init__(self, folder: Path) -> None:
        self.storage = folder / "storage"
        self.workdir = folder / "work"
        self.storage.mkdir(exist_ok=True)
        self.workdir.mkdir(exist_ok=True)
        self.notes: list[str] = []

    def progress(self, fraction: float, note: str = "") -> None:
        assert 0 <= fraction <= 1

    def check(self) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)

    def call(
        self, task: str, payload: Mapping[str, Any] | Inputs, adapter: str | None = None, until: float | None = None
    ) -> Outputs:
        raise NotFound(f"There is no task {task!r}.")


def add(
    library: Library, texts: dict[str, str | bytes], embedder: WordEmbedder | None = None, collection: str = "c",
    size: int = 40, overlap: int = 10,
) -> list[Outcome]:  # fmt: skip
    """Put texts into a collection under their names."""
    adder = Adder(library, library.create(collection), embedder or WordEmbedder(), Reading(), size, overlap)  # type: ignore[arg-type]
    return adder.add([Source(n, t if isinstance(t, bytes) else t.encode()) for n, t in texts.items()])


@pytest.fixture
def call(tmp_path: Path) -> Call:
    return Call(tmp_path)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "storage")


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()
