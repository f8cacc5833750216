"""BLIP-2's captions: the real classes at tiny size, pulled from a hub on the loopback address."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from transformers import Blip2Config, Blip2ForConditionalGeneration

from backends.captioning.blip2 import Blip2Captions, opt_config
from studio.errors import Cancelled
from studio.media.image import Image
from studio.weights import Shelf
from tests.backends.captioning.published import Impatient, ask, each_word_has_its_attention, the_same_is_said_again
from tests.backends.captioning.test_observations import EXAMPLES
from tests.hub.conftest import hub
from tests.hub.local_hub import LocalHub, pulled

__all__ = ["hub"]
pytestmark = pytest.mark.slow

WORDS = ["<s>", "<pad>", "</s>", "<unk>", "Ġ", *string.ascii_lowercase, "Ġa", "Ġc", "at", "Ġcat"]
IMAGE, LINE = len(WORDS), 3


def test_the_real_network_fits_the_pinned_files() -> None:
    with torch.device("meta"):
        network = Blip2ForConditionalGeneration(opt_config())
    assert sum(parameter.numel() for parameter in network.parameters()) == 3_744_761_856
    stored = [value for name, value in network.state_dict().items() if name != "language_model.lm_head.weight"]
    assert len(stored) == 995 + 252
    family = EXAMPLES.parent
    row = Shelf(family).row(family, "blip2_opt")
    headers = row.files["model"].bytes + row.files["second"].bytes - 4 * sum(value.numel() for value in stored)
    assert 80 < headers / len(stored) < 180  # a tensor's name, type, shape and place


@pytest.fixture
def model(hub: LocalHub, tmp_path: Path) -> Any:
    torch.manual_seed(2)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {
        "model_type": "opt", "vocab_size": len(WORDS) + 4, "hidden_size": 16, "word_embed_proj_dim": 16,
        "num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 32, "max_position_embeddings": 64,
        "pad_token_id": 1, "bos_token_id": 2, "eos_token_id": LINE,
    }  # fmt: skip
    vision = {**sizes, "image_size": 28, "patch_size": 7}
    config = Blip2Config(
        text_config=text, vision_config=vision, qformer_config=sizes, num_query_tokens=4, image_token_index=IMAGE
    )
    made: Any = Blip2ForConditionalGeneration(config)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.5)
    tensors = {name: value for name, value in made.state_dict().items() if name != "language_model.lm_head.weight"}
    half = len(tensors) // 2
    merges = "#version: 0.2\nĠ a\nĠ c\na t\nĠc at\n"
    files = {
        "model-00001-of-00002.safetensors": save(dict(list(tensors.items())[:half])),
        "model-00002-of-00002.safetensors": save(dict(list(tensors.items())[half:])),
        "vocab.json": json.dumps({word: number for number, word in enumerate(WORDS)}).encode(),
        "merges.txt": merges.encode(),
    }
    names = {
        "model-00001-of-00002.safetensors": "model",
        "model-00002-of-00002.safetensors": "second",
        "vocab.json": "vocabulary",
    }
    return Blip2Captions(pulled(hub, tmp_path, files, names), "cpu", config)


def test_a_caption_with_its_attention(model: Any) -> None:
    each_word_has_its_attention(ask(model))
    the_same_is_said_again(model)


@pytest.mark.parametrize("beams", [1, 3])
def test_the_words_are_those_of_the_bare_network(model: Any, beams: int) -> None:
    pixels = model._processor(
        images=Image.open(EXAMPLES / "cat.jpg").rgb, return_tensors="pt", input_data_format="channels_last"
    )["pixel_values"]
    unsaid = list(range(IMAGE, len(WORDS) + 4))
    bare = model._model.generate(pixel_values=pixels, num_beams=beams, max_new_tokens=10, suppress_tokens=unsaid)
    assert ask(model, beams=beams).caption == model._vocabulary.text(bare[0, 5:].tolist())


def test_a_words_places_are_those_of_the_queries_that_it_asks(model: Any) -> None:
    pixels = torch.rand(1, 3, 28, 28)
    tokens = torch.tensor([[*model._given, 10, 11, 12]])
    pieces = model._pieces(pixels, tokens)
    assert [piece.text for piece in pieces] == [WORDS[number] for number in (10, 11, 12)]
    for piece in pieces:
        assert piece.places.shape == (4, 4)
        assert 0 < float(np.sum(piece.places)) <= 1


def test_a_run_can_be_cancelled_between_two_words(model: Any) -> None:
    with pytest.raises(Cancelled):
        ask(model, Impatient())
