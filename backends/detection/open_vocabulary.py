"""Detectors that are told in words what to look for: OWLv2 and Grounding DINO, with their publishers' weights.

Only weights and vocabularies are fetched. The networks are built from configurations that are written down here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torchvision.ops import batched_nms, box_convert
from transformers import (
    BertTokenizer,
    CLIPTokenizer,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessor,
    Owlv2Config,
    Owlv2ForObjectDetection,
    Owlv2ImageProcessor,
)

from backends.detection.detector import RGB, Wanted
from backends.detection.fields import DetectionOutputs, WordsInputs
from backends.detection.operations import find_words
from studio.contract import Run
from studio.weights import Weights

Rows = npt.NDArray[np.float32]


class Owlv2:
    """OWLv2 (Minderer et al. 2023): compares every part of a picture with every phrase.

    Args:
        weights: files `model`, `vocabulary` and `merges`.
        config: of the network.
    """

    def __init__(self, weights: Weights, device: str, config: Owlv2Config | None = None) -> None:
        told: Any = config or Owlv2Config(vision_config={"image_size": 960, "patch_size": 16})
        side_px: int = told.vision_config.image_size
        self._model: Any = _loaded(Owlv2ForObjectDetection, weights, told, device)
        self._processor = Owlv2ImageProcessor(size={"height": side_px, "width": side_px})
        self._most_tokens: int = told.text_config.max_position_embeddings
        self._tokenizer = CLIPTokenizer(
            vocab=str(weights.path("vocabulary")), merges=str(weights.path("merges")), pad_token="!"
        )

    def __call__(self, inputs: WordsInputs, run: Run) -> DetectionOutputs:
        """Find what the words name."""
        return find_words(self, inputs, run)

    def detect(self, rgb: RGB, phrases: tuple[str, ...], wanted: Wanted) -> Rows:
        """What the phrases name in a picture (H, W, 3): rows (N, 6) of box, score and the phrase's place."""
        pixels = self._processor(images=rgb, return_tensors="pt", input_data_format="channels_last")
        texts = self._tokenizer(
            [f"a photo of {phrase}" for phrase in phrases],
            padding="max_length",
            truncation=True,
            max_length=self._most_tokens,
            return_tensors="pt",
        )
        with torch.inference_mode():
            answer = self._model(
                input_ids=texts["input_ids"].to(self._model.device),
                attention_mask=texts["attention_mask"].to(self._model.device),
                pixel_values=pixels["pixel_values"].to(self._model.device),
            )
        # The picture was padded to a square at the right and the bottom: boxes are shares of its longer side.
        return _rows(answer.logits[0].sigmoid(), answer.pred_boxes[0] * max(rgb.shape[:2]), rgb, wanted)


class GroundingDino:
    """Grounding DINO (Liu et al. 2023): reads the phrases as one text, in which each box finds its words.

    Args:
        weights: files `model` and `vocabulary`.
        config: of the network.
    """

    def __init__(self, weights: Weights, device: str, config: GroundingDinoConfig | None = None) -> None:
        self._model: Any = _loaded(GroundingDinoForObjectDetection, weights, config or GroundingDinoConfig(), device)
        self._processor = GroundingDinoImageProcessor()
        self._tokenizer = BertTokenizer(vocab=str(weights.path("vocabulary")))

    def __call__(self, inputs: WordsInputs, run: Run) -> DetectionOutputs:
        """Find what the words name."""
        return find_words(self, inputs, run)

    def detect(self, rgb: RGB, phrases: tuple[str, ...], wanted: Wanted) -> Rows:
        """What the phrases name in a picture (H, W, 3): rows (N, 6) of box, score and the phrase's place."""
        pixels = self._processor(images=rgb, return_tensors="pt", input_data_format="channels_last")
        text, spans = caption(phrases)
        read = self._tokenizer(text, return_tensors="pt", return_offsets_mapping=True)
        with torch.inference_mode():
            answer = self._model(
                **{
                    name: read[name].to(self._model.device)
                    for name in ("input_ids", "token_type_ids", "attention_mask")
                },
                **{name: pixels[name].to(self._model.device) for name in ("pixel_values", "pixel_mask")},
            )
        tokens = answer.logits[0].sigmoid()  # (queries, most tokens)
        places = [_tokens_in(read["offset_mapping"][0].tolist(), span) for span in spans]
        scores = torch.stack([tokens[:, place].amax(dim=1) for place in places], dim=1)  # (queries, phrases)
        height, width = rgb.shape[:2]
        edges = torch.tensor([width, height, width, height], device=scores.device)
        return _rows(scores, answer.pred_boxes[0] * edges, rgb, wanted)


def caption(phrases: tuple[str, ...]) -> tuple[str, list[tuple[int, int]]]:
    """The phrases as a text like those that Grounding DINO learned from, "a dog. a red cup.", and where each stands."""
    text, spans = "", []
    for phrase in phrases:
        spans.append((len(text), len(text) + len(phrase)))
        text += f"{phrase}. "
    return text.strip(), spans


def _tokens_in(offsets: list[list[int]], span: tuple[int, int]) -> list[int]:
    """Places of the tokens that begin inside a part of the text; offsets of no letters are those of marks."""
    return [place for place, (first, last) in enumerate(offsets) if first < last and span[0] <= first < span[1]]


def _loaded(kind: Any, weights: Weights, config: Any, device: str) -> Any:
    folder = weights.path().parent
    model = kind.from_pretrained(folder, config=config, local_files_only=True, use_safetensors=True)
    return model.eval().to(device)


def _rows(scores: torch.Tensor, boxes_cxcywh: torch.Tensor, rgb: RGB, wanted: Wanted) -> Rows:
    """The best phrase of each box, those sure enough, one box for each thing, inside the picture.

    Args:
        scores: (queries, phrases) in 0..1.
        boxes_cxcywh: (queries, 4) in pixels.
    """
    best, place = scores.float().cpu().max(dim=1)
    boxes = box_convert(boxes_cxcywh.float().cpu(), "cxcywh", "xyxy")
    height, width = rgb.shape[:2]
    boxes = boxes.clamp(min=0).minimum(torch.tensor([width, height, width, height]))
    kept = torch.nonzero(best >= wanted.confidence).flatten()
    kept = kept[batched_nms(boxes[kept], best[kept], place[kept], wanted.iou)]
    rows = torch.cat([boxes[kept], best[kept, None], place[kept, None]], dim=1)
    return np.asarray(rows.numpy(), np.float32)
