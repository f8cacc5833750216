"""One feed-forward network for every style: what a style picture's maps are like sets how it normalises its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from backends.style.encoder import LAYERS, Encoder
from studio.weights import Weights

#: Layers of the encoder whose maps' means and deviations say what a style is.
SEEN = ("whiten", "refine1", "refine2")
#: Sides of the pictures that are painted are multiples of this, in pixels.
STEP_PX = 8
#: Smallest side that can be painted, in pixels.
LEAST_PX = 32
_WIDTHS = 32, 64, 128
_HIDDEN = 160
_LIVELY = 3.0  # how much faster than the convolutions the styles are learned


class Painter(nn.Module):
    """Paints pictures of a style's colours in its strokes, in one pass.

    A convolutional network with residual blocks (Johnson et al. 2016) whose instance normalisations take scale and
    shift from the style (Dumoulin et al. 2017), and these from the first two moments of an encoder's maps of the style
    picture (Huang and Belongie 2017, Ghiasi et al. 2017), so that any picture can be a style. Noise beside the deepest
    maps lets a plain sky have strokes. Made by `python -m recipes style_painter`.
    """

    def __init__(self) -> None:
        super().__init__()
        narrow, middle, wide = _WIDTHS
        self.begin = _Layer(12, narrow)
        self.halve = _Layer(narrow, middle, stride=2)
        self.halve_again = _Layer(middle, wide, stride=2)
        self.deep = nn.ModuleList(_Residual(wide) for _ in range(3))
        self.grow = _Layer(wide, middle)
        self.shallow = nn.ModuleList(_Residual(middle) for _ in range(2))
        self.grow_again = _Layer(middle, narrow)
        self.end = nn.Conv2d(narrow, 12, 3)
        moments = 2 * sum(LAYERS[name][0] for name in SEEN)
        self.register_buffer("mean", torch.zeros(moments))
        self.register_buffer("deviation", torch.ones(moments))
        self.noisy = nn.Conv2d(2, wide, 1)
        normalised = [part.out_channels for part in self.modules() if isinstance(part, nn.Conv2d) and part.bias is None]
        self._settings = [2 * channels for channels in normalised]
        self.settings = nn.Sequential(nn.Linear(moments, _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, sum(self._settings)))
        last = cast(nn.Linear, self.settings[-1])
        nn.init.normal_(last.weight, std=0.02)
        for bias in (last.bias, self.end.weight, self.end.bias):  # it begins with the picture as it is
            nn.init.zeros_(cast(Tensor, bias))

    @classmethod
    def load(cls, weights: Weights, device: str) -> Painter:
        """The trained one, frozen, on a device."""
        net = cls()
        net.load_state_dict({name: value.float() for name, value in load_file(weights.path()).items()})
        return net.eval().requires_grad_(False).to(device).to(memory_format=torch.channels_last)

    def study(self, moments: Tensor) -> Tensor:
        """What a style sets, (N, settings), from its moments (N, M), see `moments_of`; these may be mixed."""
        mean, deviation = cast(Tensor, self.mean), cast(Tensor, self.deviation)
        return cast(Tensor, _LIVELY * self.settings((moments - mean) / deviation))

    def forward(self, rgb: Tensor, studies: Tensor, noise: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) about 0..1, painted.

        Args:
            rgb: pictures (N, 3, H, W) in 0..1 in the colours of the style; H and W are multiples of `STEP_PX`.
            studies: (N, settings), see `study`.
            noise: (N, 2, H / 8, W / 8), normal.
        """
        style = iter(torch.split(studies[:, :, None, None], self._settings, 1))
        given = functional.pixel_unshuffle(rgb - 0.5, 2)
        fine = self.begin(given, style)
        middle = self.halve(fine, style)
        maps = self.halve_again(middle, style) + self.noisy(noise)
        for block in self.deep:
            maps = block(maps, style)
        maps = self.grow(_twice(maps), style) + middle
        for block in self.shallow:
            maps = block(maps, style)
        maps = self.grow_again(_twice(maps), style) + fine
        change = 0.1 * self.end(_mirrored(maps))
        return functional.pixel_shuffle(given + change, 2) + 0.5


class _Layer(nn.Module):
    """A 3 x 3 convolution of maps whose edges are mirrored, normalised, ReLU."""

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, channels, 3, stride, bias=False)

    def forward(self, maps: Tensor, style: Iterator[Tensor]) -> Tensor:
        return functional.relu(_normalised(self.convolution(_mirrored(maps)), next(style)))


class _Residual(nn.Module):
    """Two convolutions beside a short cut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, bias=False)
        self.second = nn.Conv2d(channels, channels, 3, bias=False)

    def forward(self, maps: Tensor, style: Iterator[Tensor]) -> Tensor:
        inner = functional.relu(_normalised(self.first(_mirrored(maps)), next(style)))
        return maps + _normalised(self.second(_mirrored(inner)), next(style))


def _normalised(maps: Tensor, settings: Tensor) -> Tensor:
    """Instance normalisation with a scale and a shift of each map, (N, 2 C, 1, 1)."""
    scale, shift = settings.chunk(2, 1)
    return functional.instance_norm(maps, eps=1e-3) * (1 + scale) + shift


def _mirrored(maps: Tensor) -> Tensor:
    """Maps with their edges mirrored, for a 3 x 3 convolution."""
    return functional.pad(maps, (1, 1, 1, 1), mode="reflect")


def moments_of(eye: Encoder, style: Tensor) -> Tensor:
    """Of a style picture (3, H, W): mean and logarithm of the deviation of each map, (M)."""
    found = [maps[0].flatten(1) for maps in eye(style[None], SEEN).values()]
    means = torch.cat([maps.mean(1) for maps in found])
    return torch.cat([means, torch.cat([maps.std(1).clamp_min(1e-4).log() for maps in found])])


def noise_for(height: int, width: int, seed: int) -> Tensor:
    """Noise for one picture of that size, (1, 2, H / 8, W / 8); the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, 2, height // STEP_PX, width // STEP_PX, generator=generator)


def _twice(maps: Tensor) -> Tensor:
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")
