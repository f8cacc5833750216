"""SigLIP: the real classes at tiny size, pulled from a hub on the loopback address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import SiglipConfig, SiglipModel

from backends.search.fields import SearchInputs
from backends.search.operations import answer
from backends.search.siglip import SiglipSearch
from backends.search.vectors import VectorIndexes
from studio.media.image import Image
from tests.backends.search.conftest import EXAMPLES, Call, plain
from tests.backends.search.test_search import add, file
from tests.hub.conftest import hub
from tests.hub.local_hub import LocalHub, pulled

__all__ = ["hub"]
pytestmark = pytest.mark.slow

WORDS = ("<unk>", "</s>", "a", "red", "circle", "cat")


@pytest.fixture
def model(hub: LocalHub, tmp_path: Path) -> Any:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = SiglipConfig(
        text_config={**sizes, "vocab_size": len(WORDS), "max_position_embeddings": 8, "projection_size": 16},
        vision_config={**sizes, "image_size": 32, "patch_size": 16},
    )
    SiglipModel(config).save_pretrained(tmp_path / "made")
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    files = {
        "model.safetensors": (tmp_path / "made" / "model.safetensors").read_bytes(),
        "tokenizer.json": (tmp_path / "tokenizer.json").read_bytes(),
    }
    return SiglipSearch(pulled(hub, tmp_path, files), "cpu", config)


def test_vectors_are_those_of_the_bare_network(model: Any, call: Call) -> None:
    cat = Image.open(EXAMPLES / "cat.jpg")
    look = model.look(cat, call)
    assert np.linalg.norm(look) == pytest.approx(1, abs=1e-5)
    words = model.words("A red CIRCLE!", call)
    tokens = torch.tensor([[2, 3, 4, 1, 1, 1, 1, 1]])
    pixels = torch.from_numpy(np.asarray(cat.pil().resize((32, 32), 2), np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
    with torch.inference_mode():
        both = model._model(input_ids=tokens, pixel_values=pixels)
    assert words == pytest.approx(both.text_embeds[0].numpy(), abs=1e-5)
    assert look @ both.image_embeds[0].numpy() > 0.999


def test_long_questions_are_cut(model: Any, call: Call) -> None:
    assert np.isfinite(model.words("cat " * 200, call)).all()


def test_a_collection_is_searched(model: Any, call: Call) -> None:
    add(model, call, file("red.png", plain(230, 10, 10)), file("blue.png", plain(10, 10, 230)), describe=False)
    found = answer(model, VectorIndexes(), SearchInputs(collection="c", query="a red circle", results=2), call)
    frame = found.results.frame  # type: ignore[attr-defined]
    assert set(frame["file"]) == {"red.png", "blue.png"}
    assert frame["score"][0] >= frame["score"][1]
    assert all(why.startswith("fits the words") for why in frame["why"])
