"""The digit reader on MNIST's test digits, and on what is no digit and was in no training."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import PIL.Image

from backends.digits.ink import Plane, find_ink
from backends.digits.net import OTHER
from backends.digits.reader import DigitReader
from backends.digits.task import digit_recognition
from bench.figures import Figure, NoData
from recipes import not_digits
from recipes.data import cifar10, mnist
from studio.catalogue import Catalogue
from studio.runtime import EMBEDDED
from studio.settings import Settings
from studio.weights import Shelf

ACCURACY, FALSE_REFUSALS = 0.995, 0.01
_REFERENCE = "LeNet-5: 0.9905 (LeCun et al. 1998)"
_OTHERS = 1_000
#: scikit-image's photographs that come inside its package
_PHOTOGRAPHS = ("astronaut", "brick", "camera", "chelsea", "coffee", "coins", "grass", "gravel", "moon", "rocket")


def measure(settings: Settings) -> list[Figure]:
    """Accuracy and false refusals on the 10,000 test digits; refusals of letters, scribbles and photographs."""
    if settings.data is None or not (settings.data / "mnist").is_dir():
        raise NoData("set ATELIER_DATA to a folder that has mnist/")
    reader = _load()
    test = mnist(settings, "test")
    bare = _logits(reader, np.asarray(test.pictures / 255, np.float32))
    score, logits = _scores(reader, [np.asarray(picture / 255, np.float32) for picture in test.pictures])
    exact = float((bare[:, :OTHER].argmax(1) == test.labels).mean())
    whole = float((logits[:, :OTHER].argmax(1) == test.labels).mean())
    refused = float((score < reader.threshold).mean())
    size = f"test, {len(test):,}"
    figures = [
        Figure("MNIST", size, "accuracy", exact, f">= {ACCURACY}", exact >= ACCURACY, _REFERENCE),
        Figure("MNIST", size, "accuracy, found and centred anew", whole, f">= {ACCURACY}", whole >= ACCURACY),
        Figure("MNIST", size, "wrongly refused", refused, f"<= {FALSE_REFUSALS}", refused <= FALSE_REFUSALS),
    ]
    for name, split, least, pictures in _strangers(settings):
        share = float((_scores(reader, pictures)[0] < reader.threshold).mean())
        figures.append(Figure(name, split, "refused", share, f">= {least}", share >= least))
    return figures


def _strangers(settings: Settings) -> Iterator[tuple[str, str, float, Sequence[Plane]]]:
    """(what, how many, share to be refused, luminances) of each kind of picture that is no digit."""
    rng = np.random.default_rng(2026)
    fonts = [not_digits.font(name) for name in not_digits.MEASURED_FONTS]
    kinds: list[tuple[str, float, Callable[[], Plane]]] = [
        ("all 52 letters, other fonts", 0.99, lambda: not_digits.letter(rng, fonts, string.ascii_letters)),
        ("scribbles, jagged", 0.98, lambda: not_digits.scribble(rng, jagged=True)),
        ("pairs of test digits", 0.99, lambda: not_digits.pair(rng, mnist_test)),
    ]
    mnist_test = mnist(settings, "test").pictures
    for name, least, draw in kinds:
        yield name, f"{_OTHERS:,} drawn", least, [draw() for _ in range(_OTHERS)]
    photographs = list(_photographs())
    yield "photographs, scikit-image", f"{len(photographs)} crops", 0.98, photographs
    pictures = cifar10(settings, "test").pictures[:_OTHERS]
    yield "CIFAR-10", f"test, first {_OTHERS:,}", 0.99, [_grey(picture) for picture in pictures]
    blank = [np.full((side, side), level, np.float32) for side in (28, 320) for level in (0, 0.5, 1)]
    yield "blank paper", f"{len(blank)} made", 1.0, blank


def _photographs() -> Iterator[Plane]:
    """Each photograph whole, and its four quarters."""
    import skimage.data

    for name in _PHOTOGRAPHS:
        grey = _grey(np.asarray(getattr(skimage.data, name)()))
        middle_y, middle_x = grey.shape[0] // 2, grey.shape[1] // 2
        yield grey
        for rows in (slice(middle_y), slice(middle_y, None)):
            for columns in (slice(middle_x), slice(middle_x, None)):
                yield grey[rows, columns]


def _grey(picture: npt.NDArray[np.uint8]) -> Plane:
    return np.asarray(np.asarray(PIL.Image.fromarray(picture).convert("L")) / 255, np.float32)


def _scores(reader: DigitReader, pictures: Sequence[Plane]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Likeness to a digit (N) and logits (N, 11), the way a visitor's picture goes; blank ones score -inf."""
    found = [find_ink(picture) for picture in pictures]
    logits = _logits(reader, np.stack([ink.plane if ink else np.zeros((28, 28), np.float32) for ink in found]))
    score = np.logaddexp.reduce(logits[:, :OTHER], axis=1) - logits[:, OTHER]
    return np.where([ink is not None for ink in found], score, -np.inf), logits


def _logits(reader: DigitReader, planes: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Logits (N, 11) of prepared pictures (N, 28, 28)."""
    return np.concatenate([reader.logits(part) for part in np.array_split(planes, -(-len(planes) // 500))])


def _load() -> DigitReader:
    """The shipped backend, with its weights from the shelf."""
    family = Catalogue.discover().entry(digit_recognition.name).family
    return DigitReader(Shelf(EMBEDDED).resolve(family, digit_recognition.adapters[0].weights), "cpu")
