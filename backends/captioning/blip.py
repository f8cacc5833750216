"""Captions by BLIP, with its publisher's weights, and where the network looked for each word.

Li et al. 2022, "BLIP: Bootstrapping Language-Image Pre-training for Unified Vision-Language Understanding and
Generation", arXiv:2201.12086. Only weights and vocabulary are fetched: the network is built from a configuration that
is written down here. The publisher's weights are a pickle; it is pinned, and read as tensors only.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipImageProcessor

from backends.captioning.fields import CaptionInputs, CaptionOutputs
from backends.captioning.written import Piece, generated, outputs
from studio.contract import Run
from studio.weights import Weights


class BlipCaptions:
    """BLIP base, trained on captions of COCO.

    Args:
        weights: files `model` and `vocabulary`.
        config: of the network.
    """

    def __init__(self, weights: Weights, device: str, config: BlipConfig | None = None) -> None:
        told: Any = config or BlipConfig(text_config={"num_attention_heads": 12})
        tensors = torch.load(weights.path(), map_location="cpu", weights_only=True)
        model: Any = BlipForConditionalGeneration.from_pretrained(None, config=told, state_dict=tensors)
        self._model = model.eval().to(device)
        side_px: int = told.vision_config.image_size
        self._places = side_px // told.vision_config.patch_size
        self._processor = BlipImageProcessor(size={"height": side_px, "width": side_px})
        self._tokenizer: Any = BertTokenizer(vocab=str(weights.path("vocabulary")))

    def __call__(self, inputs: CaptionInputs, run: Run) -> CaptionOutputs:
        """Write a caption; the same seed draws the same words."""
        run.progress(0.05, "Looking at the picture")
        pixels = self._processor(images=inputs.image.rgb, return_tensors="pt", input_data_format="channels_last")
        pixels = pixels["pixel_values"].to(self._model.device)
        tokens = generated(self._model, inputs, run, pixel_values=pixels)
        pieces = self._pieces(pixels, tokens)
        # the first one starts a caption, and is in no vocabulary
        caption = self._tokenizer.decode(tokens[0, 1:].tolist(), skip_special_tokens=True).strip()
        return outputs(inputs.image, caption, pieces, "image_captioning, blip_base")

    @torch.inference_mode()
    def _pieces(self, pixels: torch.Tensor, tokens: torch.Tensor) -> list[Piece]:
        seen = self._model.vision_model(pixels).last_hidden_state
        told = self._model.text_decoder(
            input_ids=tokens[:, :-1], encoder_hidden_states=seen, output_attentions=True, is_decoder=True
        )
        cross = torch.stack([layer[0] for layer in told.cross_attentions])  # (layers, heads, T - 1, 1 + h * w)
        heat = cross.mean((0, 1))[:, 1:].reshape(-1, self._places, self._places).float().cpu().numpy()
        likely = told.logits[0].softmax(-1).gather(1, tokens[0, 1:, None])[:, 0].tolist()
        texts = self._tokenizer.convert_ids_to_tokens(tokens[0, 1:].tolist())
        return [
            Piece(text.removeprefix("##"), not text.startswith("##"), places, probability)
            for text, places, probability in zip(texts, heat, likely, strict=True)
            if text not in self._tokenizer.all_special_tokens
        ]
