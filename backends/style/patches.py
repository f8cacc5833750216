"""A picture put together from patches of a style: the nearest ones are looked up, and their overlaps are merged.

Texture optimisation (Kwatra et al. 2005) as used for style by Elad and Milanfar 2017
(https://arxiv.org/abs/1609.03057): what is made smaller step by step is the distance of each patch of the picture to
the nearest patch of the style. A patch is described by its pixels and by the encoder's maps around it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from backends.style.encoder import Eye

Check = Callable[[], None]

#: Numbers that describe a patch: directions of its pixels, and of the encoder's maps.
_PIXEL_NUMBERS, _MAP_NUMBERS = 48, 16
#: Weight of the maps beside the pixels.
_MAPS = 0.5
_LAYER, _LAYER_STEP = "refine1", 2
#: Patches of all styles together that every patch of the picture is compared with, and how many of it at once.
_SEARCHED, _AT_ONCE = 10_000, 2_048
#: Chance in what is looked for, as a share of the patches' deviation: even areas get more than one stroke.
_CHANCE = 0.03
#: The middle of a patch counts for more than its edge: to the power of this, so that strokes do not blur.
_SHARPNESS = 3


@dataclass(frozen=True)
class Manner:
    """How one pass is done.

    Attributes:
        patch_px: height and width of the patches; odd.
        overlap: share of a patch that lies between its beginning and that of the next one.
    """

    patch_px: int
    overlap: float = 0.5

    @property
    def step_px(self) -> int:
        """From one patch to the next."""
        return max(1, round(self.patch_px * (1 - self.overlap)))


def repainted(
    eye: Eye,
    picture: Tensor,
    styles: Sequence[tuple[Tensor, float]],
    manner: Manner,
    generator: torch.Generator,
    check: Check,
    softened: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """A picture (3, H, W) with each of its overlapping patches replaced by the nearest one of the styles.

    Args:
        styles: pictures (3, h, w), each with its share; what has a larger share is taken from further away.
        generator: chooses which of the styles' patches are looked at.
        softened: what is done to a style's patches before they are compared, but not before they are put in place: a
            blurred picture then finds the sharp patch that blurs to it.
    """
    side = manner.patch_px
    height, width = picture.shape[1:]
    down, right = (-(length + side) % manner.step_px for length in (height, width))
    around = _mirrored(picture, side, side + right, side, side + down)
    queries = functional.unfold(around[None], side, stride=manner.step_px)[0]  # (3 * side ** 2, patches)
    chosen = torch.zeros_like(queries)
    best = torch.full((queries.shape[1],), torch.inf, device=picture.device)
    for style, share in styles:
        if share <= 0:
            continue
        places = _Places.drawn(style, side, _SEARCHED // len(styles), generator)
        seen = style if softened is None else softened(style)
        distances, nearest = _nearest(eye, around, queries, seen, places, manner, generator, check)
        taken = distances / share < best
        best = torch.where(taken, distances / share, best)
        chosen = torch.where(taken, places.patches(style)[:, nearest], chosen)
    merged = _merged(chosen, (around.shape[1], around.shape[2]), manner)
    return merged[:, side : side + height, side : side + width]


@dataclass(frozen=True)
class _Places:
    """Where in a style picture patches were taken; half of them are mirrored."""

    rows: Tensor  # (count, side, side)
    columns: Tensor

    @classmethod
    def drawn(cls, style: Tensor, side: int, most: int, generator: torch.Generator) -> _Places:
        across = style.shape[2] - side + 1
        count = (style.shape[1] - side + 1) * across
        at = torch.randperm(count, generator=generator)[:most]
        mirrored = torch.rand(len(at), generator=generator) < 0.5
        offsets = torch.arange(side)
        rows = (at // across).view(-1, 1, 1) + offsets.view(1, -1, 1).expand(1, side, side)
        columns = (at % across).view(-1, 1, 1) + offsets.view(1, 1, -1).expand(1, side, side)
        columns = torch.where(mirrored.view(-1, 1, 1), columns.flip(2), columns)
        return cls(rows.to(style.device), columns.to(style.device))

    def patches(self, style: Tensor) -> Tensor:
        """(3 * side ** 2, count)."""
        return style[:, self.rows, self.columns].permute(0, 2, 3, 1).flatten(0, 2)

    def middles(self, maps: Tensor, side: int) -> Tensor:
        """The maps (C, h, w), one place each two pixels, in the middle of each patch: (C, count)."""
        rows, columns = (at[:, side // 2, side // 2] // _LAYER_STEP for at in (self.rows, self.columns))
        return maps[:, rows.clamp_max(maps.shape[1] - 1), columns.clamp_max(maps.shape[2] - 1)]


def _nearest(
    eye: Eye,
    around: Tensor,
    queries: Tensor,
    style: Tensor,
    places: _Places,
    manner: Manner,
    generator: torch.Generator,
    check: Check,
) -> tuple[Tensor, Tensor]:
    """For each query the squared distance to the nearest patch of a style, and its number."""
    side = manner.patch_px
    seen = places.patches(style)
    mean, frame = _frame(seen, _PIXEL_NUMBERS)
    keys, asked = [frame.T @ (seen - mean)], [frame.T @ (queries - mean)]
    maps, mine = (_maps(eye, rgb, side) for rgb in (style, around))
    described = places.middles(maps, side)
    mean, frame = _frame(described, _MAP_NUMBERS)
    scale = _MAPS * keys[0].std() / (frame.T @ (described - mean)).std().clamp_min(1e-6)
    keys.append(scale * frame.T @ (described - mean))
    rows, columns = (
        torch.arange(0, length - side + 1, manner.step_px, device=style.device) + side // 2
        for length in around.shape[1:]
    )
    rows, columns = (at.div(_LAYER_STEP, rounding_mode="floor") for at in (rows, columns))
    grid = mine[:, rows.clamp_max(mine.shape[1] - 1)][:, :, columns.clamp_max(mine.shape[2] - 1)]
    asked.append(scale * frame.T @ (grid.flatten(1) - mean))
    known, wanted = torch.cat(keys), torch.cat(asked)
    wanted = wanted + _CHANCE * known.std() * torch.randn(wanted.shape, generator=generator).to(wanted.device)
    norms = known.square().sum(0) / 2
    distances, numbers = [], []
    for some in wanted.split(_AT_ONCE, 1):
        check()
        nearest = (norms - some.T @ known).min(1)
        distances.append((2 * nearest.values + some.square().sum(0)).clamp_min(0))
        numbers.append(nearest.indices)
    return torch.cat(distances), torch.cat(numbers)


def _maps(eye: Eye, rgb: Tensor, side: int) -> Tensor:
    """The encoder's maps (C, h, w), averaged over a third of a patch."""
    maps = eye(rgb[None], (_LAYER,))[_LAYER]
    reach = max(0, side // (6 * _LAYER_STEP))
    return functional.avg_pool2d(maps, 2 * reach + 1, 1, reach, count_include_pad=False)[0] if reach else maps[0]


def _frame(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Mean (D, 1) and strongest directions (D, count) of values (D, N)."""
    some = values[:, :: max(1, values.shape[1] // 1_500)]
    mean = some.mean(1, keepdim=True)
    apart = some - mean
    _, vectors = torch.linalg.eigh(apart.T @ apart) if apart.shape[0] > apart.shape[1] else (None, None)
    if vectors is None:
        directions = torch.linalg.eigh(apart @ apart.T)[1][:, -count:]
    else:
        directions = functional.normalize(apart @ vectors[:, -count:], dim=0)
    return mean, directions


def _merged(patches: Tensor, size: tuple[int, int], manner: Manner) -> Tensor:
    """Overlapping patches as one picture (3, *size)."""
    side = manner.patch_px
    window = torch.hann_window(side + 2, periodic=False, device=patches.device)[1:-1].pow(_SHARPNESS)
    weights = (window[:, None] * window).flatten().repeat(3)[:, None]  # (3 * side ** 2, 1)
    total, weight = (
        functional.fold(part[None], size, side, stride=manner.step_px)[0]
        for part in (patches * weights, weights.expand_as(patches))
    )
    return total / weight.clamp_min(1e-8)


def _mirrored(picture: Tensor, left: int, right: int, top: int, bottom: int) -> Tensor:
    """A picture with mirrored edges; repeated where there is too little to mirror."""
    height, width = picture.shape[1:]
    mode = "reflect" if max(left, right) < width and max(top, bottom) < height else "replicate"
    return functional.pad(picture[None], (left, right, top, bottom), mode=mode)[0]
