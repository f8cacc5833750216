"""Captions by BLIP, with its publisher's weights, and where the network looked for each word.

Li et al. 2022, "BLIP: Bootstrapping Language-Image Pre-training for Unified Vision-Language Understanding and
Generation", arXiv:2201.12086. Only weights and vocabulary are fetched: the network is built from a configuration that
is written down here. The publisher's weights are a pickle; it is pinned, and read as tensors only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    StoppingCriteria,
    StoppingCriteriaList,
)

from backends.captioning.facts import Fact
from backends.captioning.fields import CaptionInputs, CaptionOutputs
from studio.contract import Run
from studio.media.image import Image
from studio.media.table import Table
from studio.results import BoxedImage
from studio.weights import Weights

_SHOWN_PX = 320  # longest side of a picture of attention
_DIMMED = 0.2  # brightness that is left where the network did not look


class Watching(StoppingCriteria):
    """Lets a run be cancelled between two words, and shows how far it is."""

    def __init__(self, run: Run, most: int) -> None:
        self._run, self._most, self._done = run, most, 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Never stops by itself."""
        self._done += 1
        self._run.progress(min(0.9, self._done / self._most), "Writing")
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


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
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(inputs.seed)
            tokens = self._model.generate(
                pixels,
                num_beams=1 if inputs.sampling else inputs.beams,
                max_new_tokens=inputs.most_words,
                do_sample=inputs.sampling,
                temperature=inputs.temperature if inputs.sampling else None,
                stopping_criteria=StoppingCriteriaList([Watching(run, inputs.most_words)]),
            )
            heat, probabilities = self._looked(pixels, tokens)
        written_ids = tokens[0, 1:].tolist()  # the first one starts a caption, and is in no vocabulary
        pieces = self._tokenizer.convert_ids_to_tokens(written_ids)
        special = self._tokenizer.all_special_tokens
        words = merged(pieces, heat, special)
        caption = self._tokenizer.decode(written_ids, skip_special_tokens=True).strip()
        written = [p for p, piece in zip(probabilities, pieces, strict=True) if piece not in special]
        score = round(float(np.mean(written)), 4) if written else None
        return _outputs(inputs.image, caption, score, words)

    def _looked(
        self, pixels: torch.Tensor, tokens: torch.Tensor
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """For each token but the first: attention over the patches (T - 1, h, w), and its probability (T - 1)."""
        seen = self._model.vision_model(pixels).last_hidden_state
        told = self._model.text_decoder(
            input_ids=tokens[:, :-1], encoder_hidden_states=seen, output_attentions=True, is_decoder=True
        )
        cross = torch.stack([layer[0] for layer in told.cross_attentions])  # (layers, heads, T - 1, 1 + h * w)
        heat = cross.mean((0, 1))[:, 1:].reshape(-1, self._places, self._places)
        likely = told.logits[0].softmax(-1).gather(1, tokens[0, 1:, None])[:, 0]
        return np.asarray(heat.float().cpu().numpy()), np.asarray(likely.float().cpu().numpy())


def merged(
    pieces: list[str], heat: npt.NDArray[np.float32], special: list[str]
) -> list[tuple[str, npt.NDArray[np.float32]]]:
    """Whole words with their mean attention (h, w), from word pieces; pieces that only mark an end are left out."""
    words: list[tuple[str, list[npt.NDArray[np.float32]]]] = []
    for piece, places in zip(pieces, heat, strict=True):
        if piece in special:
            continue
        if piece.startswith("##") and words:
            words[-1] = words[-1][0] + piece[2:], [*words[-1][1], places]
        else:
            words.append((piece, [places]))
    return [(word, np.mean(parts, axis=0)) for word, parts in words]


def spotlight(image: Image, places: npt.NDArray[np.float32], name: str) -> Image:
    """The picture, small, dark where there is little attention (h, w)."""
    picture = image.pil()
    picture.thumbnail((_SHOWN_PX, _SHOWN_PX), PIL.Image.Resampling.LANCZOS)
    spread = float(places.max() - places.min()) or 1.0
    levels = PIL.Image.fromarray(((places - places.min()) / spread).astype(np.float32))
    bright = np.asarray(levels.resize(picture.size, PIL.Image.Resampling.BICUBIC)).clip(0, 1)[..., None]
    return Image((np.asarray(picture) * (_DIMMED + (1 - _DIMMED) * bright)).astype(np.uint8), name)


def _outputs(
    image: Image, caption: str, score: float | None, words: list[tuple[str, npt.NDArray[np.float32]]]
) -> CaptionOutputs:
    import pandas

    evidence = "written by a network; the score is the mean probability of its words"
    row = (1, caption, evidence, "image_captioning, blip_base", score)
    columns = ["number", "sentence", "evidence", "measured by", "score"]
    return CaptionOutputs(
        caption=caption,
        score=score,
        picture=BoxedImage(image=image),
        sentences=Table(pandas.DataFrame([row], columns=columns), "sentences.csv"),
        attention=[spotlight(image, places, word) for word, places in words],
        text="",
        facts=[Fact(kind="caption", sentence=caption, evidence=evidence, task="image_captioning", score=score)],
        notes=["A network wrote this from what it has seen elsewhere: it may name what is not there."],
    )
