"""Talks about pictures with Qwen3-VL, with its publisher's weights.

Qwen Team 2025, "Qwen3-VL Technical Report", arXiv:2511.21631. The weights, their configuration and the vocabulary are
fetched, all pinned; no code is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import PIL.Image
import torch
from tokenizers import Tokenizer
from transformers import (
    Qwen2VLImageProcessor,
    Qwen3VLForConditionalGeneration,
    StoppingCriteria,
    StoppingCriteriaList,
)

from backends.assistant.fields import MOST_PAGES, AssistantInputs, AssistantOutputs, turns_in
from studio.contract import Run
from studio.media.document import Document
from studio.results import Message
from studio.weights import Weights

#: A larger picture is scaled down: reading it takes a processor minutes.
_MOST_PX = 1_000_000
_MIND = "A network says what is likely, not what was measured: check figures and names in the picture."


class Watching(StoppingCriteria):
    """Lets a run be cancelled between two words, and shows how far it is."""

    def __init__(self, run: Run, start: float, share: float, most: int) -> None:
        self._run, self._start, self._share, self._most, self._done = run, start, share, most, 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Never stops by itself."""
        self._done += 1
        self._run.progress(self._start + self._share * min(1.0, self._done / self._most), "Answering")
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


@dataclass(frozen=True)
class _Seen:
    """Pictures as the network takes them: patches, and how many tokens each picture is."""

    values: dict[str, torch.Tensor]
    tokens: list[int]


class Qwen3Vl:
    """Qwen3-VL 2B Instruct.

    Args:
        weights: files `model`, `config`, `preprocessor` and `tokenizer`.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        folder = weights.path().parent
        model: Any = Qwen3VLForConditionalGeneration.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.bfloat16
        )
        self._model = model.eval().to(device)
        self._processor: Any = Qwen2VLImageProcessor.from_pretrained(folder, local_files_only=True)
        self._tokenizer = Tokenizer.from_file(str(weights.path("tokenizer")))
        self._end = self._tokenizer.token_to_id("<|im_end|>")

    def __call__(self, inputs: AssistantInputs, run: Run) -> Iterator[AssistantOutputs]:
        """Answer turn by turn; each answer sees those before it."""
        notes = [_MIND]
        seen = self._seen(looked_at(inputs.images, notes))
        conversation = list(inputs.history or [])
        turns = turns_in(inputs.message)
        for number, turn in enumerate(turns):
            conversation.append(Message(role="user", content=turn))
            watching = Watching(run, number / len(turns), 1 / len(turns), inputs.most_tokens)
            answer = self._answer(conversation, seen, watching, inputs.most_tokens)
            conversation.append(Message(role="assistant", content=answer))
            yield AssistantOutputs(answer=answer, conversation=list(conversation), notes=notes)

    def _seen(self, images: list[PIL.Image.Image]) -> _Seen:
        read = self._processor(images=images, return_tensors="pt")
        grid = read["image_grid_thw"]  # (pictures, 3)
        tokens = (grid.prod(-1) // self._processor.merge_size**2).tolist()
        device = self._model.device
        pixels = read["pixel_values"].to(device, self._model.dtype)
        return _Seen({"pixel_values": pixels, "image_grid_thw": grid.to(device)}, tokens)

    @torch.inference_mode()
    def _answer(self, conversation: list[Message], seen: _Seen, watching: Watching, most: int) -> str:
        numbers = self.prompt(conversation, seen.tokens)
        pad = self._model.config.image_token_id
        ids = torch.tensor([numbers], device=self._model.device)
        written = self._model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            mm_token_type_ids=(ids == pad).int(),
            **seen.values,
            max_new_tokens=most,
            do_sample=False,
            eos_token_id=self._end,
            pad_token_id=self._end,
            stopping_criteria=StoppingCriteriaList([watching]),
        )
        return self._tokenizer.decode(written[0, len(numbers) :].tolist(), skip_special_tokens=True).strip()

    def prompt(self, conversation: list[Message], tokens: list[int]) -> list[int]:
        """The conversation as the network knows it: ChatML, the pictures before the first turn.

        What people write has no marks of the conversation in it: they are taken apart.
        """
        numbers: list[int] = []
        for place, message in enumerate(conversation):
            numbers += self._read(f"<|im_start|>{message.role}\n")
            if place == 0:
                for count in tokens:
                    numbers += self._read("<|vision_start|>")
                    numbers += [self._model.config.image_token_id] * count
                    numbers += self._read("<|vision_end|>")
            numbers += self._read(message.content.replace("<|", "< |")) + self._read("<|im_end|>\n")
        return numbers + self._read("<|im_start|>assistant\n")

    def _read(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def looked_at(documents: list[Document], notes: list[str]) -> list[PIL.Image.Image]:
    """All pictures and pages, as many as are looked at together; what is left out is noted."""
    found: list[PIL.Image.Image] = []
    for number, document in enumerate(documents, 1):
        looked = min(document.page_count, MOST_PAGES - len(found))
        name = f"Picture {number}" if document.image else f"PDF {number}"
        for page in range(1, looked + 1):
            told = name if document.image else f"{name}, page {page}"
            found.append(_scaled(document.page(page).pil(), told, notes))
        if looked < document.page_count:
            left = f"{looked or 'None'} of the {document.page_count} pages of {name}"
            notes.append(f"Looked at: {left}. At most {MOST_PAGES} pictures and pages are looked at together.")
    return found


def _scaled(picture: PIL.Image.Image, told: str, notes: list[str]) -> PIL.Image.Image:
    """The picture, scaled down if it is large; that is noted."""
    times = (_MOST_PX / (picture.width * picture.height)) ** 0.5
    if times >= 1:
        return picture
    size_wh = max(1, round(picture.width * times)), max(1, round(picture.height * times))
    notes.append(f"{told} was scaled down to {size_wh[0]} x {size_wh[1]} px: small writing may be lost.")
    return picture.resize(size_wh, PIL.Image.Resampling.LANCZOS)
