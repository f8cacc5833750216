"""Detectors told in words: the real classes at tiny size, pulled from a hub on the loopback address."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    Owlv2Config,
    Owlv2ForObjectDetection,
    SwinConfig,
)

from backends.detection.detector import Wanted
from backends.detection.fields import WordsInputs
from backends.detection.open_vocabulary import GroundingDino, Owlv2, caption
from backends.detection.operations import find_words, phrases
from studio.errors import InvalidInput
from studio.media.image import Image
from tests.backends.detection.conftest import EXAMPLES, Call
from tests.hub.local_hub import LocalHub, pulled

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "a", "red", "cup", "the", "dog")


def test_words_are_split_into_things() -> None:
    assert phrases(" The dog,a  red cup. The DOG;\nbottle") == ("the dog", "a red cup", "bottle")
    for wrong in (" ,. ", ",".join(f"thing {place}" for place in range(21))):
        with pytest.raises(InvalidInput, match="Say what to look for") as error:
            phrases(wrong)
        assert error.value.field == "words"


def test_each_thing_knows_its_place_in_the_caption() -> None:
    text, spans = caption(("the dog", "a red cup"))
    assert text == "the dog. a red cup."
    assert [text[first:last] for first, last in spans] == ["the dog", "a red cup"]


class Told:
    """Finds a box for each of the first two phrases."""

    def detect(self, rgb: Any, asked: tuple[str, ...], wanted: Wanted) -> Any:
        return np.array([[10, 20, 50, 80, 0.9, 0], [60, 30, 99, 90, 0.4, 1]], np.float32)[: len(asked)]


def test_what_was_not_found_is_said() -> None:
    image = Image(np.full((100, 200, 3), 90, np.uint8), "yard.jpg")
    outputs = find_words(Told(), WordsInputs(image=image, words="dog, cup, tree", confidence=0.5), Call())
    assert outputs.counts == {"dog": 1}
    assert outputs.notes == ["Not found with a confidence of 0.5: cup, tree."]
    files = {file.name: file.data for file in outputs.files}
    assert files["classes.txt"].decode().split() == ["dog", "cup", "tree"]
    assert json.loads(files["detections.coco.json"])["annotations"][0]["category_id"] in (0, 1)


def made(model: Any, folder: Path) -> bytes:
    model.save_pretrained(folder / "made")
    return (folder / "made" / "model.safetensors").read_bytes()


def check(detector: Any) -> None:
    rgb = Image.open(EXAMPLES / "smear.jpg").rgb
    asked = ("the dog", "a red cup")
    rows = detector.detect(rgb, asked, Wanted(confidence=0.0, iou=0.7, most=300))
    assert rows.shape[1] == 6
    assert len(rows) > 0
    assert (rows[:-1, 4] >= rows[1:, 4]).all()
    assert set(rows[:, 5]) <= {0.0, 1.0}
    assert (rows[:, :4] >= 0).all()
    assert (rows[:, :4] <= [640, 480, 640, 480]).all()
    again = detector.detect(rgb, asked, Wanted(confidence=float(rows[0, 4]) - 1e-4, iou=0.7, most=300))
    assert np.allclose(again[0], rows[0], atol=1e-3)
    outputs = find_words(detector, WordsInputs(image=Image(rgb), words="the dog", confidence=0.01), Call())
    assert set(outputs.counts) == {"the dog"}


@pytest.mark.slow
def test_owlv2_answers(hub: LocalHub, tmp_path: Path) -> None:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Owlv2Config(
        text_config={**sizes, "vocab_size": 12, "max_position_embeddings": 16},
        vision_config={**sizes, "image_size": 96, "patch_size": 16},
        projection_dim=16,
    )
    letters = ["!", *"adeghoprtu"]
    vocabulary = {name: place for place, name in enumerate([*letters, "<|endoftext|>"])}
    files = {
        "model.safetensors": made(Owlv2ForObjectDetection(config), tmp_path),
        "vocabulary.json": json.dumps(vocabulary | {"<|startoftext|>": 11}).encode(),
        "merges.txt": b"#version: 0.2\n",
    }
    check(Owlv2(pulled(hub, tmp_path, files), "cpu", config))


@pytest.mark.slow
def test_grounding_dino_answers(hub: LocalHub, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = GroundingDinoConfig(
        backbone_config=SwinConfig(
            embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4, out_indices=[2, 3, 4]
        ),
        text_config=BertConfig(
            vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
        ),
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        num_queries=20,
        max_text_len=32,
    )
    files = {
        "model.safetensors": made(GroundingDinoForObjectDetection(config), tmp_path),
        "vocabulary.txt": "\n".join(WORDS).encode(),
    }
    check(GroundingDino(pulled(hub, tmp_path, files), "cpu", config))
