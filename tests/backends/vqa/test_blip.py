"""BLIP's answers: the real classes at tiny size, pulled from a hub on the loopback address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BlipConfig, BlipForQuestionAnswering

from backends.vqa.blip import BlipAnswers
from backends.vqa.fields import QuestionInputs
from bench.bare import BareRun
from studio.media.image import Image
from tests.hub.conftest import hub
from tests.hub.local_hub import LocalHub, pulled

__all__ = ["hub"]
pytestmark = pytest.mark.slow

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "what", "is", "this", "a", "cat", "red", "?")
PICTURE = Image(np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8))


@pytest.fixture
def model(hub: LocalHub, tmp_path: Path) -> Any:
    torch.manual_seed(3)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    numbers = {"bos_token_id": len(WORDS), "sep_token_id": 3, "pad_token_id": 0, "eos_token_id": 3}
    config = BlipConfig(
        text_config={**sizes, **numbers, "vocab_size": len(WORDS) + 1, "encoder_hidden_size": 16, "projection_dim": 16}
        | {"max_position_embeddings": 32},
        vision_config={**sizes, "image_size": 32, "patch_size": 8},
        projection_dim=16,
        image_text_hidden_size=16,
    )
    made = BlipForQuestionAnswering(config)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.5)
        made.text_decoder.cls.predictions.bias[:3] = made.text_decoder.cls.predictions.bias[-1] = -100.0
    made.save_pretrained(tmp_path / "made")
    files = {
        "model.safetensors": (tmp_path / "made" / "model.safetensors").read_bytes(),
        "vocab.txt": "\n".join(WORDS).encode(),
    }
    weights = pulled(hub, tmp_path, files, {"model.safetensors": "model", "vocab.txt": "vocabulary"})
    return BlipAnswers(weights, "cpu", config)


def test_each_question_is_answered_by_the_bare_network(model: Any) -> None:
    outputs = model(QuestionInputs(image=PICTURE, question="What is this?\nIs this red?"), BareRun())
    assert len(outputs.answers.frame) == 2
    read = model._tokenizer("What is this?", return_tensors="pt")
    pixels = model._processor(images=PICTURE.rgb, return_tensors="pt")["pixel_values"]
    bare = model._model.generate(
        pixel_values=pixels, **{k: read[k] for k in ("input_ids", "attention_mask")}, num_beams=3, max_new_tokens=20
    )
    text = model._tokenizer.decode(bare[0, 1:], skip_special_tokens=True).strip()
    assert outputs.answers.frame["answer"][0] == (text or "The network gave no answer.")
    confidence = outputs.answers.frame["confidence"][0]
    assert (0 < confidence <= 1) == bool(text)
    assert outputs.picture.boxes == []


def test_long_questions_are_cut(model: Any) -> None:
    outputs = model(QuestionInputs(image=PICTURE, question="what is this " * 100), BareRun())
    assert len(outputs.answers.frame) == 1
