"""An owner's chats: what was asked, how it was searched, what was answered, and from where."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from backends.documents.database import Database
from backends.documents.fields import Citation
from backends.documents.library import name_key
from studio.results import Message

Role = Literal["user", "assistant"]

_TITLE_CHARACTERS = 60


@dataclass(frozen=True)
class Chat:
    """A chat. Times are seconds since the epoch."""

    id: str
    title: str
    created_s: float
    changed_s: float
    messages: int


@dataclass(frozen=True)
class Turn:
    """One message of a chat.

    Attributes:
        searched: what was searched for an answer.
        citations: the answer's.
        collection: what was asked, by its name; empty for a turn that is not kept, or whose collection is gone.
    """

    role: Role
    content: str
    searched: str = ""
    citations: list[Citation] = field(default_factory=list)
    collection: str = ""

    @property
    def message(self) -> Message:
        """As it is shown."""
        return Message(role=self.role, content=self.content, sources=list(self.citations))


_CHAT = """
SELECT CAST(id AS TEXT), title, created_s, changed_s, (SELECT COUNT(*) FROM message WHERE chat_id = chat.id) FROM chat
"""


class Chats:
    """An owner's chats.

    Args:
        folder: the owner's durable folder for this family (`run.storage`).
    """

    def __init__(self, folder: Path) -> None:
        self._database = Database(folder)

    def all(self) -> list[Chat]:
        """All, the latest first."""
        if not self._database.there:
            return []
        with self._database.reading() as connection:
            return [Chat(*row) for row in connection.execute(f"{_CHAT} ORDER BY changed_s DESC, id DESC")]

    def get(self, chat_id: str) -> Chat | None:
        """One, or None."""
        if not self._database.there:
            return None
        with self._database.reading() as connection:
            row = connection.execute(f"{_CHAT} WHERE id = ?", (chat_id,)).fetchone()
        return Chat(*row) if row else None

    def turns(self, chat_id: str) -> list[Turn]:
        """What was said, in its order."""
        if not self._database.there:
            return []
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT role, content, searched, citations, COALESCE(name, '') FROM message "
                "LEFT JOIN collection ON collection_id = collection.id WHERE chat_id = ? ORDER BY position",
                (chat_id,),
            ).fetchall()
        return [
            Turn(role, content, searched, _citations(citations, collection), collection)
            for role, content, searched, citations, collection in rows
        ]

    def create(self, title: str) -> str:
        """Start a chat; its id, a number among this owner's chats that is never given again."""
        now_s = time.time()
        with self._database.writing() as connection:
            (chat_id,) = connection.execute(
                "INSERT INTO chat (title, created_s, changed_s) VALUES (?, ?, ?) RETURNING id",
                (_title(title), now_s, now_s),
            ).fetchone()
        return str(chat_id)

    def add(self, chat_id: str, turns: Sequence[Turn]) -> bool:
        """Put messages at the end, all or none; False where the chat is gone."""
        now_s = time.time()
        with self._database.writing() as connection:
            if not connection.execute("UPDATE chat SET changed_s = ? WHERE id = ?", (now_s, chat_id)).rowcount:
                return False
            (last,) = connection.execute(
                "SELECT COALESCE(MAX(position), 0) FROM message WHERE chat_id = ?", (chat_id,)
            ).fetchone()
            for position, turn in enumerate(turns, last + 1):
                citations = json.dumps([one.model_dump(mode="json") for one in turn.citations], ensure_ascii=False)
                connection.execute(
                    "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, (SELECT id FROM collection WHERE name_key = ?), ?)",
                    (
                        chat_id,
                        position,
                        turn.role,
                        turn.content,
                        turn.searched,
                        citations,
                        name_key(turn.collection),
                        now_s,
                    ),
                )
        return True

    def rename(self, chat_id: str, title: str) -> bool:
        """Give a chat another title; False where there is none."""
        if not self._database.there:
            return False
        with self._database.writing() as connection:
            return connection.execute("UPDATE chat SET title = ? WHERE id = ?", (_title(title), chat_id)).rowcount == 1

    def delete(self, chat_id: str) -> bool:
        """Delete a chat with all that was said; False where there is none."""
        if not self._database.there:
            return False
        with self._database.writing() as connection:
            gone = connection.execute("DELETE FROM chat WHERE id = ?", (chat_id,)).rowcount == 1
        self._database.empty_log()
        return gone


def _citations(stored: str, collection: str) -> list[Citation]:
    """An answer's sources; a collection that was renamed since has its new name."""
    renamed = {"collection": collection} if collection else {}
    return [Citation.model_validate(one | renamed) for one in json.loads(stored)]


def as_markdown(chat: Chat, turns: Sequence[Turn]) -> str:
    """A chat with its sources, to be kept or printed."""
    parts = [f"# {chat.title}"]
    for turn in turns:
        if turn.role == "user":
            parts.append(f"**Question.** {turn.content}")
            continue
        parts.append(turn.content)
        parts += [f"[{one.number}] {one.title}: “{' '.join(one.quote.split())}”" for one in turn.citations]
    return "\n\n".join(parts) + "\n"


def _title(text: str) -> str:
    line = " ".join(text.split()) or "New chat"
    return line if len(line) <= _TITLE_CHARACTERS else f"{line[: _TITLE_CHARACTERS - 1].rstrip()}…"
