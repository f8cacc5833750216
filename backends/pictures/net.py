"""A small residual network for pictures of 32 x 32 px, whose stages can be tapped."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

#: Of CIFAR-10's training pictures, per channel, in 0..1.
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class PictureNet(nn.Module):
    """Logits of ten kinds of things from RGB pictures (N, 3, 32, 32) in 0..1.

    Plain 3 x 3 convolutions with one residual pair in each stage (He et al. 2016, https://arxiv.org/abs/1512.03385),
    1.9 million parameters. Any larger size works: the last maps are reduced to their maxima.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = _convolution(3, 64)
        self.stage1 = nn.Sequential(_Residual(64))
        self.stage2 = nn.Sequential(_convolution(64, 128), nn.MaxPool2d(2), _Residual(128))
        self.stage3 = nn.Sequential(_convolution(128, 256), nn.MaxPool2d(2), _Residual(256))
        self.last = nn.Linear(256, classes)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1))

    def forward(self, rgb: Tensor) -> Tensor:
        """Logits (N, classes)."""
        return cast(Tensor, self.last(self.stages(rgb)[-1].amax((2, 3))))

    def stages(self, rgb: Tensor) -> list[Tensor]:
        """The maps after the stem and each stage: (N, 64, H, W) twice, (N, 128, H/2, W/2), (N, 256, H/4, W/4)."""
        maps = [self.stem((rgb - cast(Tensor, self.mean)) / cast(Tensor, self.deviation))]
        for stage in (self.stage1, self.stage2, self.stage3):
            maps.append(stage(maps[-1]))
        return maps


class _Residual(nn.Module):
    """Two convolutions beside which their input passes unchanged."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.both = nn.Sequential(_convolution(channels, channels), _convolution(channels, channels))

    def forward(self, maps: Tensor) -> Tensor:
        return maps + cast(Tensor, self.both(maps))


def _convolution(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU()
    )
