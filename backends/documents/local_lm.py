"""Answers by a causal language model on this machine, through the transformers library."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from backends.documents.fields import ChatInputs, ChatOutputs
from backends.documents.generation import answer
from backends.documents.grounding import ChatMessage
from studio.contract import Run
from studio.weights import Weights

if TYPE_CHECKING:
    import torch

_MAX_NEW_TOKENS = 400
_CHECK_EVERY_S = 0.1


class LocalChat:
    """A model with a chat template, as transformers saves it.

    Args:
        weights: the model's folder, found by its `model` file.
        device: "cpu" or "cuda"; there in half precision.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        folder = weights.path().parent
        dtype = torch.bfloat16 if device == "cuda" else torch.float32
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True)
        self._model = model.to(device).eval()

    def __call__(self, inputs: ChatInputs, run: Run) -> Iterator[ChatOutputs]:
        """The answer as it comes."""
        return answer(self, inputs, run)

    def stream(self, conversation: Sequence[ChatMessage], check: Callable[[], None]) -> Iterator[str]:
        """The pieces of the model's answer, the likeliest word each time. Raises what the model raises."""
        encoded = self._tokenizer.apply_chat_template(
            list(conversation), add_generation_prompt=True, return_tensors="pt", return_dict=True
        ).to(self._model.device)
        writing = _Writing(self._model, self._tokenizer, dict(encoded))
        try:
            yield from writing.pieces(check)
        finally:
            writing.stop()


class _Writing:
    """One answer, written in a thread of its own."""

    def __init__(self, model: Any, tokenizer: Any, encoded: dict[str, torch.Tensor]) -> None:
        from transformers import StoppingCriteriaList, TextIteratorStreamer

        self._streamer: Any = TextIteratorStreamer(
            tokenizer, skip_prompt=True, timeout=_CHECK_EVERY_S, skip_special_tokens=True
        )
        self._stopped = threading.Event()
        self._fault: Exception | None = None
        self._settings = {
            **encoded,
            "streamer": self._streamer,
            "stopping_criteria": StoppingCriteriaList([lambda ids, scores, **rest: self._stopped.is_set()]),
            "max_new_tokens": _MAX_NEW_TOKENS,
            "do_sample": False,
        }
        self._thread = threading.Thread(target=self._write, args=(model,), name="language-model", daemon=True)
        self._thread.start()

    def pieces(self, check: Callable[[], None]) -> Iterator[str]:
        """What is written, piece by piece, while `check` lets it."""
        while True:
            check()
            try:
                piece = next(self._streamer)
            except queue.Empty:
                continue
            except StopIteration:
                break
            if piece:
                yield piece
        self._thread.join()
        if self._fault is not None:
            raise self._fault

    def stop(self) -> None:
        """End the writing after the word in hand, and wait for that: the model is another call's next."""
        self._stopped.set()
        self._thread.join()

    def _write(self, model: Any) -> None:
        try:
            model.generate(**self._settings)
        except Exception as fault:  # noqa: BLE001 - raised again in the thread of the run, which knows what it means
            self._fault = fault
            self._streamer.end()
