"""BLIP's captions: the real classes at tiny size, pulled from a hub on the loopback address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BlipConfig, BlipForConditionalGeneration

from backends.captioning.blip import BlipCaptions
from backends.captioning.written import Piece, words_of
from studio.errors import Cancelled
from studio.media.image import Image
from tests.backends.captioning.published import Impatient, ask, the_same_is_said_again
from tests.backends.captioning.test_observations import EXAMPLES
from tests.hub.conftest import hub
from tests.hub.local_hub import LocalHub, pulled

__all__ = ["hub"]

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "##s", "on", "the", "mat")


def test_words_are_put_together() -> None:
    written = [("cat", True), ("s", False), ("mat", True)]
    pieces = [Piece(text, begins, np.full((1, 1), n, np.float32), 1) for n, (text, begins) in enumerate(written)]
    assert [(word, float(places[0, 0])) for word, places in words_of(pieces)] == [("cats", 0.5), ("mat", 2.0)]


@pytest.fixture
def model(hub: LocalHub, tmp_path: Path) -> Any:
    torch.manual_seed(3)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    numbers = {"bos_token_id": len(WORDS), "sep_token_id": 3, "pad_token_id": 0, "eos_token_id": 3}
    config = BlipConfig(
        text_config={**sizes, **numbers, "vocab_size": len(WORDS) + 1, "encoder_hidden_size": 16, "projection_dim": 16}
        | {"max_position_embeddings": 64},
        vision_config={**sizes, "image_size": 32, "patch_size": 8},
        projection_dim=16,
        image_text_hidden_size=16,
    )
    made = BlipForConditionalGeneration(config)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.5)
        made.text_decoder.cls.predictions.bias[:5] = made.text_decoder.cls.predictions.bias[-1] = -100.0  # words alone
    torch.save(made.state_dict(), tmp_path / "made.bin")
    files = {
        "pytorch_model.bin": (tmp_path / "made.bin").read_bytes(),
        "vocab.txt": "\n".join(WORDS).encode(),
    }
    weights = pulled(hub, tmp_path, files, {"pytorch_model.bin": "model", "vocab.txt": "vocabulary"})
    return BlipCaptions(weights, "cpu", config)


@pytest.mark.slow
def test_a_caption_with_its_attention(model: Any) -> None:
    outputs = ask(model)
    assert outputs.caption
    assert [image.name for image in outputs.attention] == outputs.caption.split()
    assert outputs.score is None or 0 < outputs.score <= 1
    assert all(max(image.resolution_wh) == 320 for image in outputs.attention)
    assert "may name what is not there" in outputs.notes[0]
    the_same_is_said_again(model)


@pytest.mark.slow
def test_beams_and_sampling(model: Any) -> None:
    bare = model._model.generate(
        model._processor(images=Image.open(EXAMPLES / "cat.jpg").rgb, return_tensors="pt")["pixel_values"],
        num_beams=1,
        max_new_tokens=10,
        do_sample=False,
    )
    assert ask(model, beams=1).caption == model._tokenizer.decode(bare[0, 1:], skip_special_tokens=True).strip()
    drawn = {ask(model, sampling=True, temperature=2.0, seed=seed).caption for seed in range(6)}
    assert len(drawn) > 1


@pytest.mark.slow
def test_it_can_be_cancelled(model: Any) -> None:
    with pytest.raises(Cancelled):
        ask(model, Impatient())
