"""Which pages of a document are read."""

from __future__ import annotations

import re

from studio.errors import InvalidInput, TooLarge

MOST_PAGES = 50  # of one run


def chosen_pages(wanted: str, page_count: int) -> list[int]:
    """Numbers of the pages that "1-3, 7" names, or of all, in the document's order.

    Raises:
        InvalidInput: not of that form, or not in the document.
        TooLarge: more than `MOST_PAGES`.
    """
    numbers: set[int] = set()
    for part in (part.strip() for part in wanted.split(",") if part.strip()):
        form = re.fullmatch(r"(\d{1,6})(?:\s*[-\u2013]\s*(\d{1,6}))?", part)
        first, last = (int(form[1]), int(form[2] or form[1])) if form else (0, 0)
        if not 1 <= first <= last <= page_count:
            raise InvalidInput(
                "These are not pages of the document.",
                field="pages",
                expected=f"numbers or ranges between 1 and {page_count}, such as 1-3, 7",
                got=part[:40],
            )
        numbers |= set(range(first, last + 1))
    chosen = sorted(numbers) or list(range(1, page_count + 1))
    if len(chosen) > MOST_PAGES:
        raise TooLarge(
            f"One run reads at most {MOST_PAGES} pages.",
            field="pages",
            expected=f"at most {MOST_PAGES} pages",
            got=f"{len(chosen)} pages",
            hint=f"Name the pages to read: 1-{MOST_PAGES}, say.",
        )
    return chosen
