"""Colours of one picture moved onto those of another: sliced optimal transport."""

from __future__ import annotations

import torch
from torch import Tensor

#: Rounds of three directions each, the pixels that stand for a picture, and the quantiles that stand for its values.
_ROUNDS, _PIXELS, _QUANTILES = 12, 20_000, 512


def recoloured(photograph: Tensor, style: Tensor, seed: int) -> Tensor:
    """A photograph (3, H, W) whose colours are distributed as those of the style (3, h, w); all in 0..1.

    In each round the colours are turned at random, and along each axis their values take on the quantiles of the
    style's (Pitié et al. 2007, https://doi.org/10.1016/j.cviu.2006.11.011). All of the palette is used, also what is
    rare: with mean and covariance alone a sunset makes everything brown.
    """
    generator = torch.Generator().manual_seed(seed)
    colours, wanted = photograph.flatten(1).cpu(), _some(style.flatten(1).cpu(), generator)
    steps = torch.linspace(0, 1, _QUANTILES)
    for _ in range(_ROUNDS):
        turn = torch.linalg.qr(torch.randn(3, 3, generator=generator))[0]
        turned, aims = turn @ colours, turn @ wanted
        sample = _some(turned, generator)
        moved = [
            _interpolated(values, torch.quantile(seen, steps), torch.quantile(aim, steps))
            for values, seen, aim in zip(turned, sample, aims, strict=True)
        ]
        colours = colours + 0.7 * (turn.T @ torch.stack(moved) - colours)
    return colours.view_as(photograph).clamp(0, 1).to(photograph.device)


def _some(colours: Tensor, generator: torch.Generator) -> Tensor:
    """At most so many of the colours (3, P), drawn at random."""
    count = colours.shape[1]
    return colours if count <= _PIXELS else colours[:, torch.randint(count, (_PIXELS,), generator=generator)]


def _interpolated(values: Tensor, places: Tensor, heights: Tensor) -> Tensor:
    """The piecewise linear function through (places, heights), at values; constant outside."""
    right = torch.searchsorted(places, values.contiguous()).clamp(1, len(places) - 1)
    low, high = places[right - 1], places[right]
    share = ((values - low) / (high - low).clamp_min(1e-6)).clamp(0, 1)
    return heights[right - 1].lerp(heights[right], share)
