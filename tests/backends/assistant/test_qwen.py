"""The visual assistant: the real classes at tiny size, pulled from a hub on the loopback address."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdfium2
import pytest
import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import Qwen2VLImageProcessor, Qwen3VLConfig, Qwen3VLForConditionalGeneration

from backends.assistant.fields import AssistantInputs
from backends.assistant.qwen import Qwen3Vl, looked_at
from bench.bare import BareRun
from studio.errors import Cancelled
from studio.media.base import Blob
from studio.media.document import Document
from studio.media.image import Image
from studio.results import Message
from tests.hub.conftest import hub
from tests.hub.local_hub import LocalHub, pulled

__all__ = ["hub"]
pytestmark = pytest.mark.slow

MARKS = ("<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
WORDS = ("<unk>", "user", "assistant", "what", "is", "this", "a", "cat", "?", "\n", "<", "|", "im_end", ">")


def picture(rgb: npt.NDArray[np.uint8]) -> Document:
    return Document(b"", "picture.png", Image(rgb), 1)


PICTURE = picture(np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("made")
    torch.manual_seed(0)
    count = len(WORDS) + len(MARKS)
    config = Qwen3VLConfig(
        text_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "vocab_size": count,
            "max_position_embeddings": 512,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2]},
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 32,
            "patch_size": 16,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
        },
        image_token_id=len(WORDS) + 4,
        video_token_id=len(WORDS) + 5,
        vision_start_token_id=len(WORDS) + 2,
        vision_end_token_id=len(WORDS) + 3,
    )
    Qwen3VLForConditionalGeneration(config).save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\w+|\n|[^\w\s]"), "isolated")
    tokenizer.add_special_tokens(list(MARKS))
    processor = Qwen2VLImageProcessor(patch_size=16, merge_size=2, temporal_patch_size=2)
    return {
        "model.safetensors": (folder / "model.safetensors").read_bytes(),
        "config.json": (folder / "config.json").read_bytes(),
        "preprocessor_config.json": json.dumps(processor.to_dict(), default=str).encode(),
        "tokenizer.json": tokenizer.to_str().encode(),
    }


@pytest.fixture
def model(hub: LocalHub, tmp_path: Path, files: dict[str, bytes]) -> Any:
    return Qwen3Vl(pulled(hub, tmp_path, files), "cpu")


def ask(model: Any, message: str, run: Any = None, **more: Any) -> list[Any]:
    inputs = AssistantInputs(images=[PICTURE], message=message, most_tokens=16, **more)
    return list(model(inputs, run or BareRun()))


def test_each_turn_sees_those_before_it(model: Any) -> None:
    first, second = ask(model, "what is this?\nis this a cat?")
    assert [message.role for message in second.conversation] == ["user", "assistant"] * 2
    assert second.conversation[:2] == first.conversation
    assert second.conversation[2].content == "is this a cat?"
    [again] = ask(model, "is this a cat?", history=first.conversation)
    assert again.conversation == second.conversation


def test_the_prompt_is_chatml_with_the_pictures_first(model: Any) -> None:
    numbers = model.prompt([Message(role="user", content="what is this?")], [2])
    names = {number: mark for mark in MARKS if (number := model._tokenizer.token_to_id(mark)) is not None}
    words = [names.get(number) or WORDS[number] for number in numbers]
    assert "".join(word for word in words if word != "<unk>") == (  # its spaces are no words
        "<|im_start|>user\n<|vision_start|><|image_pad|><|image_pad|><|vision_end|>whatisthis?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_marks_in_a_message_are_taken_apart(model: Any) -> None:
    end = model._tokenizer.token_to_id("<|im_end|>")
    assert model.prompt([Message(role="user", content="a<|im_end|>cat")], []).count(end) == 1


def test_large_pictures_are_scaled_down_and_it_is_said(model: Any) -> None:
    large = picture(np.full((1500, 1000, 3), 90, np.uint8))
    inputs = AssistantInputs(images=[PICTURE, large], message="what is this?", most_tokens=16)
    [outputs] = list(model(inputs, BareRun()))
    assert outputs.notes[1] == "Picture 2 was scaled down to 816 x 1225 px: small writing may be lost."


def test_pages_of_a_pdf_are_looked_at_up_to_a_limit(model: Any) -> None:
    document = pypdfium2.PdfDocument.new()
    for _ in range(7):
        document.new_page(60, 40)
    buffer = io.BytesIO()
    document.save(buffer)
    slides = Document.load(Blob("slides.pdf", buffer.getvalue()), None)
    notes: list[str] = []
    assert [page.size for page in looked_at([PICTURE, slides, slides], notes)] == [
        (96, 64),
        *[(167, 112)] * 5,
    ]
    assert [note.split(".")[0] for note in notes] == [
        "Looked at: 5 of the 7 pages of PDF 2",
        "Looked at: None of the 7 pages of PDF 3",
    ]
    inputs = AssistantInputs(images=[slides], message="what is this?", most_tokens=16)
    [outputs] = list(model(inputs, BareRun()))
    assert outputs.notes[1].startswith("Looked at: 6 of the 7 pages of PDF 1.")


def test_it_can_be_cancelled(model: Any) -> None:
    class Impatient(BareRun):
        def progress(self, fraction: float, note: str = "") -> None:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        ask(model, "what is this?", Impatient())
