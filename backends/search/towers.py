"""Networks with two towers: pictures and words as vectors of one space. What SigLIP and CLIP share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from tokenizers import Tokenizer

from backends.search.library import Vectors
from backends.search.model import Words, unit
from backends.search.operations import answer
from backends.search.vectors import VectorIndexes
from studio.contract import Inputs, Outputs, Run
from studio.media.image import Image
from studio.weights import Weights


class TwoTowers(ABC):
    """A network of `transformers` that looks at pictures and reads words.

    Only weights and vocabulary are fetched: each subclass builds its network from a configuration of its own.

    Args:
        model: with `get_image_features` and `get_text_features`.
        processor: turns a picture into the network's pixels.
        weights: file `tokenizer`.

    Attributes:
        name: under which its vectors are kept.
    """

    name: str

    def __init__(self, model: Any, processor: Any, weights: Weights, device: str) -> None:
        self._model = model.eval().to(device)
        self._processor = processor
        self._tokenizer = Tokenizer.from_file(str(weights.path("tokenizer")))
        self._most_tokens: int = model.config.text_config.max_position_embeddings
        self._indexes = VectorIndexes()

    def __call__(self, inputs: Inputs, run: Run) -> Outputs:
        """See `backends.search.operations.answer`."""
        return answer(self, self._indexes, inputs, run)

    @torch.inference_mode()
    def look(self, image: Image, run: Run) -> Vectors:
        """The picture's vector (D,), of unit length, cut or squeezed to a square as the network learned it."""
        pixels = self._processor(images=image.rgb, return_tensors="pt", input_data_format="channels_last")
        found = self._model.get_image_features(pixel_values=pixels["pixel_values"].to(self._model.device))
        return unit(found.pooler_output[0].float().cpu().numpy())

    @torch.inference_mode()
    def words(self, query: str, run: Run) -> Words:
        """The words' vector (D,), of unit length."""
        found = self._model.get_text_features(input_ids=torch.tensor([self.tokens(query)], device=self._model.device))
        return unit(found.pooler_output[0].float().cpu().numpy())

    def mark(self, text: str) -> int:
        """The number of a token that stands for no words. Raises KeyError if the vocabulary has none such."""
        number = self._tokenizer.token_to_id(text)
        if number is None:
            raise KeyError(text)
        return number

    @abstractmethod
    def tokens(self, query: str) -> list[int]:
        """The words as the network learned them, at most as many as it takes."""
