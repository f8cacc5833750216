"""Reads the text in a picture of a page by asking the studio's task for it: the only place where that is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio.contract import Run
from studio.errors import NotFound
from studio.media.image import Image

TASK = "text_recognition"


def recogniser(run: Run) -> Callable[[Image], str] | None:
    """What reads pictures during a call; None where the studio has no task for it."""
    call: Callable[..., Any] | None = getattr(run, "call", None)
    if call is None:
        return None
    missing = False

    def recognise(image: Image) -> str:
        nonlocal missing
        if missing:
            return ""
        try:
            outputs = call(TASK, {"image": image})
        except NotFound:
            missing = True
            run.note(
                "Pages that are only a picture were left out: this studio has no task that reads text in pictures."
            )
            return ""
        text = getattr(outputs, "text", "")
        return text if isinstance(text, str) else ""

    return recognise
