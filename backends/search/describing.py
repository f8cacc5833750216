"""What words can find of a picture: the text that is read in it, and the sentences that were observed about it."""

from __future__ import annotations

from typing import Any

from backends.search.library import Passage, PassageKind, Vectors
from backends.search.model import unit
from studio.contract import Run
from studio.media.image import Image

#: A passage of read text has so many words; a page has so many passages.
_WORDS, _MOST_PASSAGES = 60, 16
#: Kinds of observed sentences that somebody may search for.
_SAID = ("colours", "faces", "thing", "found")

Texts = list[tuple[PassageKind, str]]


def texts_about(image: Image, run: Run) -> Texts:
    """What is read in a picture and observed about it, by the task `image_captioning`; each with its kind."""
    return texts_of(run.call("image_captioning", {"image": image}, adapter="observations"))


def texts_of(answered: Any) -> Texts:
    """The texts in an answer of the task `image_captioning`."""
    words = answered.text.split()
    read = [" ".join(words[start : start + _WORDS]) for start in range(0, len(words), _WORDS)][:_MOST_PASSAGES]
    said = [fact.sentence for fact in answered.facts if fact.kind in _SAID]
    return [*(("text", text) for text in read), *(("seen", sentence) for sentence in said)]


def passages(texts: Texts, run: Run) -> list[Passage]:
    """The texts with the vectors of their meaning."""
    if not texts:
        return []
    vectors = meanings([text for _, text in texts], run)
    return [Passage(kind, text, vector) for (kind, text), vector in zip(texts, vectors, strict=True)]


def meanings(texts: list[str], run: Run, purpose: str = "passage") -> list[Vectors]:
    """A vector (D,) of unit length for each text, by the task `text_embedding`."""
    answered: Any = run.call("text_embedding", {"texts": texts, "purpose": purpose}, adapter="minilm")
    return [unit(vector) for vector in answered.vectors]
