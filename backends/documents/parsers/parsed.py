"""What every parser makes of a file: pages of plain text with their headings."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from studio.errors import TooLarge
from studio.media.base import Limits
from studio.media.image import Image

MAX_PAGES = 2_000
MAX_CHARACTERS = 10_000_000

_BLANKS = re.compile(r"[ \t\r\f\v\u00a0]+")
_MANY_BREAKS = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class Heading:
    """From character `start` on the text stands under these headings, outermost first."""

    start: int
    path: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """A page, a slide or a chapter; of a format without pages the whole document.

    Attributes:
        number: as people count it, from 1; None in a format that has no pages.
        text: plain text; spans count its characters.
        headings: by their start.
    """

    number: int | None
    text: str
    headings: tuple[Heading, ...] = ()


@dataclass
class Parsed:
    """A file as text.

    Attributes:
        kind: the format it was read as ("pdf", "docx", ...).
        notes: what its owner should know: pages without text, an ending that is wrong.
    """

    kind: str
    pages: list[Page]
    notes: list[str] = field(default_factory=list)

    @property
    def characters(self) -> int:
        """Characters of all its pages."""
        return sum(len(page.text) for page in self.pages)


@dataclass(frozen=True)
class Reading:
    """What a parser may use: the studio's limits, and a way to read the text in a picture of a page.

    Attributes:
        limits: bytes, rows, archive ratio and files.
        recognise: a picture's text; None where the studio has no task for it.
        check: raises Cancelled if nobody waits any more.
    """

    limits: Limits = field(default_factory=Limits)
    recognise: Callable[[Image], str] | None = None
    check: Callable[[], None] = lambda: None


class Writer:
    """Gathers a page's text block by block, with the headings as they come."""

    def __init__(self, path: tuple[str, ...] = ()) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[Heading] = [Heading(0, path)] if path else []
        self._levels: list[tuple[int, str]] = [(level, title) for level, title in enumerate(path)]

    def heading(self, level: int, title: str) -> None:
        """A heading; it is part of the text, and of the path of what follows."""
        title = tidy(title).replace("\n", " ")
        if not title:
            return
        self._levels = [(other, name) for other, name in self._levels if other < level] + [(level, title)]
        self._add(title, "\n\n")
        start = self._length - len(title)
        self._headings.append(Heading(start, tuple(name for _, name in self._levels)))

    def block(self, text: str, gap: str = "\n\n") -> None:
        """A paragraph, a list item or a table's row, set apart from the one before by `gap`."""
        text = tidy(text)
        if text:
            self._add(text, gap)

    def _add(self, text: str, gap: str) -> None:
        if self._parts:
            self._parts.append(gap)
            self._length += len(gap)
        self._parts.append(text)
        self._length += len(text)
        if self._length > MAX_CHARACTERS:
            raise too_long()

    @property
    def path(self) -> tuple[str, ...]:
        """The headings that the next block stands under."""
        return tuple(name for _, name in self._levels)

    def page(self, number: int | None = None) -> Page:
        """What was gathered."""
        return Page(number, "".join(self._parts), tuple(self._headings))


def tidy(text: str) -> str:
    """Without blanks at the ends, with single blanks, and without characters that no text has."""
    text = "".join(c for c in text if c >= " " or c in "\n\t\r\f\v").replace("\x7f", "")
    text = _BLANKS.sub(" ", text)
    return _MANY_BREAKS.sub("\n\n", "\n".join(line.strip() for line in text.split("\n"))).strip()


def too_long() -> TooLarge:
    """The error for a file with too much text."""
    return TooLarge(
        f"The file has more than {MAX_CHARACTERS:,} characters of text.",
        expected=f"at most {MAX_CHARACTERS:,} characters",
        hint="Split it into several files.",
    )


def too_many_pages(count: int) -> TooLarge:
    """The error for a file with too many pages."""
    return TooLarge(
        f"The file has more than {MAX_PAGES:,} pages.",
        expected=f"at most {MAX_PAGES:,} pages",
        got=f"{count:,} pages",
        hint="Split it into several files.",
    )
