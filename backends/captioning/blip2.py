"""Captions by BLIP-2 with OPT-2.7B, with its publisher's weights, and where the network looked for each word.

Li et al. 2023, "BLIP-2: Bootstrapping Language-Image Pre-training with Frozen Image Encoders and Large Language
Models", arXiv:2301.12597. Only weights are fetched from the publisher: the network is built from a configuration that
is written down here, and its words are those of BART, which the language model shares.
"""

from __future__ import annotations

from typing import Any

import torch
from safetensors import safe_open
from transformers import Blip2Config, Blip2ForConditionalGeneration, BlipImageProcessor

from backends.captioning.fields import CaptionInputs, CaptionOutputs
from backends.captioning.vocabulary import Vocabulary
from backends.captioning.written import Piece, generated, outputs
from studio.contract import Run
from studio.weights import Weights

_SHARDS = ("model", "second")
#: What stays in float32, as the class wants it.
_PRECISE = ("query_tokens", "qformer.")


def opt_config() -> Blip2Config:
    """The network of BLIP-2 with OPT-2.7B: 3,744,761,856 parameters in 1,247 tensors."""
    text = {
        "model_type": "opt", "vocab_size": 50_304, "hidden_size": 2_560, "word_embed_proj_dim": 2_560,
        "num_hidden_layers": 32, "num_attention_heads": 32, "ffn_dim": 10_240, "max_position_embeddings": 2_048,
        "pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 50_118,
    }  # fmt: skip
    return Blip2Config(text_config=text, image_token_index=50_265)


class Blip2Captions:
    """BLIP-2, its language model and its picture encoder in bfloat16.

    Args:
        weights: files `model` and `second`, the two halves of the weights, `vocabulary` and `merges`.
        config: of the network.
    """

    def __init__(self, weights: Weights, device: str, config: Blip2Config | None = None) -> None:
        told: Any = config or opt_config()
        tensors: dict[str, torch.Tensor] = {}
        for shard in _SHARDS:
            with safe_open(weights.path(shard), "pt") as file:
                for name in file.offset_keys():
                    tensors[name] = file.get_tensor(name).to(
                        torch.float32 if name.startswith(_PRECISE) else torch.bfloat16
                    )
        model: Any = Blip2ForConditionalGeneration.from_pretrained(
            None,
            config=told,
            state_dict=tensors,
            attn_implementation="eager",  # the others do not say where they look
            dtype=torch.bfloat16,
        )
        self._model = model.eval().to(device)
        self._given: list[int] = [told.image_token_index] * told.num_query_tokens + [told.text_config.bos_token_id]
        side_px: int = told.vision_config.image_size
        self._places = side_px // told.vision_config.patch_size
        self._processor = BlipImageProcessor(size={"height": side_px, "width": side_px})
        self._vocabulary = Vocabulary(weights.path("vocabulary"), weights.path("merges"))
        self._unsaid = list(range(len(self._vocabulary), told.text_config.vocab_size))  # the picture's place, padding

    def __call__(self, inputs: CaptionInputs, run: Run) -> CaptionOutputs:
        """Write a caption; the same seed draws the same words."""
        run.progress(0.05, "Looking at the picture")
        pixels = self._processor(images=inputs.image.rgb, return_tensors="pt", input_data_format="channels_last")
        pixels = pixels["pixel_values"].to(self._model.device)
        given = torch.tensor([self._given], device=self._model.device)
        tokens = generated(self._model, inputs, run, pixel_values=pixels, input_ids=given, suppress_tokens=self._unsaid)
        pieces = self._pieces(pixels, tokens)
        caption = self._vocabulary.text(tokens[0, len(self._given) :].tolist())
        return outputs(inputs.image, caption, pieces, "image_captioning, blip2_opt")

    @torch.inference_mode()
    def _pieces(self, pixels: torch.Tensor, tokens: torch.Tensor) -> list[Piece]:
        """What was written; a word looks at what the queries looked at that it looked at."""
        model, begin = self._model, len(self._given)
        queries = len(self._given) - 1
        told = model(pixel_values=pixels, input_ids=tokens, output_attentions=True)
        words = torch.stack([layer[0] for layer in told.language_model_outputs.attentions]).float()
        asked = words.mean((0, 1))[begin - 1 : -1, :queries]  # (T, queries)
        seen = asked @ self._looks(told.vision_outputs.last_hidden_state)
        heat = seen.reshape(-1, self._places, self._places).cpu().numpy()
        written = tokens[0, begin:]
        likely = told.logits[0, begin - 1 : -1].float().softmax(-1).gather(1, written[:, None])[:, 0].tolist()
        pieces = []
        for number, places, probability in zip(written.tolist(), heat, likely, strict=True):
            piece = self._vocabulary.piece(number)
            if piece is not None:
                pieces.append(Piece(*piece, places, probability))
        return pieces

    def _looks(self, picture: torch.Tensor) -> torch.Tensor:
        """How much each query looks at each place of an encoded picture (1, 1 + h * w, F): (queries, h * w)."""
        told = self._model.qformer(
            query_embeds=self._model.query_tokens,
            encoder_hidden_states=picture,
            encoder_attention_mask=torch.ones(picture.shape[:2], dtype=torch.long, device=picture.device),
            output_attentions=True,
        )
        cross = torch.stack([layer[0] for layer in told.cross_attentions])  # (layers, heads, queries, 1 + h * w)
        return cross.float().mean((0, 1))[:, 1:]  # without the place that stands for the whole
