"""Words in what is known of pictures: BM25 by SQLite's full-text search, which stems English words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backends.search.database import Database

#: Words of a question that are searched at most.
_MOST_WORDS = 64
_OPEN, _CLOSE = "\x02", "\x03"
#: Words that say nothing about a picture.
_EMPTY = frozenset(
    [
        "a",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "do",
        "find",
        "for",
        "from",
        "has",
        "have",
        "how",
        "i",
        "in",
        "is",
        "it",
        "me",
        "my",
        "of",
        "on",
        "or",
        "picture",
        "pictures",
        "photo",
        "photos",
        "image",
        "images",
        "please",
        "show",
        "that",
        "the",
        "there",
        "this",
        "to",
        "was",
        "what",
        "where",
        "which",
        "who",
        "with",
        "you",
    ]
)

_FOUND = """
WITH hit AS MATERIALIZED (SELECT rowid AS id, bm25(words) AS value FROM words WHERE words MATCH ?)
SELECT passage.picture_id, MAX(-hit.value) FROM hit
JOIN passage ON passage.id = hit.id JOIN picture ON picture.id = passage.picture_id
WHERE collection_id = ? GROUP BY passage.picture_id ORDER BY 2 DESC LIMIT ?
"""
_MARKED = """
SELECT passage.picture_id, highlight(words, 0, ?, ?) FROM words JOIN passage ON passage.id = words.rowid
WHERE words MATCH ? AND passage.picture_id IN ({})
"""


def match(query: str) -> str:
    """The question as the full-text search takes it: any of its telling words; empty where there is none."""
    words = [word for word in re.findall(r"\w+", query.casefold()) if word not in _EMPTY]
    return " OR ".join(f'"{word}"' for word in dict.fromkeys(words[:_MOST_WORDS]))


def with_words(database: Database, collection_id: int, query: str, count: int) -> dict[int, float]:
    """Pictures with any of the words: id to its BM25 as a share of the best one, the best first."""
    wanted = match(query)
    if not wanted:
        return {}
    with database.reading() as connection:
        rows = connection.execute(_FOUND, (wanted, collection_id, count)).fetchall()
    best = max((score for _, score in rows), default=0.0)
    return {picture_id: score / best if best > 0 else 1.0 for picture_id, score in rows}


def words_found(database: Database, picture_ids: Sequence[int], query: str) -> dict[int, list[str]]:
    """The words of the question that stand in what is known of each picture, as they stand there."""
    wanted = match(query)
    if not wanted or not picture_ids:
        return {}
    marks = ", ".join("?" * len(picture_ids))
    with database.reading() as connection:
        rows = connection.execute(_MARKED.format(marks), (_OPEN, _CLOSE, wanted, *picture_ids)).fetchall()
    found: dict[int, dict[str, None]] = {}
    for picture_id, text in rows:
        for word in re.findall(f"{_OPEN}(.*?){_CLOSE}", text):
            found.setdefault(picture_id, {})[word.casefold()] = None
    return {picture_id: list(words) for picture_id, words in found.items()}


def passage_texts(database: Database, passage_ids: Sequence[int]) -> dict[int, tuple[int, str, str]]:
    """(picture's id, kind, text) of passages by their ids; those that are gone are left out."""
    marks = ", ".join("?" * len(passage_ids))
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT passage.id, picture_id, kind, text FROM passage JOIN words ON words.rowid = passage.id "
            f"WHERE passage.id IN ({marks})",
            list(passage_ids),
        ).fetchall()
    return {number: (picture_id, kind, text) for number, picture_id, kind, text in rows}
