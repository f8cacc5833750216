"""Colours of pictures as moments: a photograph takes on the palette of a style, or keeps its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

RGB = npt.NDArray[np.uint8]

#: Variance of colours below which they are not stretched any further: a grey picture has no hues to find.
_LEAST_VARIANCE = 0.002
#: Weights of red, green and blue in lightness (ITU-R BT.601).
_LIGHTNESS = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Palette:
    """Mean and covariance of a picture's colours in 0..1.

    Attributes:
        mean: (3).
        root: square root of the covariance, (3, 3).
        inverse: of that root, (3, 3), without what would stretch noise.
    """

    mean: Tensor
    root: Tensor
    inverse: Tensor

    @classmethod
    def of(cls, rgb: Tensor) -> Self:
        """That of a picture (3, H, W)."""
        pixels = rgb.flatten(1)  # (3, P)
        mean = pixels.mean(1)
        apart = pixels - mean[:, None]
        values, vectors = torch.linalg.eigh(apart @ apart.T / pixels.shape[1])
        root = values.clamp_min(1e-6).sqrt()
        inverse = values.clamp_min(_LEAST_VARIANCE).rsqrt()
        return cls(mean, vectors * root @ vectors.T, vectors * inverse @ vectors.T)

    def mixed(self, other: Self, share: float) -> Palette:
        """This one, and a share of the other."""
        pairs = ((self.mean, other.mean), (self.root, other.root), (self.inverse, other.inverse))
        return Palette(*(mine.lerp(theirs, share) for mine, theirs in pairs))

    def whitened(self, rgb: Tensor) -> Tensor:
        """Colours (3, ...) of a picture of this palette with mean 0 and, where they vary, variance 1."""
        return torch.einsum("ij,j...->i...", self.inverse, rgb - _beside(self.mean, rgb))

    def moved(self, rgb: Tensor, to: Palette) -> Tensor:
        """Colours (3, ...) of a picture of this palette in another one, within 0..1; in one step instead of two."""
        change = to.root @ self.inverse
        moved = torch.addmm((to.mean - change @ self.mean)[:, None], change, rgb.flatten(1))
        return moved.clamp_(0, 1).view_as(rgb)

    def coloured(self, white: Tensor) -> Tensor:
        """Whitened colours (3, ...) in this palette, within 0..1."""
        return (torch.einsum("ij,j...->i...", self.root, white) + _beside(self.mean, white)).clamp(0, 1)


def as_tensor(rgb: RGB) -> Tensor:
    """uint8 (H, W, 3) as float32 (3, H, W) in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1))).float() / 255


def as_rgb(picture: Tensor) -> RGB:
    """Float (3, H, W) in 0..1 as uint8 (H, W, 3)."""
    levels = picture.clamp(0, 1).mul(255).round().byte()
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())


def own_colours(painted: Tensor, photograph: Tensor) -> Tensor:
    """The photograph's hues with the painted picture's light and dark, both (3, H, W) in 0..1.

    The lightness gets the photograph's mean and deviation, so that a dark style does not darken it.
    """
    weights = torch.tensor(_LIGHTNESS, device=painted.device)
    light, wanted = (torch.einsum("i,ihw->hw", weights, rgb) for rgb in (painted, photograph))
    spread = wanted.std(correction=0) / light.std(correction=0).clamp_min(1e-3)
    return (photograph - wanted + (light - light.mean()) * spread + wanted.mean()).clamp(0, 1)


def softened(rgb: Tensor, reach_px: int = 4) -> Tensor:
    """A picture (3, H, W), each pixel the mean of those around it, twice."""
    side = 2 * reach_px + 1
    for _ in range(2):
        rgb = functional.pad(rgb[None], (reach_px,) * 4, mode="replicate")
        rgb = functional.avg_pool2d(functional.avg_pool2d(rgb, (side, 1), 1), (1, side), 1)[0]
    return rgb


def _beside(mean: Tensor, values: Tensor) -> Tensor:
    return mean.view(3, *(1,) * (values.ndim - 1))
