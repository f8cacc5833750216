"""Answers by a language model on another server, through OpenAI's interface and its own client."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from backends.documents.fields import ChatInputs, ChatOutputs
from backends.documents.generation import answer
from backends.documents.grounding import ChatMessage
from studio.contract import Run
from studio.errors import BackendFailed
from studio.settings import Settings
from studio.weights import Weights

if TYPE_CHECKING:
    from openai import Stream
    from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

_CONNECT_S, _READ_S = 10.0, 120.0
_MAX_TOKENS = 700
#: How long a cancelled run waits at most.
_CHECK_EVERY_S = 0.1


class EndpointChat:
    """A model behind an OpenAI-compatible server.

    Args:
        weights: has the server's address.
        device: not used.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        from openai import OpenAI, Timeout

        settings = Settings()
        timeout = Timeout(_READ_S, connect=_CONNECT_S)
        self._client = OpenAI(
            base_url=weights.address, api_key=settings.llm_key or "none", timeout=timeout, max_retries=1
        )
        self._model = settings.llm_model

    def __call__(self, inputs: ChatInputs, run: Run) -> Iterator[ChatOutputs]:
        """The answer as it comes."""
        return answer(self, inputs, run)

    def stream(self, conversation: Sequence[ChatMessage], check: Callable[[], None]) -> Iterator[str]:
        """The pieces of the server's answer. Raises BackendFailed where it cannot be reached or refuses."""
        reading = _Reading(lambda: self._open(conversation))
        try:
            while (piece := reading.next(check)) is not None:
                yield piece
        finally:
            reading.stop()

    def _open(self, conversation: Sequence[ChatMessage]) -> Stream[ChatCompletionChunk]:
        import openai

        try:
            return self._client.chat.completions.create(
                model=self._model or next(iter(self._client.models.list())).id,
                messages=cast("list[ChatCompletionMessageParam]", list(conversation)),
                stream=True,
                temperature=0,
                max_tokens=_MAX_TOKENS,
            )
        except openai.APIStatusError as fault:
            raise BackendFailed(
                "The language model's server has refused.",
                expected="status 200",
                got=f"status {fault.status_code}",
                hint="The operator sets ATELIER_LLM_URL, ATELIER_LLM_KEY and ATELIER_LLM_MODEL.",
            ) from fault
        except (openai.APIError, StopIteration) as fault:
            raise _unreachable(fault) from fault


class _Reading:
    """Reads a stream in a thread of its own, so that a run can be cancelled while the server is silent."""

    def __init__(self, start: Callable[[], Stream[ChatCompletionChunk]]) -> None:
        self._pieces: queue.SimpleQueue[str | Exception | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        threading.Thread(target=self._read, args=(start,), name="language-model", daemon=True).start()

    def next(self, check: Callable[[], None]) -> str | None:
        """The next piece, None at the end. Raises what the reading has raised, or what `check` raises."""
        while True:
            check()
            try:
                piece = self._pieces.get(timeout=_CHECK_EVERY_S)
            except queue.Empty:
                continue
            if isinstance(piece, Exception):
                raise piece
            return piece

    def stop(self) -> None:
        """Read no further; the connection is closed with the next piece."""
        self._stopped.set()

    def _read(self, start: Callable[[], Stream[ChatCompletionChunk]]) -> None:
        import openai

        try:
            with start() as stream:
                for chunk in stream:
                    if self._stopped.is_set():
                        return
                    text = chunk.choices[0].delta.content if chunk.choices else None
                    if text:
                        self._pieces.put(text)
            self._pieces.put(None)
        except BackendFailed as fault:
            self._pieces.put(fault)
        except (openai.APIError, ValueError) as fault:  # broken off, or not in the form that was promised
            self._pieces.put(_unreachable(fault))


def _unreachable(fault: Exception) -> BackendFailed:
    return BackendFailed(
        "The language model's server cannot be reached, or broke off.",
        got=type(fault).__name__,
        hint="The operator sets ATELIER_LLM_URL; the server must be running.",
    )
