"""What the family's models have in common: how a picture is looked at, put into words and explained."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from backends.pictures.overlay import RGB, Part, overlay
from backends.pictures.task import ClassificationInputs, ClassificationOutputs
from studio.contract import Run
from studio.errors import InvalidInput
from studio.media.image import Image
from studio.results import Scores

_SIDE_PX = 448  # of the picture that shows what the network saw, where that is smaller


@dataclass(frozen=True)
class Look:
    """What a model makes of one picture.

    Attributes:
        probabilities: float64 (K), of its classes; they sum to 1.
        seen: uint8 (h, w, 3), the picture as the network took it.
        likely: whether any class is.
        explain: where the evidence for a class lies, by its number.
        familiarity: logarithm of the summed evidence for all classes, where the model has a bound for it.
    """

    probabilities: npt.NDArray[np.float64]
    likely: bool
    seen: RGB
    explain: Callable[[int], list[Part]]
    familiarity: float | None = None
    notes: list[str] = field(default_factory=list)


class PictureModel(Protocol):
    """A classifier of pictures.

    Attributes:
        sure: probability from which the verdict names one class only.
        unlikely: the verdict where no class is likely.
        advice: the note where the model is not sure.
    """

    sure: float
    unlikely: str
    advice: str

    @property
    def labels(self) -> Sequence[str]:
        """Of its classes, in their order."""

    @property
    def least_familiarity(self) -> float | None:
        """Below it no class is likely; None where another bound is used."""

    def look(self, rgb: RGB, *, quick: bool = False) -> Look:
        """Look at a picture, uint8 (H, W, 3); `quick` for a frame of a webcam."""


def classify(model: PictureModel, inputs: ClassificationInputs, run: Run) -> ClassificationOutputs:
    """The most likely classes, in words, and the evidence for the one that is asked for.

    Raises:
        InvalidInput: the model does not know the class to explain.
    """
    wanted = class_number(model.labels, inputs.explain) if inputs.explain.strip() else None
    look = model.look(inputs.image.rgb, quick=run.live)
    order = np.argsort(-look.probabilities, kind="stable")
    best = int(order[0])
    explained = best if wanted is None else wanted
    beside = None if explained == best else look.explain(best)
    sure = look.likely and look.probabilities[best] >= model.sure
    return ClassificationOutputs(
        verdict=verdict(model, look.probabilities) if look.likely else model.unlikely,
        label=model.labels[best],
        score=float(look.probabilities[best]),
        likely=look.likely,
        familiarity=look.familiarity,
        least_familiarity=model.least_familiarity,
        explained=model.labels[explained],
        overlay=Image(overlay(inputs.image.rgb, look.explain(explained), beside), "overlay.jpg"),
        seen=Image(_enlarged(look.seen), "seen.png", lossless=True),
        scores=Scores({model.labels[i]: float(look.probabilities[i]) for i in order[: inputs.top_k]}),
        notes=[*([] if sure else [model.advice]), *look.notes, _legend(model.labels, explained, best)],
    )


def verdict(model: PictureModel, probabilities: npt.NDArray[np.float64]) -> str:
    """The answer in words: one class, or two."""
    best, second = (int(i) for i in np.argsort(-probabilities, kind="stable")[:2])
    first, other = with_article(model.labels[best]), with_article(model.labels[second])
    if probabilities[best] >= model.sure:
        return f"This is {first}."
    return f"Probably {first}, perhaps {other}."


def with_article(label: str) -> str:
    """The first of a label's names with its article: "an airplane" for "airplane", "a tabby" for "tabby, tabby cat"."""
    name = label.partition(",")[0]
    return f"{'an' if name[0].lower() in 'aeio' or name.lower().startswith(('um', 'up')) else 'a'} {name}"


def _legend(labels: Sequence[str], explained: int, best: int) -> str:
    """What the colours of the overlay mean."""
    name, likeliest = (labels[number].partition(",")[0] for number in (explained, best))
    if explained == best:
        return f"Colours: yellow places speak most for {name!r}, violet ones not at all."
    return f"Colours: yellow places speak as much for {name!r} as any does for {likeliest!r}, violet ones not at all."


def class_number(labels: Sequence[str], wanted: str) -> int:
    """The class that a person names by its label, or by one of the names in it, in capitals or not.

    Raises:
        InvalidInput: no class, or more than one, is called that.
    """
    name = wanted.strip().casefold()
    whole = [number for number, label in enumerate(labels) if label.casefold() == name]
    named = [number for number, label in enumerate(labels) if name in _names(label)]
    found = whole or named
    if len(found) == 1:
        return found[0]
    close = [labels[number] for number in found] or _like(labels, name)
    raise InvalidInput(
        f"Several classes are called {wanted.strip()!r}." if found else f"This model knows no {wanted.strip()!r}.",
        field="explain",
        expected=f"one of {'; '.join(close)}" if close else f"one of its {len(labels):,} classes",
        got=wanted.strip(),
        hint="Leave it empty to explain the most likely class.",
    )


def _names(label: str) -> list[str]:
    return [name.strip().casefold() for name in label.split(",")]


def _like(labels: Sequence[str], name: str) -> list[str]:
    """All labels if there are few, else those with a name that contains the wanted one or resembles it."""
    if len(labels) <= 20:
        return list(labels)
    holding = [label for label in labels if name in label.casefold()]
    by_name = {own: label for label in labels for own in _names(label)}
    return list(dict.fromkeys(holding or [by_name[own] for own in difflib.get_close_matches(name, by_name, n=5)]))[:8]


def _enlarged(seen: RGB) -> RGB:
    """Small pictures with each of their pixels as a square, so that they are seen as they are."""
    times = max(1, _SIDE_PX // max(seen.shape[:2]))
    return seen.repeat(times, 0).repeat(times, 1)
