"""The recipes' data sets: from the folder that ATELIER_DATA names, else from their public homes."""

from __future__ import annotations

import gzip
import io
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image

from backends.music.grid import REST, Grid
from studio.settings import Settings

Pictures = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Pictures (N, H, W) or (N, H, W, 3) and their labels (N)."""

    pictures: Pictures
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, part: slice) -> Split:
        return Split(self.pictures[part], self.labels[part])


def mnist(settings: Settings, split: str) -> Split:
    """MNIST's "train" (60,000) or "test" (10,000), white on black."""
    local = _local(settings, f"mnist/{split}.npz")
    if local:
        with np.load(local) as data:
            return Split(data["images"], data["labels"].astype(np.int64))
    from torchvision.datasets import MNIST

    public = MNIST(settings.home / "data", train=split == "train", download=True)
    return Split(public.data.numpy(), public.targets.numpy())


def cifar10(settings: Settings, split: str) -> Split:
    """CIFAR-10's "train" (50,000) or "test" (10,000), RGB."""
    local = _local(settings, f"cifar10/{split}.parquet")
    if local:
        import pandas as pd

        frame = pd.read_parquet(local)
        pictures = [np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB")) for data in frame["image"]]
        return Split(np.stack(pictures), frame["label"].to_numpy().astype(np.int64))
    from torchvision.datasets import CIFAR10

    public = CIFAR10(settings.home / "data", train=split == "train", download=True)
    return Split(public.data, np.asarray(public.targets, np.int64))


def jsb_chorales(settings: Settings, split: str) -> list[Grid]:
    """Bach's four-part chorales in sixteenths: "train" (229), "valid" (76) or "test" (77), by the official split.

    Without the data folder they come out of music21's own corpus, every fifth one for validation and the one after it
    for the test: other splits, whose figures do not compare with published ones.
    """
    local = _local(settings, "jsb_chorales/jsb-chorales-16th.json.gz")
    if local:
        return [four_voices(piece) for piece in json.loads(gzip.decompress(local.read_bytes()))[split]]
    from music21 import corpus

    from backends.music.scores import grid_of_score

    grids = (grid_of_score(score) for score in corpus.chorales.Iterator(returnType="stream"))
    whole = [grid for grid in grids if grid is not None]
    places = {"train": (0, 1, 2), "valid": (3,), "test": (4,)}[split]
    return [grid for number, grid in enumerate(whole) if number % 5 in places]


def four_voices(piece: Sequence[Sequence[float]]) -> Grid:
    """Steps of at most four pitches, from the soprano down, as a grid.

    Where a step has fewer, each goes to the voice that was nearest to it; the others are silent.
    """
    grid = np.full((len(piece), 4), REST, np.int16)
    last = [70.0, 64.0, 57.0, 50.0]
    for row, pitches in zip(grid, piece, strict=True):
        voices = min(
            itertools.combinations(range(4), len(pitches)),
            key=lambda voices: sum(abs(last[voice] - pitch) for voice, pitch in zip(voices, pitches, strict=True)),
        )
        for voice, pitch in zip(voices, pitches, strict=True):
            row[voice] = last[voice] = pitch
    return grid


def _local(settings: Settings, name: str) -> Path | None:
    file = settings.data / name if settings.data else None
    return file if file and file.is_file() else None
