"""What the style family learns from: photographs to paint, and pictures of styles cut and recoloured at random."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from torch import Tensor

from backends.style.styles import STYLES
from studio.settings import Settings

RGB = npt.NDArray[np.uint8]

#: Of scikit-image's own pictures: photographs of surfaces, and stained tissue. None is painted in the benchmark.
_SURFACES = ("brick", "grass", "gravel", "immunohistochemistry")
_SAMPLES_PX = 360


def contents(settings: Settings, split: str) -> list[RGB]:
    """Photographs, some 360 px wide: those of licence plates ("train" or "test"), and scikit-learn's two for "train".

    Raises:
        FileNotFoundError: the data set of licence plates is not there.
    """
    import pandas as pd
    from sklearn.datasets import load_sample_images

    if settings.data is None:
        raise FileNotFoundError("set ATELIER_DATA to a folder that has licence_plates/")
    frame = pd.read_parquet(settings.data / "licence_plates" / "licence_plates.parquet")
    chosen = [_decoded(data) for data in frame["image"][frame["split"] == split]]
    if split == "test":
        return chosen
    samples = [_shrunk(np.asarray(rgb, np.uint8)) for rgb in load_sample_images().images]
    return chosen + samples * 8  # rare subjects, shown more often


def styles() -> list[RGB]:
    """The pictures of the styles that ship, in the order of their names."""
    return [_read(style.path) for style in STYLES.values()]


def textures() -> list[RGB]:
    """Pictures of surfaces, for styles that nobody drew."""
    import skimage.data

    return [_as_rgb(getattr(skimage.data, name)()) for name in _SURFACES]


@dataclass(frozen=True)
class Cutter:
    """Takes pieces out of pictures, at random.

    Attributes:
        random: where chance comes from.
        size_px: height and width of a piece.
    """

    random: np.random.Generator
    size_px: int

    def piece(self, rgb: RGB, least: float, most: float) -> Tensor:
        """A square between two shares of the shorter side, scaled to the size, mirrored or not: (3, size, size)."""
        height, width = rgb.shape[:2]
        side = max(2, round(min(height, width) * self.random.uniform(least, most)))
        top, left = (int(self.random.integers(length - side + 1)) for length in (height, width))
        cut = PIL.Image.fromarray(rgb[top : top + side, left : left + side])
        scaled = np.asarray(cut.resize((self.size_px, self.size_px), PIL.Image.Resampling.LANCZOS))
        return _tensor(scaled[:, ::-1] if self.random.random() < 0.5 else scaled)

    def recoloured(self, piece: Tensor) -> Tensor:
        """A piece (3, H, W) with its colours mixed anew, lighter or darker; values stay in 0..1."""
        mixing = torch.from_numpy(np.linalg.qr(self.random.normal(size=(3, 3)))[0]).float()
        strong = torch.from_numpy(self.random.uniform(0.6, 1.6, (3, 1))).float()
        mean = piece.mean((1, 2), keepdim=True)
        middle = torch.from_numpy(self.random.uniform(0.25, 0.75, (3, 1, 1))).float()
        turned = torch.einsum("ij,jhw->ihw", mixing * strong, piece - mean)
        return (turned + middle).clamp(0, 1)


def _read(path: Path) -> RGB:
    return _as_rgb(np.asarray(PIL.Image.open(path).convert("RGB")))


def _decoded(data: bytes) -> RGB:
    return np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"), np.uint8)


def _as_rgb(values: npt.NDArray[np.uint8]) -> RGB:
    return values if values.ndim == 3 else np.stack([values] * 3, 2)


def _shrunk(rgb: RGB) -> RGB:
    picture = PIL.Image.fromarray(rgb)
    picture.thumbnail((_SAMPLES_PX, _SAMPLES_PX), PIL.Image.Resampling.LANCZOS)
    return np.asarray(picture, np.uint8)


def _tensor(rgb: RGB) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1))).float() / 255
