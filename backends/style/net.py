"""One feed-forward network that paints in any style: what a style asks of it is read from a picture of the style.

Instance normalisation whose scales and shifts come from the style (Dumoulin et al. 2017, Ghiasi et al. 2017), read from
moments of a fixed encoder's maps as in AdaIN (Huang and Belongie 2017). The network works in colours without a palette:
the photograph's colours are whitened on the way in, the style's mean and covariance are put in on the way out, so that
the palette is right for a style that it has never seen and its weights have only strokes to learn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from backends.style.encoder import Encoder
from studio.weights import Weights

#: Channels at 1/2, 1/4 and 1/8 of the size, and of the last layer.
WIDTHS, LAST = (32, 64, 128), 16
#: The style is read from these layers, at its size and at half of it.
READ, READ_HALVED = ("whiten", "refine1"), ("refine2", "refine3")
_READ_CHANNELS = 24 + 64 + 256 + 256
_HIDDEN = 192
#: Heights and widths are computed in multiples of it, in pixels.
STEP_PX = 8
_LEAST_PX = 32
#: Variance of colours below which they are not stretched any further: a grey picture has no hues to find.
_LEAST_VARIANCE = 0.0025


@dataclass(frozen=True)
class Manner:
    """What a style asks of the network.

    Attributes:
        scales, shifts: (N, C) over all normalised layers.
        kept: (N, 1), how much of the photograph shines through.
        mean, root: the palette in 0..1: mean colour (N, 3) and square root of the colours' covariance (N, 3, 3).
    """

    scales: Tensor
    shifts: Tensor
    kept: Tensor
    mean: Tensor
    root: Tensor

    def mixed(self, other: Self, share: float) -> Manner:
        """Part this one, part the other, whose share is in 0..1."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Manner(*(mine.lerp(theirs, share) for mine, theirs in pairs))

    def recoloured(self, mean: Tensor, root: Tensor, share: float = 1.0) -> Manner:
        """The same strokes in other colours, or part of the way to them."""
        return Manner(self.scales, self.shifts, self.kept, self.mean.lerp(mean, share), self.root.lerp(root, share))


class StylePainter(nn.Module):
    """Paints RGB pictures (N, 3, H, W) in 0..1, H and W multiples of 8, in a manner that `study` read from a style."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth = WIDTHS
        self.eye = Encoder().requires_grad_(False)
        self._widths: list[int] = []
        self.enter, self.shrink = self._layer(12, half), self._layer(half, quarter, stride=2)
        self.before = self._block(quarter)
        self.deeper = self._layer(quarter, eighth, stride=2)
        self.deep = nn.ModuleList(self._block(eighth) for _ in range(3))
        self.rise = self._layer(eighth, quarter)
        self.after = self._block(quarter)
        self.grow, self.fill = self._layer(quarter, half), self._layer(half, LAST)
        self.colour = nn.Conv2d(LAST, 3, 3)
        total = sum(self._widths)
        self.register_buffer("usual", torch.zeros(2 * _READ_CHANNELS))
        self.register_buffer("spread", torch.ones(2 * _READ_CHANNELS))
        self.reader = nn.Linear(2 * _READ_CHANNELS, _HIDDEN)
        self.asks = nn.Linear(_HIDDEN, 2 * total)
        self.keeps = nn.Linear(_HIDDEN, 1)
        for layer in (self.asks, self.colour):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.keeps.weight)
        nn.init.constant_(self.keeps.bias, 0.7)

    @classmethod
    def load(cls, weights: Weights, device: str) -> StylePainter:
        """The trained one, frozen, on a device."""
        net = cls()
        net.load_state_dict(load_file(weights.path()))
        return net.float().eval().requires_grad_(False).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def study(self, style: Tensor) -> Manner:
        """What pictures of styles (N, 3, H, W) in 0..1, of at least 32 px, ask for."""
        return self.manner(moments(self.eye, style), *palette(style))

    def manner(self, read: Tensor, mean: Tensor, root: Tensor) -> Manner:
        """What follows from a style's `moments` (N, 1200) and its `palette`."""
        hidden = functional.gelu(self.reader((read - cast(Tensor, self.usual)) / cast(Tensor, self.spread)))
        scales, shifts = self.asks(hidden).float().chunk(2, 1)
        return Manner(1 + scales, shifts, self.keeps(hidden).float(), mean, root)

    def forward(self, rgb: Tensor, manner: Manner, strength: float = 1.0) -> Tensor:
        """The pictures painted, (N, 3, H, W); values may leave 0..1 a little. Strength 0 gives them back unchanged."""
        plain = whitened(rgb)
        asked = zip(manner.scales.split(self._widths, 1), manner.shifts.split(self._widths, 1), strict=True)
        painted = self._strokes(rgb, asked) + manner.kept[:, :, None, None] * plain
        if strength < 1:
            painted = plain.lerp(painted, strength)
            manner = manner.recoloured(*palette(rgb), 1 - strength)
        coloured = _coloured(painted, manner)
        inside = coloured.clamp(0, 1)
        return inside + 0.1 * (coloured - inside)  # what is too light or too dark can still learn

    def recoloured(self, rgb: Tensor, manner: Manner) -> Tensor:
        """The photographs in the style's colours without any stroke, (N, 3, H, W) in 0..1."""
        return _coloured(whitened(rgb), manner).clamp(0, 1)

    def _strokes(self, rgb: Tensor, asked: Iterator[tuple[Tensor, Tensor]]) -> Tensor:
        """What is painted over the whitened photograph, (N, 3, H, W)."""

        def layer(convolution: nn.Module, maps: Tensor) -> Tensor:
            return normalised(_mirrored(convolution, maps), *next(asked))

        def block(pair: nn.Module, maps: Tensor) -> Tensor:
            first, second = cast(nn.ModuleList, pair)
            return maps + layer(second, functional.relu(layer(first, maps)))

        folded = functional.pixel_unshuffle((rgb - 0.5) * 4, 2).contiguous(memory_format=torch.channels_last)
        quarter = functional.relu(layer(self.shrink, functional.relu(layer(self.enter, folded))))
        quarter = block(self.before, quarter)
        deep = functional.relu(layer(self.deeper, quarter))
        for pair in self.deep:
            deep = block(pair, deep)
        quarter = quarter + functional.relu(layer(self.rise, _doubled(deep)))
        quarter = block(self.after, quarter)
        half = functional.relu(layer(self.grow, _doubled(quarter)))
        return _mirrored(self.colour, functional.relu(layer(self.fill, _doubled(half)))).float()

    def _layer(self, channels_in: int, channels: int, stride: int = 1) -> nn.Conv2d:
        self._widths.append(channels)
        return nn.Conv2d(channels_in, channels, 3, stride, bias=False)

    def _block(self, channels: int) -> nn.ModuleList:
        return nn.ModuleList(self._layer(channels, channels) for _ in range(2))


def moments(eye: Encoder, style: Tensor) -> Tensor:
    """Mean, and logarithm of the deviation, of each of the encoder's maps that are read: (N, 1200)."""
    found = [*eye(style, READ).values(), *eye(functional.avg_pool2d(style, 2), READ_HALVED).values()]
    return torch.cat([part for maps in found for part in _mean_and_spread(maps.float())], 1)


def palette(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """Mean colour (N, 3) and square root of the colours' covariance (N, 3, 3) of pictures (N, 3, H, W)."""
    mean, values, vectors = _colours(rgb)
    return mean, vectors * values.clamp_min(1e-4).sqrt()[:, None] @ vectors.mT


@torch.no_grad()
def whitened(rgb: Tensor) -> Tensor:
    """The pictures with mean 0 and, where they have enough of it, variance 1 in every direction of colour."""
    mean, values, vectors = _colours(rgb)
    inverse = vectors * values.clamp_min(_LEAST_VARIANCE).rsqrt()[:, None] @ vectors.mT
    return torch.einsum("nij,njhw->nihw", inverse, rgb.float() - mean[:, :, None, None])


def _coloured(painted: Tensor, manner: Manner) -> Tensor:
    return manner.mean[:, :, None, None] + torch.einsum("nij,njhw->nihw", manner.root, painted)


def normalised(maps: Tensor, scales: Tensor, shifts: Tensor) -> Tensor:
    """Instance normalisation: each map (N, C, h, w) gets its asked deviation and mean, both (N, C)."""
    variance, mean = torch.var_mean(maps.float(), (2, 3), unbiased=False)
    factors = scales * (variance + 1e-5).rsqrt()
    offsets = shifts - mean * factors
    return maps * factors[:, :, None, None].to(maps.dtype) + offsets[:, :, None, None].to(maps.dtype)


def fitted(rgb: Tensor) -> Tensor:
    """Pictures of any size (N, 3, H, W) with their edges repeated to multiples of 8 px, at least 32."""
    height, width = rgb.shape[2:]
    more = [max(_LEAST_PX, -(-side // STEP_PX) * STEP_PX) - side for side in (width, height)]
    return functional.pad(rgb, (0, more[0], 0, more[1]), mode="replicate")


def _colours(rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (N, 3), eigenvalues (N, 3) and eigenvectors (N, 3, 3) of the covariance of each picture's colours."""
    with torch.autocast(rgb.device.type, enabled=False):
        pixels = rgb.float().flatten(2)  # (N, 3, P)
        mean = pixels.mean(2)
        apart = pixels - mean[:, :, None]
        values, vectors = torch.linalg.eigh(apart @ apart.mT / pixels.shape[2])
    return mean, values, vectors


def _mean_and_spread(maps: Tensor) -> tuple[Tensor, Tensor]:
    variance, mean = torch.var_mean(maps, (2, 3), unbiased=False)
    return mean, (variance.sqrt() + 1e-3).log()


def _mirrored(convolution: nn.Module, maps: Tensor) -> Tensor:
    return cast(Tensor, convolution(functional.pad(maps, (1, 1, 1, 1), mode="reflect")))


def _doubled(maps: Tensor) -> Tensor:
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")
