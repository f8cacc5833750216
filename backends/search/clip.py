"""Search with CLIP, with its publisher's weights.

Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", arXiv:2103.00020.
"""

from __future__ import annotations

from typing import Any

from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

from backends.search.towers import TwoTowers
from studio.weights import Weights

_BEGIN, _END = "<|startoftext|>", "<|endoftext|>"


class ClipSearch(TwoTowers):
    """CLIP with a vision transformer, patches of 32 px, 224 px.

    Args:
        weights: files `model`, a pickle of which nothing but tensors is read, and `tokenizer`.
        config: of the network.
    """

    name = "clip_base"

    def __init__(self, weights: Weights, device: str, config: CLIPConfig | None = None) -> None:
        told: Any = config or CLIPConfig()
        model = CLIPModel.from_pretrained(
            weights.path().parent, config=told, local_files_only=True, use_safetensors=False, weights_only=True
        )
        side_px: int = told.vision_config.image_size
        processor = CLIPImageProcessor(size={"shortest_edge": side_px}, crop_size={"height": side_px, "width": side_px})
        super().__init__(model, processor, weights, device)

    def tokens(self, query: str) -> list[int]:
        """Between a token that begins and one that ends; the vocabulary makes small letters of capitals itself."""
        numbers = self._tokenizer.encode(query, add_special_tokens=False).ids[: self._most_tokens - 2]
        return [self.mark(_BEGIN), *numbers, self.mark(_END)]
