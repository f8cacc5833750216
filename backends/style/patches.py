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
_LAYER, _LAYER_STEP = "halve1", 2
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


@dataclass(frozen=True)
class Source:
    """A picture that patches are taken from.

    Attributes:
        rgb: its pixels (3, H, W).
        seen: what is compared: the same, or a blurred one, by which a blurred picture finds the sharp patch.
        maps: the encoder's of what is compared, (C, H / 2, W / 2).
        share: of all sources; what has a larger share is taken from further away.
    """

    rgb: Tensor
    seen: Tensor
    maps: Tensor
    share: float

    @classmethod
    def of(cls, eye: Eye, rgb: Tensor, share: float, seen: Tensor | None = None) -> Source:
        """A source with its maps."""
        seen = rgb if seen is None else seen
        return cls(rgb, seen, _maps(eye, seen), share)


def repainted(
    eye: Eye,
    picture: Tensor,
    sources: Sequence[Source],
    manner: Manner,
    generator: torch.Generator,
    check: Check,
) -> Tensor:
    """A picture (3, H, W) with each of its overlapping patches replaced by the nearest one of the sources.

    Args:
        generator: chooses which of the sources' patches are looked at.
    """
    side = manner.patch_px
    height, width = picture.shape[1:]
    down, right = (-(length + side) % manner.step_px for length in (height, width))
    around = _mirrored(picture, side, side + right, side, side + down)
    queries = functional.unfold(around[None], side, stride=manner.step_px)[0]  # (3 * side ** 2, patches)
    maps = _in_the_middle(_maps(eye, around), (around.shape[1], around.shape[2]), manner)
    chosen = torch.zeros_like(queries)
    best = torch.full((queries.shape[1],), torch.inf, device=picture.device)
    for source in sources:
        places = _Places.drawn(source.rgb, side, _SEARCHED // len(sources), generator)
        distances, nearest = _nearest(queries, maps, source, places, generator, check)
        taken = distances / source.share < best
        best = torch.where(taken, distances / source.share, best)
        chosen = torch.where(taken, places.only(nearest).patches(source.rgb), chosen)
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

    @property
    def side(self) -> int:
        """Height and width of the patches."""
        return self.rows.shape[1]

    def only(self, numbers: Tensor) -> _Places:
        """Those of the numbers."""
        return _Places(self.rows[numbers], self.columns[numbers])

    def middles(self, maps: Tensor) -> Tensor:
        """The maps (C, h, w), one place each two pixels, in the middle of each patch: (C, count)."""
        middle = self.side // 2
        rows, columns = (at[:, middle, middle] // _LAYER_STEP for at in (self.rows, self.columns))
        return maps[:, rows.clamp_max(maps.shape[1] - 1), columns.clamp_max(maps.shape[2] - 1)]


def _nearest(
    queries: Tensor, maps: Tensor, source: Source, places: _Places, generator: torch.Generator, check: Check
) -> tuple[Tensor, Tensor]:
    """For each query, pixels (D, N) and maps (C, N), the squared distance to the nearest patch, and its number."""
    check()
    seen = places.patches(source.seen)
    check()
    mean, frame = _frame(seen, _PIXEL_NUMBERS)
    keys, asked = [frame.T @ seen - frame.T @ mean], [frame.T @ queries - frame.T @ mean]
    described = places.middles(_averaged(source.maps, places.side))
    mean, frame = _frame(described, _MAP_NUMBERS)
    keys.append(frame.T @ (described - mean))
    asked.append(frame.T @ (maps - mean))
    scale = _MAPS * keys[0].std() / keys[1].std().clamp_min(1e-6)
    known, wanted = torch.cat([keys[0], scale * keys[1]]), torch.cat([asked[0], scale * asked[1]])
    wanted = wanted + _CHANCE * known.std() * torch.randn(wanted.shape, generator=generator).to(wanted.device)
    norms = known.square().sum(0) / 2
    distances, numbers = [], []
    for some in torch.split(wanted, _AT_ONCE, 1):
        check()
        nearest = (norms - some.T @ known).min(1)
        distances.append((2 * nearest.values + some.square().sum(0)).clamp_min(0))
        numbers.append(nearest.indices)
    return torch.cat(distances), torch.cat(numbers)


def _maps(eye: Eye, rgb: Tensor) -> Tensor:
    """The encoder's maps (C, h, w)."""
    return eye(rgb[None].contiguous(memory_format=torch.channels_last), (_LAYER,))[_LAYER][0]


def _averaged(maps: Tensor, side: int) -> Tensor:
    """Maps (C, h, w), each place the mean over a sixth of a patch."""
    reach = side // (12 * _LAYER_STEP)
    return functional.avg_pool2d(maps, 2 * reach + 1, 1, reach, count_include_pad=False) if reach else maps


def _in_the_middle(maps: Tensor, size: tuple[int, int], manner: Manner) -> Tensor:
    """The maps in the middle of each of a picture's patches, (C, patches)."""
    maps = _averaged(maps, manner.patch_px)
    rows, columns = (
        ((torch.arange(0, length - manner.patch_px + 1, manner.step_px) + manner.patch_px // 2) // _LAYER_STEP)
        .clamp_max(there - 1)
        .to(maps.device)
        for length, there in zip(size, maps.shape[1:], strict=True)
    )
    return maps[:, rows][:, :, columns].flatten(1)


def _frame(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Mean (D, 1) and strongest directions (D, count) of values (D, N)."""
    some = values[:, :: max(1, values.shape[1] // 500)]
    mean = some.mean(1, keepdim=True)
    apart = (some - mean).double()
    wide = apart.shape[0] > apart.shape[1]
    products = apart.T @ apart if wide else apart @ apart.T
    # values that are all the same would leave the solver nothing to order by
    products.diagonal().add_(
        torch.linspace(1, 2, len(products), device=values.device) * (1e-9 + 1e-9 * products.trace())
    )
    directions = torch.linalg.eigh(products)[1][:, -count:]
    return mean, functional.normalize(apart @ directions if wide else directions, dim=0).to(values.dtype)


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
