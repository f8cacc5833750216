"""Reads the text in a picture of a page by asking the studio's task for it: the only place where that is done."""

from __future__ import annotations

from collections.abc import Callable

from studio.contract import Run
from studio.errors import InvalidInput, NotFound, WeightsUnavailable
from studio.media.base import Blob
from studio.media.image import Image

#: Takes a picture as `file`, answers with its `text`.
TASK = "text_recognition"


def recogniser(run: Run) -> Callable[[Image], str]:
    """What reads pictures during a call.

    It gives an empty text, and leaves a note with the result, where the studio has no task for it or its model is not
    there.
    """
    reason = ""

    def recognise(image: Image) -> str:
        nonlocal reason
        if reason:
            return ""
        try:
            outputs = run.call(TASK, {"file": Blob("page.png", image.encode()[0])})
        except NotFound:
            reason = "this studio has no task that reads text in pictures"
        except WeightsUnavailable as fault:
            reason = fault.message
        except InvalidInput:
            return ""
        else:
            text = getattr(outputs, "text", "")
            return text if isinstance(text, str) else ""
        run.note(f"Pages that are only a picture were left out: {reason}")
        return ""

    return recognise
