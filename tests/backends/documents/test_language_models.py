"""Real classes at tiny size: language models through transformers, its own server, and models from the local hub."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest

from backends.documents import grounding
from backends.documents.embedder import Embedder, Plain
from backends.documents.endpoint import EndpointChat
from backends.documents.fields import ChatInputs
from backends.documents.grounding import ChatMessage
from backends.documents.local_lm import LocalChat
from backends.documents.ranking import CrossEncoderRanking
from backends.documents.text_fields import RankingInputs
from studio.downloads import Downloads
from studio.errors import Cancelled
from studio.weights import Shelf, Weights
from tests.backends.documents.conftest import Call
from tests.backends.documents.test_generation import Searching
from tests.hub.conftest import hub  # noqa: F401 - a fixture
from tests.hub.local_hub import LocalHub

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QUESTION: list[ChatMessage] = [{"role": "user", "content": "Who repairs the roof?"}]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2 of two layers with random weights, a tokenizer of bytes, and a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    folder = tmp_path_factory.mktemp("qwen")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    tokens.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokens, eos_token="<|im_end|>", pad_token="<|im_end|>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=4096, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


def weights(folder: Path) -> Weights:
    return Weights({"model": folder / "model.safetensors"})


def test_a_model_on_this_machine_writes_as_generate_does(checkpoint: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(checkpoint)
    encoded = tokenizer.apply_chat_template(QUESTION, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    model: Any = AutoModelForCausalLM.from_pretrained(checkpoint)
    with torch.inference_mode():
        expected = model.generate(**encoded, max_new_tokens=400, do_sample=False)[0, encoded["input_ids"].shape[1] :]
    said = "".join(LocalChat(weights(checkpoint), "cpu").stream(QUESTION, lambda: None))
    assert said == tokenizer.decode(expected, skip_special_tokens=True)


def test_a_model_on_this_machine_answers_and_is_cancelled(checkpoint: Path, tmp_path: Path) -> None:
    chat = LocalChat(weights(checkpoint), "cpu")
    run = Searching(tmp_path)
    outputs = list(chat(ChatInputs(question="Who repairs the roof?"), run))
    assert outputs[-1].chat == "1"
    run.cancelled = True
    begun_s = time.monotonic()
    with pytest.raises(Cancelled):
        list(chat(ChatInputs(question="Who repairs the roof?"), run))
    assert time.monotonic() - begun_s < 5


#: `transformers serve` itself; only a model's loading leaves out `device_map`, for which it needs accelerate, and
#: accelerate slows every other start of the studio.
SERVE = """
from transformers import AutoModelForCausalLM
from transformers.cli.serving.model_manager import ModelManager
from transformers.cli.transformers import main

def load(self, model_id_and_revision, *rest, **more):
    return AutoModelForCausalLM.from_pretrained(model_id_and_revision.rpartition("@")[0])

ModelManager._load_model = load
main()
"""


@pytest.fixture(scope="module")
def served(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of transformers' own server with the tiny model, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVE, "serve", str(checkpoint)]
    log = tmp_path_factory.mktemp("serve") / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
            stdout=file, stderr=file, env=os.environ | {"HF_HUB_OFFLINE": "1"},
        )  # fmt: skip
    try:
        until_s = time.monotonic() + 240
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until_s, log.read_text()
            try:
                httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.3)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait(10)


def test_the_endpoint_speaks_with_transformers_own_server(
    served: str, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATELIER_LLM_MODEL", str(checkpoint))
    chat = EndpointChat(Weights({}, served), "cpu")
    said = list(chat.stream(QUESTION, lambda: None))
    own = "".join(LocalChat(weights(checkpoint), "cpu").stream(QUESTION, lambda: None))
    assert len(said) > 10
    assert "".join(said)[:40] == own[:40]
    run = Searching(tmp_path)
    # the marks around passages are drawn by lot; with others the random weights may say nothing that is ever settled
    monkeypatch.setattr(grounding, "secrets", SimpleNamespace(token_hex=lambda count: "5" * 2 * count))
    outputs = list(chat(ChatInputs(question="Who repairs the roof?"), run))
    assert len(outputs) > 1
    assert outputs[-1].chat == "1"


# models from the hub


def pulled(hub: LocalHub, folder: Path, model: Path) -> Weights:  # noqa: F811
    """A model's folder after it came from the local hub."""
    hub.files.clear()
    hub.files |= {str(path.relative_to(model)): path.read_bytes() for path in model.rglob("*") if path.is_file()}
    (folder / "weights.toml").write_text(hub.row())
    shelf = Shelf(folder, Downloads())
    download = shelf.pull(folder, "net")
    assert download.wait(30)
    assert download.error is None
    return shelf.resolve(folder, "net")


def bert(folder: Path, kind: str) -> Path:
    """A BERT of one layer with random weights, and a tokenizer of a few words."""
    import torch
    import transformers
    from transformers import BertConfig, BertTokenizerFast

    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *["the", "roof", "kiln", "is", "hot", "red", "blue", "."]]
    (folder / "vocab.txt").write_text("\n".join(words))
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, num_labels=1,
    )  # fmt: skip
    getattr(transformers, kind)(config).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_an_embedding_model_from_the_hub(hub: LocalHub, tmp_path: Path) -> None:  # noqa: F811
    """The transformer's own files alone, pooled as the adapter says, are what sentence-transformers makes of them."""
    import torch
    from transformers import AutoTokenizer, BertModel

    folder = pulled(hub, tmp_path, bert(tmp_path / "made", "BertModel")).path().parent
    embedder = Embedder(folder, "cpu", "tiny", Plain("cls", "the "))
    vectors = embedder.passages(["roof is red", "kiln is hot ."])
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = BertModel.from_pretrained(folder).eval()
    with torch.no_grad():
        states = model(**tokenizer(["roof is red", "kiln is hot ."], padding=True, return_tensors="pt"))
    first = torch.nn.functional.normalize(states.last_hidden_state[:, 0], dim=-1).numpy()  # (N, T, D) -> (N, D)
    np.testing.assert_allclose(vectors, first, atol=1e-5)
    np.testing.assert_allclose(embedder.query("roof"), embedder.passages(["the roof"])[0], atol=1e-5)
    [seen] = embedder.read(["kiln is hot"], question=True)
    assert [("kiln is hot")[a:b] for a, b in seen.places] == ["kiln", "is", "hot"]


def test_a_cross_encoder_from_the_hub(hub: LocalHub, tmp_path: Path) -> None:  # noqa: F811
    import torch
    from transformers import AutoTokenizer, BertForSequenceClassification

    loaded = pulled(hub, tmp_path, bert(tmp_path / "made", "BertForSequenceClassification"))
    texts = ["roof is red", "kiln is hot .", "blue"] * 7
    outputs = CrossEncoderRanking(loaded, "cpu")(RankingInputs(question="the kiln", texts=texts), Call(tmp_path))
    tokenizer: Any = AutoTokenizer.from_pretrained(loaded.path().parent)
    model: Any = BertForSequenceClassification.from_pretrained(loaded.path().parent).eval()
    with torch.no_grad():
        batch = tokenizer(["the kiln"] * len(texts), texts, padding=True, return_tensors="pt")
        logits = model(**batch).logits[:, 0].numpy()
    order = [outputs.scores[i] for i in outputs.order]
    assert order == sorted(order, reverse=True)
    assert outputs.order[0] % 3 == int(np.argmax(logits[:3]))
    np.testing.assert_allclose(np.argsort(outputs.scores[:3]), np.argsort(logits[:3]))
