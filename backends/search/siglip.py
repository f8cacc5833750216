"""Search with SigLIP: pictures and words as vectors of one space, with its publisher's weights.

Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training", arXiv:2303.15343. Only weights and vocabulary are
fetched: the network is built from a configuration that is written down here.
"""

from __future__ import annotations

import string
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel

from backends.search.library import Vectors
from backends.search.model import Words, unit
from backends.search.operations import answer
from backends.search.vectors import VectorIndexes
from studio.contract import Inputs, Outputs, Run
from studio.media.image import Image
from studio.weights import Weights

_END = "</s>"  # ends a text, and fills it up
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class SiglipSearch:
    """SigLIP base, patches of 16 px, 224 px.

    Args:
        weights: files `model` and `tokenizer`.
        config: of the network.
    """

    name = "siglip_base"

    def __init__(self, weights: Weights, device: str, config: SiglipConfig | None = None) -> None:
        told: Any = config or SiglipConfig()
        model: Any = SiglipModel.from_pretrained(
            weights.path().parent, config=told, local_files_only=True, use_safetensors=True
        )
        self._model = model.eval().to(device)
        side_px: int = told.vision_config.image_size
        self._processor = SiglipImageProcessor(size={"height": side_px, "width": side_px})
        self._tokenizer = Tokenizer.from_file(str(weights.path("tokenizer")))
        self._most_tokens: int = told.text_config.max_position_embeddings
        self._indexes = VectorIndexes()

    def __call__(self, inputs: Inputs, run: Run) -> Outputs:
        """See `backends.search.operations.answer`."""
        return answer(self, self._indexes, inputs, run)

    @torch.inference_mode()
    def look(self, image: Image, run: Run) -> Vectors:
        """The picture's vector (D,), squeezed to a square as the model learned it."""
        pixels = self._processor(images=image.rgb, return_tensors="pt", input_data_format="channels_last")
        found = self._model.get_image_features(pixel_values=pixels["pixel_values"].to(self._model.device))
        return unit(found.pooler_output[0].float().cpu().numpy())

    @torch.inference_mode()
    def words(self, query: str, run: Run) -> Words:
        """The words' vector (D,), in small letters and without punctuation as the model learned them."""
        text = " ".join(query.casefold().translate(_NO_PUNCTUATION).split())
        end = self._tokenizer.token_to_id(_END)
        numbers = self._tokenizer.encode(text, add_special_tokens=False).ids[: self._most_tokens - 1]
        filled = numbers + [end] * (self._most_tokens - len(numbers))
        found = self._model.get_text_features(input_ids=torch.tensor([filled], device=self._model.device))
        return unit(found.pooler_output[0].float().cpu().numpy())
