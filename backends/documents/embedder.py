"""Texts as vectors, by any model of the sentence-transformers library (Reimers and Gurevych 2019, arXiv:1908.10084)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import nn

Vectors = npt.NDArray[np.float32]

_BATCH = 32


@dataclass(frozen=True)
class TokenVectors:
    """A text in the model's eyes.

    Attributes:
        whole: its vector (D,) of unit length.
        tokens: those of its word pieces (T, D) before pooling, of unit length; each knows the words around it.
        places: where they stand in the text, [start, end) of its characters (T, 2).
    """

    whole: Vectors
    tokens: Vectors
    places: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Plain:
    """What a transformer's own files do not say: how its word pieces become one vector, and a question's prefix."""

    pooling: Literal["cls", "mean"]
    question_prompt: str = ""


class Embedder:
    """A loaded embedding model.

    Args:
        folder: the model as sentence-transformers saves it.
        device: "cpu", "cuda" or "mps".
        name: under which its vectors are kept; another model, or another revision of it, has another name.
        plain: how to pool the word pieces, and what goes before a question, for a folder with the transformer alone.

    Attributes:
        dimensions: of its vectors.
        max_tokens: what it reads of a text; the rest is not seen.
    """

    def __init__(self, folder: Path, device: str, name: str, plain: Plain | None = None) -> None:
        from sentence_transformers import SentenceTransformer

        self.name = name
        modules = _modules(folder, plain) if plain else None
        self._model = SentenceTransformer(
            None if modules else str(folder), modules=modules, device=device, local_files_only=True
        )
        self._tokenizer = self._model.tokenizer
        self._prompts = {"query": plain.question_prompt} if plain else _prompts(folder)
        self._lock = threading.Lock()  # a tokenizer's settings must not be changed by two threads at once
        self.max_tokens = int(self._model.get_max_seq_length() or 512)
        self.dimensions = int(self._model.get_embedding_dimension() or 0)

    def passages(self, texts: Sequence[str], report: Callable[[int], None] = lambda done: None) -> Vectors:
        """Vectors (N, D) of unit length of texts to be found; `report` is told how many are done."""
        made = np.empty((len(texts), self.dimensions), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)  # little padding
        for start in range(0, len(order), _BATCH * 4):
            report(start)
            rows = order[start : start + _BATCH * 4]
            made[rows] = self._encode([self._prompts.get("document", "") + texts[i] for i in rows])
        return made

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors (N, D) of unit length of questions."""
        return self._encode([self._prompts.get("query", "") + text for text in texts])

    def query(self, text: str) -> Vectors:
        """The vector (D,) of unit length of a question."""
        vector: Vectors = self.queries([text])[0]
        return vector

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without the marks at both ends."""
        if not texts:
            return []
        with self._lock:
            encoded = self._tokenizer(list(texts), add_special_tokens=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def read(self, texts: Sequence[str], *, question: bool = False) -> list[TokenVectors]:
        """What the model makes of each text, word piece by word piece, from one pass."""
        import torch

        prompt = self._prompts.get("query" if question else "document", "")
        with self._lock:
            encoded = self._tokenizer(
                [prompt + text for text in texts],
                padding=True,
                truncation=True,
                max_length=self.max_tokens,
                return_offsets_mapping=True,
                return_tensors="pt",
            )
        offsets = encoded.pop("offset_mapping").numpy()
        with torch.inference_mode():
            features = self._model.forward({key: value.to(self._model.device) for key, value in encoded.items()})
            tokens = torch.nn.functional.normalize(features["token_embeddings"], dim=-1).float().cpu().numpy()
            pooled = torch.nn.functional.normalize(features["sentence_embedding"], dim=-1).float().cpu().numpy()
        made = []
        for row, places in enumerate(offsets):
            kept = (places[:, 1] > places[:, 0]) & (places[:, 0] >= len(prompt))
            made.append(TokenVectors(pooled[row], tokens[row][kept], (places[kept] - len(prompt)).astype(np.int64)))
        return made

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = self._model.encode(
            list(texts), batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(vectors, np.float32)


def _modules(folder: Path, plain: Plain) -> list[nn.Module]:
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    transformer = Transformer(str(folder))
    return [transformer, Pooling(transformer.get_embedding_dimension(), plain.pooling), Normalize()]


def _prompts(folder: Path) -> dict[str, str]:
    """The prefixes that the model was trained with for questions and for passages, where it says so."""
    file = folder / "config_sentence_transformers.json"
    stated = json.loads(file.read_text("utf-8")).get("prompts", {}) if file.is_file() else {}
    prompts = {name: stated.get(name, "") for name in ("query", "document")}
    return {name: text for name, text in prompts.items() if isinstance(text, str) and text}
