"""A small plain convolutional network for pictures of 32 x 32 px, whose stages can be tapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

#: Of CIFAR-10's training pictures, per channel, in 0..1.
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
#: Filters of the first layer: the 12 principal components of 2 x 2 RGB pixels, and their negatives.
WHITENED = 24


@dataclass(frozen=True)
class Shape:
    """What one of these networks is built like.

    Attributes:
        widths: channels of the three stages.
        deep: whether a stage has a third convolution, with a short cut around it.
    """

    widths: tuple[int, int, int] = (64, 256, 256)
    deep: bool = False


#: The networks of `PictureEnsemble`.
SHAPES = (Shape(), Shape((64, 192, 320)), Shape((64, 192, 256), deep=True))
#: Brings the logits at the start of training, which grow with the width, to a scale that the loss can use.
LOGIT_SCALE = 1 / 9


class PictureNet(nn.Module):
    """Logits of ten kinds of things from RGB pictures (N, 3, H, W) in 0..1, H and W at least 18.

    A fixed layer that whitens neighbouring pixels, then three stages of two or three 3 x 3 convolutions each: 2 to 2.5
    million parameters, after Jordan 2024 (https://arxiv.org/abs/2404.00498). It was made for 32 x 32 px; any larger
    size works, because the last maps are reduced to their maxima.
    """

    def __init__(self, classes: int = 10, shape: Shape = SHAPES[0]) -> None:
        super().__init__()
        self.whiten = nn.Conv2d(3, WHITENED, 2)
        self.whiten.weight.requires_grad_(False)
        inputs = (WHITENED, *shape.widths)
        self.stage1, self.stage2, self.stage3 = (_Stage(inputs[n], inputs[n + 1], shape.deep) for n in range(3))
        self.last = nn.Linear(shape.widths[-1], classes, bias=False)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1))

    def forward(self, rgb: Tensor) -> Tensor:
        """Logits (N, classes)."""
        return self.classify(self.stages(rgb)[-1])

    def classify(self, maps: Tensor) -> Tensor:
        """Logits (N, classes) from the last stage's maps (N, C, H/8, W/8)."""
        return cast(Tensor, self.last(maps.amax((2, 3)))) * LOGIT_SCALE

    def stages(self, rgb: Tensor) -> list[Tensor]:
        """The maps of the whitening layer, (N, 24, H - 1, W - 1), and of the three stages.

        These have as many channels as the shape says; each is half as high and wide as the one before, rounded down.
        """
        normal = (rgb - cast(Tensor, self.mean)) / cast(Tensor, self.deviation)
        maps = [nn.functional.gelu(self.whiten(normal))]
        for stage in (self.stage1, self.stage2, self.stage3):
            maps.append(stage(maps[-1]))
        return maps

    @torch.no_grad()
    def fit_whitening(self, rgb: Tensor) -> None:
        """Set the first layer so that neighbouring pixels come out uncorrelated, with equal variance.

        Args:
            rgb: pictures (N, 3, H, W) in 0..1.
        """
        normal = (rgb - cast(Tensor, self.mean)) / cast(Tensor, self.deviation)
        patches = normal.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
        values, vectors = torch.linalg.eigh(torch.cov(patches.T.double()))
        filters = (vectors / (values + 5e-4).sqrt()).T.float().view(12, 3, 2, 2)
        self.whiten.weight.copy_(torch.cat([filters, -filters]))


class PictureEnsemble(nn.Module):
    """Three of these networks of different shapes, trained apart: they err on different pictures, their mean on fewer.

    Lakshminarayanan et al. 2017 (https://arxiv.org/abs/1612.01474), with logits in place of probabilities.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.nets = nn.ModuleList(PictureNet(classes, shape) for shape in SHAPES)

    def forward(self, rgb: Tensor) -> Tensor:
        """Logits (N, classes): the mean over the networks."""
        return torch.stack([net(rgb) for net in self.members]).mean(0)

    @property
    def members(self) -> list[PictureNet]:
        """The networks."""
        return [cast(PictureNet, net) for net in self.nets]


def mean_logits(net: nn.Module, rgb: Tensor) -> Tensor:
    """Logits (N, classes): the mean over a picture, itself shifted by 1 px both ways, and their mirror images.

    The maps are halved thrice, so which pixels come together is chance; the mean is right more often than any part.
    What a shift uncovers is mirrored in.

    Args:
        rgb: pictures (N, 3, H, W) in 0..1.
    """
    height, width = rgb.shape[2:]
    padded = nn.functional.pad(rgb, (1,) * 4, mode="reflect")
    shifted = [padded[:, :, top : top + height, top : top + width] for top in range(3)]
    return torch.stack([cast(Tensor, net(view)) + net(view.flip(3)) for view in shifted]).mean(0) / 2


class _Stage(nn.Module):
    """Two or three convolutions; the maps are halved after the first."""

    def __init__(self, channels_in: int, channels: int, deep: bool) -> None:
        super().__init__()
        self.halve = nn.Sequential(_convolution(channels_in, channels), nn.MaxPool2d(2), _normal(channels), nn.GELU())
        self.refine = nn.Sequential(_convolution(channels, channels), _normal(channels), nn.GELU())
        self.again = nn.Sequential(_convolution(channels, channels), _normal(channels), nn.GELU()) if deep else None

    def forward(self, maps: Tensor) -> Tensor:
        refined = cast(Tensor, self.refine(self.halve(maps)))
        return refined if self.again is None else refined + cast(Tensor, self.again(refined))


def _convolution(channels_in: int, channels: int) -> nn.Conv2d:
    """3 x 3; at first its leading filters pass their input on unchanged."""
    made = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
    nn.init.dirac_(made.weight.data[:channels_in])
    return made


def _normal(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with a learned bias only: the scale would be undone by the next one."""
    made = nn.BatchNorm2d(channels)
    made.weight.requires_grad_(False)
    return made
