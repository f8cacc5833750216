"""Florence-2's captions: the real classes at tiny size, pulled from a hub on the loopback address."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Florence2Config, Florence2ForConditionalGeneration

from backends.captioning.florence import PROMPTS, FlorenceCaptions, base_config
from studio.media.image import Image
from tests.backends.captioning.published import ask, each_word_has_its_attention, the_same_is_said_again
from tests.backends.captioning.test_observations import EXAMPLES
from tests.hub.conftest import hub
from tests.hub.local_hub import LocalHub, pulled

__all__ = ["hub"]
pytestmark = pytest.mark.slow

LETTERS = sorted({letter for prompt in PROMPTS.values() for letter in prompt.replace(" ", "Ġ")})
WORDS = ["<s>", "<pad>", "</s>", "<unk>", *LETTERS, "Ġd", "Ġde"]
IMAGE = len(WORDS)


def test_the_real_network_has_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        network = Florence2ForConditionalGeneration(base_config())
    assert sum(parameter.numel() for parameter in network.parameters()) == 231_443_968


@pytest.fixture
def model(hub: LocalHub, tmp_path: Path) -> Any:
    torch.manual_seed(3)
    text = {
        "model_type": "bart", "vocab_size": len(WORDS) + 4, "d_model": 16, "max_position_embeddings": 128,
        "encoder_layers": 1, "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
        "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
    }  # fmt: skip
    vision = {
        "embed_dim": (8, 8, 16, 16), "num_heads": (2, 2, 2, 2), "num_groups": (2, 2, 2, 2), "depths": (1, 1, 1, 1),
        "window_size": 2, "projection_dim": 16,
    }  # fmt: skip
    config = Florence2Config(text_config=text, vision_config=vision, image_token_id=IMAGE)
    made = Florence2ForConditionalGeneration(config)
    with torch.no_grad():
        made.model.language_model.shared.weight.normal_(std=1.0)
    made.half().save_pretrained(tmp_path / "made")
    files = {
        "model.safetensors": (tmp_path / "made" / "model.safetensors").read_bytes(),
        "vocab.json": json.dumps({word: number for number, word in enumerate(WORDS)}).encode(),
        "merges.txt": "#version: 0.2\nĠ d\nĠd e\n".encode(),
    }
    weights = pulled(hub, tmp_path, files, {"vocab.json": "vocabulary"})
    return FlorenceCaptions(weights, "cpu", config, side_px=128)


def test_a_caption_with_its_attention(model: Any) -> None:
    each_word_has_its_attention(ask(model))
    the_same_is_said_again(model)


def test_the_question_follows_the_picture(model: Any) -> None:
    tokens = model._prompt("sentences")
    assert tokens[:17] == [IMAGE] * 17  # sixteen places of 32 px, and the whole
    assert tokens[17] == 0
    assert tokens[-1] == 2
    assert model._vocabulary.text(tokens[18:-1]) == PROMPTS["sentences"]


def test_beams_are_those_of_the_bare_network(model: Any) -> None:
    image = Image.open(EXAMPLES / "cat.jpg")
    pixels = model._processor(images=image.rgb, return_tensors="pt", input_data_format="channels_last")["pixel_values"]
    bare = model._model.generate(
        input_ids=torch.tensor([model._prompt("paragraph")]),
        pixel_values=pixels,
        num_beams=3,
        max_new_tokens=10,
        decoder_start_token_id=2,
        forced_bos_token_id=0,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        no_repeat_ngram_size=3,
    )
    assert ask(model, detail="paragraph", beams=3).caption == model._vocabulary.text(bare[0].tolist())
