"""One turn of a chat: what the question refers to, and the turn stored at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from backends.documents.chats import Chats, Turn
from backends.documents.fields import Citation
from backends.documents.followup import Said, standalone
from studio.errors import InvalidInput


class Conversation:
    """A chat that goes on, or one that is about to begin.

    Args:
        chats: the owner's.
        chat_id: empty for one that begins.
        turns: what was said.
    """

    def __init__(self, chats: Chats, chat_id: str, turns: Sequence[Turn]) -> None:
        self._chats = chats
        self._chat_id = chat_id
        self.turns = turns

    @classmethod
    def of(cls, folder: Path, chat_id: str) -> Conversation:
        """An owner's chat. Raises InvalidInput where there is none of that id."""
        chats = Chats(folder)
        if chat_id and chats.get(chat_id) is None:
            raise unknown_chat(chat_id)
        return cls(chats, chat_id, chats.turns(chat_id) if chat_id else [])

    def standalone(self, question: str) -> str:
        """The question with what it refers to in the turns before."""
        return standalone(question, self._turns(lambda turn: turn.citations[0].quote if turn.citations else ""))

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

    def add(self, question: str, searched: str, answer: str, citations: Sequence[Citation]) -> str:
        """Store the turn; the chat's id. A chat that was deleted meanwhile begins anew."""
        turns = [Turn("user", question), Turn("assistant", answer, searched, list(citations))]
        if not (self._chat_id and self._chats.add(self._chat_id, turns)):
            self._chat_id = self._chats.create(question)
            self._chats.add(self._chat_id, turns)
        return self._chat_id


def unknown_chat(chat_id: str) -> InvalidInput:
    """The error for a chat that is not there."""
    return InvalidInput(
        "There is no such chat.",
        field="chat",
        expected="the id of one of your chats",
        got=chat_id,
        hint="List them, or leave the field empty for a new one.",
    )
