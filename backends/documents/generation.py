"""A chat that a language model answers from the passages that were found; which model is the adapter's affair."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from backends.documents.conversation import Conversation
from backends.documents.fields import ChatInputs, ChatOutputs, Citation
from backends.documents.grounding import ChatMessage, Exchange, cited, cleaned, is_refusal, messages, settled, uncited
from backends.documents.searching import searched_for
from studio.contract import Run


class LanguageModel(Protocol):
    """Continues a conversation."""

    def stream(self, conversation: Sequence[ChatMessage], check: Callable[[], None]) -> Iterator[str]:
        """The pieces of the answer as they come. `check` raises if nobody waits any more."""


def answer(model: LanguageModel, inputs: ChatInputs, run: Run) -> Iterator[ChatOutputs]:
    """Search, then let the model answer; what is settled of the answer so far after each piece.

    Raises:
        InvalidInput: the collection or the chat is unknown.
    """
    conversation = Conversation.of(inputs, run)
    searched = conversation.standalone(inputs.question)
    passages = searched_for(inputs, searched, run)
    history = [Exchange(said.question, said.answer) for said in conversation.exchanges()]
    said, shown = "", ""
    for piece in model.stream(messages(inputs.question, passages, history), run.check):
        said += piece
        if settled(said) != shown:
            shown = settled(said)
            yield _told(shown, passages, searched, inputs.chat)
    outputs = _told(said, passages, searched, inputs.chat)
    if outputs.found and uncited(outputs.answer):
        run.note("Some statements name no source: check them in the passages.")
    chat = conversation.add(inputs, searched, outputs.answer, outputs.citations)
    yield outputs.model_copy(update={"chat": chat})


def _told(said: str, passages: Sequence[Citation], searched: str, chat: str) -> ChatOutputs:
    text, sources = cited(cleaned(said), passages)
    return ChatOutputs(answer=text, found=not is_refusal(text), citations=sources, searched=searched, chat=chat)
