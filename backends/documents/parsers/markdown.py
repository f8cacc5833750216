"""Markdown as plain text, with its headings. Links keep their words, pictures their alternative texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backends.documents.parsers.parsed import Parsed, Reading, Writer
from backends.documents.parsers.plain import decode

if TYPE_CHECKING:
    from markdown_it.token import Token


def read_markdown(data: bytes, reading: Reading) -> Parsed:
    """The document as one page (CommonMark with tables, by markdown-it-py)."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    writer = Writer()
    _write(parser.parse(_without_front_matter(decode(data))), writer)
    return Parsed("markdown", [writer.page()])


def _without_front_matter(text: str) -> str:
    if text.startswith("---\n"):
        end = text.find("\n---\n", 4)
        if 0 < end < 10_000:
            return text[end + 5 :]
    return text


def _write(tokens: Sequence[Token], writer: Writer) -> None:
    level, marker, cells = 0, "", list[str]()
    in_row = False
    for token in tokens:
        match token.type:
            case "heading_open":
                level = int(token.tag[1])
            case "heading_close":
                level = 0
            case "list_item_open":
                marker = f"{token.info}. " if token.info else "- "
            case "tr_open":
                cells, in_row = [], True
            case "tr_close":
                writer.block(" | ".join(cells), "\n\n")
                in_row = False
            case "inline" if in_row:
                cells.append(_words(token))
            case "inline" if level:
                writer.heading(level, _words(token))
            case "inline":
                writer.block(marker + _words(token), "\n" if marker else "\n\n")
                marker = ""
            case "fence" | "code_block":
                writer.block(token.content)


def _words(token: Token) -> str:
    parts = []
    for child in token.children or []:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type == "image":
            parts.append(_words(child))
        elif child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
    return "".join(parts)
