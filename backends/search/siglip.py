"""Search with SigLIP, with its publisher's weights.

Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training", arXiv:2303.15343.
"""

from __future__ import annotations

import string
from typing import Any

from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel

from backends.search.towers import TwoTowers
from studio.weights import Weights

_END = "</s>"  # ends a text, and fills it up
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class SiglipSearch(TwoTowers):
    """SigLIP base, patches of 16 px, 224 px.

    Args:
        weights: files `model` and `tokenizer`.
        config: of the network.
    """

    name = "siglip_base"

    def __init__(self, weights: Weights, device: str, config: SiglipConfig | None = None) -> None:
        told: Any = config or SiglipConfig()
        model = SiglipModel.from_pretrained(
            weights.path().parent, config=told, local_files_only=True, use_safetensors=True
        )
        side_px: int = told.vision_config.image_size
        super().__init__(model, SiglipImageProcessor(size={"height": side_px, "width": side_px}), weights, device)

    def tokens(self, query: str) -> list[int]:
        """In small letters, without punctuation, filled up to the full length."""
        text = " ".join(query.casefold().translate(_NO_PUNCTUATION).split())
        end = self.mark(_END)
        numbers = self._tokenizer.encode(text, add_special_tokens=False).ids[: self._most_tokens - 1]
        return numbers + [end] * (self._most_tokens - len(numbers))
