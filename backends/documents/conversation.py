"""One turn of a chat: what the question refers to, and the turn stored at the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from backends.documents.chats import Chats, Turn
from backends.documents.fields import ChatInputs, Citation
from backends.documents.followup import Said, standalone
from studio.contract import Run
from studio.errors import InvalidInput


class Conversation:
    """A chat that goes on, or one that is about to begin.

    Args:
        chats: where the owner's are kept; None for a conversation that its caller keeps.
        chat_id: empty for one that begins.
        turns: what was said.
    """

    def __init__(self, chats: Chats | None, chat_id: str, turns: Sequence[Turn]) -> None:
        self._chats = chats
        self._chat_id = chat_id
        self.turns = turns

    @classmethod
    def of(cls, inputs: ChatInputs, run: Run) -> Conversation:
        """The one that a question belongs to. Raises InvalidInput where the owner has no chat of that id."""
        if inputs.history is not None:
            return cls(None, "", [Turn(message.role, message.content) for message in inputs.history])
        chats = Chats(run.storage)
        if inputs.chat and chats.get(inputs.chat) is None:
            raise unknown_chat(inputs.chat)
        return cls(chats, inputs.chat, chats.turns(inputs.chat) if inputs.chat else [])

    def standalone(self, question: str) -> str:
        """The question with what it refers to in the turns before."""
        return standalone(question, self._turns(_quoted))

    def exchanges(self) -> list[Said]:
        """The questions with the answers that were given."""
        return self._turns(lambda turn: turn.content)

    def _turns(self, answered: Callable[[Turn], str]) -> list[Said]:
        said, question = list[Said](), ""
        for turn in self.turns:
            if turn.role == "user":
                question = turn.content
            elif question:
                said.append(Said(question, answered(turn)))
        return said

    def add(self, inputs: ChatInputs, searched: str, answer: str, citations: Sequence[Citation]) -> str:
        """Store the turn; the chat's id, empty where none is kept. One that was deleted meanwhile begins anew."""
        if self._chats is None:
            return ""
        asked = Turn("user", inputs.question, collection=inputs.collection)
        turns = [asked, Turn("assistant", answer, searched, list(citations), inputs.collection)]
        if not (self._chat_id and self._chats.add(self._chat_id, turns)):
            self._chat_id = self._chats.create(inputs.question)
            self._chats.add(self._chat_id, turns)
        return self._chat_id


def _quoted(turn: Turn) -> str:
    """The document's own words in an answer; all of an answer whose sources are not known."""
    return turn.citations[0].quote if turn.citations else re.sub(r"\[\d+\]|[*_`\\]", "", turn.content)


def unknown_chat(chat_id: str) -> InvalidInput:
    """The error for a chat that is not there."""
    return InvalidInput(
        "There is no such chat.",
        field="chat",
        expected="the id of one of your chats",
        got=chat_id,
        hint="List them, or leave the field empty for a new one.",
    )
