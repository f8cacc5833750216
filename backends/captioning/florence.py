"""Captions by Florence-2, from a sentence to a paragraph, and where the network looked for each word.

Xiao et al. 2024, "Florence-2: Advancing a Unified Representation for a Variety of Vision Tasks", arXiv:2311.06242. The
class is transformers' own: no code comes with the weights. Only weights and vocabulary are fetched; the network is
built from a configuration that is written down here.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import CLIPImageProcessor, Florence2Config, Florence2ForConditionalGeneration, GenerationConfig
from transformers.image_utils import PILImageResampling

from backends.captioning.fields import CaptionInputs, CaptionOutputs, Detail
from backends.captioning.vocabulary import BEGIN, END, PAD, Vocabulary
from backends.captioning.written import Piece, generated, outputs
from studio.contract import Run
from studio.weights import Weights

#: What the network was trained to be asked.
PROMPTS: dict[Detail, str] = {
    "sentence": "What does the image describe?",
    "sentences": "Describe in detail what is shown in the image.",
    "paragraph": "Describe with a paragraph what is shown in the image.",
}
_MEAN, _DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # of the colours in ImageNet
_CELL_PX = 32  # of a picture's side to one of the network's places


def base_config() -> Florence2Config:
    """The network of Florence-2 base: 231,443,968 parameters."""
    text = {
        "model_type": "bart", "vocab_size": 51_328, "d_model": 768, "max_position_embeddings": 1_024,
        "encoder_layers": 6, "decoder_layers": 6, "encoder_attention_heads": 12, "decoder_attention_heads": 12,
        "encoder_ffn_dim": 3_072, "decoder_ffn_dim": 3_072,
    }  # fmt: skip
    return Florence2Config(text_config=text, vision_config={"projection_dim": 768}, image_token_id=51_289)


class FlorenceCaptions:
    """Florence-2 base.

    Args:
        weights: files `model`, `vocabulary` and `merges`.
        config: of the network.
        side_px: at which it looks at pictures.
    """

    def __init__(
        self, weights: Weights, device: str, config: Florence2Config | None = None, side_px: int = 768
    ) -> None:
        told: Any = config or base_config()
        plain: Any = GenerationConfig
        model: Any = Florence2ForConditionalGeneration.from_pretrained(
            weights.path().parent,
            config=told,
            generation_config=plain(),
            local_files_only=True,
            use_safetensors=True,
            attn_implementation="eager",  # the others do not say where they look
            dtype=torch.float32,
        )
        self._model = model.eval().to(device)
        self._image_token: int = told.image_token_id
        self._places = side_px // _CELL_PX
        self._processor = CLIPImageProcessor(
            size={"height": side_px, "width": side_px},
            do_center_crop=False,
            resample=PILImageResampling.BICUBIC,
            image_mean=_MEAN,
            image_std=_DEVIATION,
        )
        self._vocabulary = Vocabulary(weights.path("vocabulary"), weights.path("merges"))

    def __call__(self, inputs: CaptionInputs, run: Run) -> CaptionOutputs:
        """Write a caption; the same seed draws the same words."""
        run.progress(0.05, "Looking at the picture")
        pixels = self._processor(images=inputs.image.rgb, return_tensors="pt", input_data_format="channels_last")
        given = {
            "input_ids": torch.tensor([self._prompt(inputs.detail)], device=self._model.device),
            "pixel_values": pixels["pixel_values"].to(self._model.device),
        }
        numbers = {
            "decoder_start_token_id": END, "bos_token_id": BEGIN, "forced_bos_token_id": BEGIN,
            "pad_token_id": PAD, "eos_token_id": END, "no_repeat_ngram_size": 3,
        }  # fmt: skip
        tokens = generated(self._model, inputs, run, **given, **numbers)
        pieces = self._pieces(given, tokens)
        caption = self._vocabulary.text(tokens[0].tolist())
        return outputs(inputs.image, caption, pieces, "image_captioning, florence_2_base")

    def _prompt(self, detail: Detail) -> list[int]:
        """A token for each of the picture's places and one for the whole of it, then the question."""
        asked = self._vocabulary.numbers(PROMPTS[detail])
        return [self._image_token] * (self._places**2 + 1) + [BEGIN, *asked, END]

    @torch.inference_mode()
    def _pieces(self, given: dict[str, torch.Tensor], tokens: torch.Tensor) -> list[Piece]:
        told = self._model(**given, decoder_input_ids=tokens[:, :-1], output_attentions=True)
        cross = torch.stack([layer[0] for layer in told.cross_attentions])  # (layers, heads, T - 1, 1 + h * w + words)
        seen = cross.mean((0, 1))[:, 1 : 1 + self._places**2]
        heat = seen.reshape(-1, self._places, self._places).float().cpu().numpy()
        likely = told.logits[0].float().softmax(-1).gather(1, tokens[0, 1:, None])[:, 0].tolist()
        pieces = []
        for number, places, probability in zip(tokens[0, 1:].tolist(), heat, likely, strict=True):
            piece = self._vocabulary.piece(number)
            if piece is not None:
                pieces.append(Piece(*piece, places, probability))
        return pieces
