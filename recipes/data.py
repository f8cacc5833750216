"""The recipes' data sets: from the folder that ATELIER_DATA names, else from their public homes through torchvision."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image

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


def _local(settings: Settings, name: str) -> Path | None:
    file = settings.data / name if settings.data else None
    return file if file and file.is_file() else None
