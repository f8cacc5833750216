"""CLIP: the real classes at tiny size, pulled from a hub on the loopback address."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import CLIPConfig, CLIPModel

from backends.search.clip import ClipSearch
from studio.media.image import Image
from tests.backends.search.conftest import EXAMPLES, Call
from tests.hub.conftest import hub
from tests.hub.local_hub import LocalHub, pulled

__all__ = ["hub"]
pytestmark = pytest.mark.slow

WORDS = ("<unk>", "<|startoftext|>", "a", "red", "circle", "<|endoftext|>")


class Trap:
    """What a pickle must not be able to do: make an object of its own."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("read",))


@pytest.fixture
def config() -> CLIPConfig:
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    marks = {"bos_token_id": 1, "eos_token_id": 5, "pad_token_id": 5}
    return CLIPConfig(
        text_config={**sizes, **marks, "vocab_size": len(WORDS), "max_position_embeddings": 8},
        vision_config={**sizes, "image_size": 32, "patch_size": 16},
        projection_dim=12,
    )


def files(state: dict[str, Any], folder: Path) -> dict[str, bytes]:
    """Weights and a vocabulary, as the repository has them."""
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    weights = io.BytesIO()
    torch.save(state, weights)
    return {"pytorch_model.bin": weights.getvalue(), "tokenizer.json": (folder / "tokenizer.json").read_bytes()}


@pytest.fixture
def model(hub: LocalHub, config: CLIPConfig, tmp_path: Path) -> Any:
    torch.manual_seed(0)
    state = dict(CLIPModel(config).state_dict())
    return ClipSearch(pulled(hub, tmp_path, files(state, tmp_path), {"pytorch_model.bin": "model"}), "cpu", config)


def test_vectors_are_those_of_the_bare_network(model: Any, call: Call) -> None:
    cat = Image.open(EXAMPLES / "cat.jpg")
    look, words = model.look(cat, call), model.words("A red CIRCLE", call)
    assert look.shape == words.shape == (12,)
    pixels = model._processor(images=cat.rgb, return_tensors="pt", input_data_format="channels_last")["pixel_values"]
    with torch.inference_mode():
        both = model._model(input_ids=torch.tensor([[1, 2, 3, 4, 5]]), pixel_values=pixels)
    assert words == pytest.approx(both.text_embeds[0].numpy(), abs=1e-5)
    assert look == pytest.approx(both.image_embeds[0].numpy(), abs=1e-5)


def test_long_questions_are_cut_and_end_all_the_same(model: Any, call: Call) -> None:
    tokens = model.tokens("circle " * 200)
    assert len(tokens) == 8
    assert tokens[-1] == 5
    assert np.isfinite(model.words("circle " * 200, call)).all()


def test_of_a_pickle_nothing_but_tensors_is_read(hub: LocalHub, config: CLIPConfig, tmp_path: Path) -> None:
    state = {**CLIPModel(config).state_dict(), "trap": Trap()}
    weights = pulled(hub, tmp_path, files(state, tmp_path), {"pytorch_model.bin": "model"})
    with pytest.raises(Exception, match=r"weights_only|Weights only|Unsupported"):
        ClipSearch(weights, "cpu", config)
