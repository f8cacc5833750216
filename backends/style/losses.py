"""How far a picture is from a style and from a photograph, in an encoder's maps."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional


def sliced_wasserstein(maps: Tensor, style: Tensor, generator: torch.Generator, directions: int = 32) -> Tensor:
    """Distance of two sets of vectors (C, N) and (C, M): along random directions, sorted values are compared.

    Heitz et al. 2021 (https://arxiv.org/abs/2006.07229). Unlike Gram matrices it is 0 only where the distributions are
    equal. At most 4,096 vectors of each are looked at, others each time.
    """
    maps, style = _some(maps, generator), _some(style, generator)
    along = functional.normalize(torch.randn(directions, len(maps), generator=generator), dim=1).to(maps.device)
    mine = along @ maps
    with torch.no_grad():
        aims = (along @ style).sort(1).values
        if aims.shape[1] != mine.shape[1]:
            aims = functional.interpolate(aims[None], mine.shape[1], mode="linear", align_corners=True)[0]
        aims = torch.empty_like(mine).scatter_(1, mine.argsort(1), aims)
    return (mine - aims).square().mean() * len(maps)


def content(maps: Mapping[str, Tensor], photograph: Mapping[str, Tensor], scale: Mapping[str, Tensor]) -> Tensor:
    """Mean squared difference of maps of the same place, over the layers, each in units of its scale."""
    terms = [(maps[name] - wanted).square().mean() / scale[name] ** 2 for name, wanted in photograph.items()]
    return torch.stack(terms).mean()


def total_variation(picture: Tensor) -> Tensor:
    """Mean difference of neighbouring pixels of a picture (..., H, W)."""
    return picture.diff(dim=-1).abs().mean() + picture.diff(dim=-2).abs().mean()


def _some(vectors: Tensor, generator: torch.Generator, most: int = 4_096) -> Tensor:
    if vectors.shape[1] <= most:
        return vectors
    return vectors[:, torch.randint(vectors.shape[1], (most,), generator=generator).to(vectors.device)]
