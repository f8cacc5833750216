"""The picture classifier on CIFAR-10's test pictures, and on photographs of what it does not know."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import PIL.Image

from backends.pictures.classifier import PictureClassifier, softmax
from backends.pictures.overlay import RGB
from backends.pictures.task import image_classification
from backends.pictures.views import views
from bench.figures import Figure, NoData
from recipes.data import cifar10
from recipes.pictures import Config
from studio.catalogue import Catalogue
from studio.runtime import EMBEDDED
from studio.settings import Settings
from studio.weights import Shelf

CALIBRATION, FALSE_REFUSALS = 0.03, 0.07
_BINS = 15
_SIGNS = 1_000
#: what people call the ten kinds of things, in captions
_NAMED = re.compile(
    r"\b(air|aero)?planes?\b|\bjets?\b|aircraft|\bcars?\b|automobile|\btaxis?\b|\bbirds?\b|\bducks?\b|\bgeese\b|gull|"
    r"\bcats?\b|kitten|\bdeer\b|antelope|\bdogs?\b|\bpupp|terrier|poodle|greyhound|retriever|\bfrogs?\b|\btoads?\b|"
    r"\bhorses?\b|\bpon(y|ies)\b|\bships?\b|boat|canoe|kayak|ferry|yacht|\btrucks?\b|\blorr(y|ies)\b",
    re.IGNORECASE,
)

Scores = npt.NDArray[np.float64]


def measure(settings: Settings) -> list[Figure]:
    """Accuracy and calibration on the 10,000 test pictures; how many of them, and of other pictures, are refused.

    Each picture goes the way of a visitor's through the shipped backend.
    """
    if settings.data is None or not (settings.data / "cifar10").is_dir():
        raise NoData("set ATELIER_DATA to a folder that has cifar10/")
    model = _load()
    test = cifar10(settings, "test")
    logits = _logits(model, test.pictures)
    scores = softmax(logits / model.temperature)
    right = scores.argmax(1) == test.labels
    accuracy, error = float(right.mean()), calibration_error(scores.max(1), right)
    reach, reference = Config().reach, Config().published
    refused = float((_familiarity(logits) < model.least_familiarity).mean())
    size = f"test, {len(test):,}"
    each = (f"{label} {right[test.labels == number].mean():.3f}" for number, label in enumerate(model.labels))
    return [
        Figure("CIFAR-10", size, "accuracy", accuracy, f">= {reach}", accuracy >= reach, reference, ", ".join(each)),
        Figure("CIFAR-10", size, "calibration error (ECE)", error, f"<= {CALIBRATION}", error <= CALIBRATION),
        Figure("CIFAR-10", size, "wrongly refused", refused, f"<= {FALSE_REFUSALS}", refused <= FALSE_REFUSALS),
        *_strangers(settings, model),
    ]


def calibration_error(confidence: Scores, right: npt.NDArray[np.bool_], bins: int = _BINS) -> float:
    """Expected calibration error (Guo et al. 2017): the mean distance between scores and shares of right answers.

    Args:
        confidence: score of the best class (N), in 0..1.
        right: whether it was the right one (N).
    """
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(float(confidence[which == n].mean() - right[which == n].mean())) * float((which == n).sum())
        for n in set(which)
    ]
    return sum(gaps) / len(confidence)


def _strangers(settings: Settings, model: PictureClassifier) -> Iterator[Figure]:
    """How many pictures of other things are refused; there is no target, since most of them look like something."""
    for name, split, pictures in _others(settings):
        seen = [np.stack([view.pixels for view in views(picture)]) for picture in pictures]
        familiarity = np.array([_familiarity(model.logits(pixels)).mean() for pixels in seen])
        yield Figure(name, split, "refused", float((familiarity < model.least_familiarity).mean()))


def _others(settings: Settings) -> Iterator[tuple[str, str, Sequence[RGB]]]:
    """(what, how many, pictures) of each set without any of the ten kinds that is here."""
    assert settings.data is not None
    import pandas as pd

    flickr = [settings.data / "flickr8k_subset" / f"{split}.parquet" for split in ("dev", "test")]
    if all(file.is_file() for file in flickr):
        frame = pd.concat([pd.read_parquet(file) for file in flickr])
        chosen = [not any(_NAMED.search(caption) for caption in captions) for captions in frame["captions"]]
        photographs = [_decoded(data) for data in frame["image"][chosen]]
        yield "Flickr8k, none of the ten in the captions", f"dev and test, {len(photographs)}", photographs
    signs = settings.data / "gtsrb" / "test.parquet"
    if signs.is_file():
        frame = pd.read_parquet(signs).head(_SIGNS)
        yield "traffic signs, GTSRB", f"test, first {len(frame):,}", [_decoded(data) for data in frame["image"]]


def _decoded(data: bytes) -> RGB:
    return np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"), np.uint8)


def _familiarity(logits: Scores) -> Scores:
    return np.asarray(np.logaddexp.reduce(logits, axis=1))


def _logits(model: PictureClassifier, pictures: npt.NDArray[np.uint8]) -> Scores:
    """Logits (N, 10) of small pictures (N, 32, 32, 3), each prepared as a visitor's."""
    pixels = np.stack([views(picture)[0].pixels for picture in pictures])
    return np.concatenate([model.logits(part) for part in np.array_split(pixels, -(-len(pixels) // 500))])


def _load() -> PictureClassifier:
    """The shipped backend, with its weights from the shelf."""
    family = Catalogue.discover().entry(image_classification.name).family
    return PictureClassifier(Shelf(EMBEDDED).resolve(family, image_classification.adapters[0].weights), "cpu")
