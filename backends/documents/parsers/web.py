"""HTML as plain text: what a reader sees, with its headings. Nothing it refers to is fetched."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from backends.documents.parsers.parsed import Parsed, Reading, Writer
from backends.documents.parsers.plain import decode

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_HIDDEN = frozenset(
    ("script style template noscript head svg canvas iframe object embed form button select input textarea nav").split()  # noqa: SIM905
)
_BLOCKS = frozenset(
    """
    address article aside blockquote body dd details div dl dt fieldset figcaption figure footer header hr li main
    ol p pre section summary table tbody td tfoot th thead tr ul
    """.split()  # noqa: SIM905
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE)
_SPACES = re.compile(r"\s+")


def read_html(data: bytes, reading: Reading) -> Parsed:
    """The document as one page."""
    writer = Writer()
    write_html(html_text(data), writer)
    return Parsed("html", [writer.page()])


def html_text(data: bytes) -> str:
    """The source as text, in the encoding that it declares where it has no byte order mark."""
    declared = _CHARSET.search(data[:2048])
    if declared and not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode(declared[1].decode("ascii"), "replace")
        except LookupError:
            return decode(data)
    return decode(data)


def write_html(source: str, writer: Writer) -> None:
    """Add the visible text of a page's body to what is being written."""
    from selectolax.lexbor import LexborHTMLParser

    body = LexborHTMLParser(source).body
    if body is not None:
        _Walk(writer).walk(body)


class _Walk:
    """Goes through the tree in reading order and writes a block whenever one ends."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._words: list[str] = []
        self._gap = "\n\n"

    def walk(self, root: LexborNode) -> None:
        """Depth first with a stack of our own, as a page may be nested deeper than Python's."""
        stack: list[tuple[LexborNode, bool]] = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            tag = node.tag or ""
            if leaving:
                self._leave(tag)
                continue
            if tag == "-text":
                self._words.append(_SPACES.sub(" ", node.text(deep=False) or ""))
                continue
            if tag in _HIDDEN or tag.startswith(("-", "!", "_")) or "hidden" in node.attributes:
                continue
            self._enter(tag, node)
            stack.append((node, True))
            children = list(node.iter(include_text=True))
            stack += [(child, False) for child in reversed(children)]
        self._flush()

    def _enter(self, tag: str, node: LexborNode) -> None:
        if tag == "br":
            self._words.append("\n")
        elif tag == "img":
            self._words.append(node.attributes.get("alt") or "")
        elif tag in ("td", "th"):
            if self._words:
                self._words.append(" | ")
        elif tag in _BLOCKS or _level(tag):
            self._flush()
            if tag == "li":
                self._words.append("- ")
                self._gap = "\n"

    def _leave(self, tag: str) -> None:
        level = _level(tag)
        if level:
            self._writer.heading(level, "".join(self._words))
            self._words = []
        elif tag in _BLOCKS and tag not in ("td", "th"):
            self._flush()

    def _flush(self) -> None:
        text = "".join(self._words).strip()
        if text and text != "-":
            self._writer.block(text, self._gap)
        self._words, self._gap = [], "\n\n"


def _level(tag: str) -> int:
    """1 to 6 for a heading's tag, 0 for another."""
    return int(tag[1]) if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456" else 0
