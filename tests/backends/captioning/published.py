"""What every published captioner is asked by its tests."""

from __future__ import annotations

from typing import Any

from backends.captioning.fields import CaptionInputs
from bench.bare import BareRun
from studio.errors import Cancelled
from studio.media.image import Image
from tests.backends.captioning.test_observations import EXAMPLES


class Impatient(BareRun):
    """A run that is cancelled once a word is written."""

    def progress(self, fraction: float, note: str = "") -> None:
        """End it.

        Raises:
            Cancelled: at the first word.
        """
        if note == "Writing":
            raise Cancelled("enough")


def ask(model: Any, run: BareRun | None = None, **more: Any) -> Any:
    """A caption of the picture of a cat, of few words."""
    inputs = CaptionInputs(image=Image.open(EXAMPLES / "cat.jpg"), **{"most_words": 10, **more})
    return model(inputs, run or BareRun())


def each_word_has_its_attention(outputs: Any) -> None:
    assert outputs.caption
    assert " ".join(image.name for image in outputs.attention).replace(" ", "") == outputs.caption.replace(" ", "")
    assert 0 < outputs.score <= 1


def the_same_is_said_again(model: Any) -> None:
    assert ask(model).caption == ask(model).caption
    assert ask(model, sampling=True, seed=4).caption == ask(model, sampling=True, seed=4).caption
