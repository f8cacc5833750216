"""The digit reader's network: four convolutions and one linear layer, in the manner of LeNet-5 (LeCun et al. 1998)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

#: The last class: everything that is no digit.
OTHER = 10


class DigitNet(nn.Module):
    """Logits of the ten digits and of "something else", from an inked 28 x 28 picture.

    Differs from LeNet-5 in what came later: rectifiers, batch normalisation (Ioffe and Szegedy 2015), maxima for
    averages, and an eleventh class that is trained on what is no digit (outlier exposure, Hendrycks et al. 2019).
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 16, 5, padding=2, bias=False)
        self.after_first = _settle(16)
        self.second = _block(16, 48)
        self.third = _block(48, 96)
        self.fourth = nn.Sequential(nn.Conv2d(96, 128, 3, padding=1, bias=False), nn.BatchNorm2d(128), nn.ReLU())
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(128 * 3 * 3, OTHER + 1)

    def forward(self, ink: Tensor) -> Tensor:
        """Logits (N, 11) of pictures (N, 1, 28, 28), 0 for paper and 1 for ink."""
        maps = self.after_first(self.first(ink))  # (N, 16, 14, 14)
        maps = self.third(self.second(maps))  # (N, 96, 3, 3)
        return cast(Tensor, self.last(self.drop(self.fourth(maps).flatten(1))))

    @torch.no_grad()
    def maps(self, ink: Tensor) -> list[Tensor]:
        """What the first and the second layer answer to pictures: (N, 16, 28, 28) and (N, 48, 7, 7), none negative."""
        normalise = self.after_first[1]
        first = self.first(ink)
        second = self.second(self.after_first(first))
        return [normalise(first).relu(), second]


def _settle(channels: int) -> nn.Sequential:
    """Halves the picture, then normalises: the maximum first, as it leaves a quarter of the work for the rest."""
    return nn.Sequential(nn.MaxPool2d(2), nn.BatchNorm2d(channels), nn.ReLU())


def _block(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False), *_settle(channels_out))
