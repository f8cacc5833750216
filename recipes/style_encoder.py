"""Takes the trunk of our picture classifier for the style family: nothing is learned, its numbers are rearranged.

    python -m recipes style_encoder

The first network of `models_cache/embedded/pictures` without its linear layer, each batch normalisation and the scaling
of the pixels folded into the convolution before it. A second. Asked for: away from the edges, which are mirrored here
and padded with zeros there, no map differs from the classifier's by more than 100 millionths of that layer's
largest value.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from backends.pictures.net import PictureEnsemble, PictureNet
from backends.style.encoder import Encoder
from recipes.loop import Fitted
from recipes.publish import ROOT, Card, Result, publish
from studio.settings import Settings
from studio.tensors import read

ORIGINAL = ROOT / "models_cache" / "embedded" / "pictures" / "pictures" / "model.safetensors"


@dataclass(frozen=True)
class Config:
    """What is asked for, and how it is measured.

    Attributes:
        reach: the largest difference of any map, in millionths of its layer's largest value.
        side_px: height and width of the pictures that it is measured on.
        margin_px: how far the different padding reaches into them; a multiple of 8.
    """

    reach: float = 100
    side_px: int = 160
    margin_px: int = 40
    seed: int = 0


def train(settings: Settings, folder: Path, config: Config = Config(), root: Path = ROOT) -> Result:
    """Fold, compare, and publish if the maps are the same."""
    original = first_network(ORIGINAL)
    encoder = folded(original)
    fitted = Fitted(encoder, [], "all epochs")
    result = Result(difference(encoder, original, config), config.reach, fitted, less_is_better=True)
    if result.publishable:
        publish("style", encoder, {"from": "pictures/pictures/model.safetensors, nets.0"}, _card(result), root)
    return result


def first_network(path: Path) -> PictureNet:
    """The first of the classifier's networks."""
    ensemble = PictureEnsemble()
    ensemble.load_state_dict(read(path)[0])
    return ensemble.members[0].eval().requires_grad_(False)


@torch.no_grad()
def folded(original: PictureNet) -> Encoder:
    """The encoder that computes what the network's stages do."""
    encoder = Encoder()
    mean, deviation = cast(Tensor, original.mean), cast(Tensor, original.deviation)
    weight, bias = original.whiten.weight.double(), cast(Tensor, original.whiten.bias).double()
    encoder.whiten.weight.copy_(weight / deviation)
    encoder.whiten.bias.copy_(bias - (weight * mean / deviation).sum((1, 2, 3)))  # type: ignore[union-attr]
    for number in (1, 2, 3):
        stage = getattr(original, f"stage{number}")
        _fold(stage.halve[0], stage.halve[2], getattr(encoder, f"halve{number}"))
        _fold(stage.refine[0], stage.refine[1], getattr(encoder, f"refine{number}"))
    return encoder.eval().requires_grad_(False)


def _fold(convolution: nn.Conv2d, normal: nn.BatchNorm2d, into: nn.Conv2d) -> None:
    """Convolution, then normalisation, as one convolution; also where maxima are taken between: the scale is positive.

    Raises:
        ValueError: a scale is negative, so that maxima would become minima.
    """
    mean, variance = cast(Tensor, normal.running_mean), cast(Tensor, normal.running_var)
    scale = normal.weight.double() / (variance.double() + normal.eps).sqrt()
    if bool((scale < 0).any()):
        raise ValueError("a negative scale cannot be moved before the maxima")
    into.weight.copy_(convolution.weight.double() * scale.view(-1, 1, 1, 1))
    into.bias.copy_(normal.bias.double() - mean.double() * scale)  # type: ignore[union-attr]


@torch.no_grad()
def difference(encoder: Encoder, original: PictureNet, config: Config) -> float:
    """The largest difference of their maps away from the edges, in millionths of the layer's largest value.

    Measured on a picture of noise and one of waves, which reach values that noise alone does not.
    """
    generator = torch.Generator().manual_seed(config.seed)
    side = config.side_px
    noise = torch.rand(1, 3, side, side, generator=generator)
    slope = torch.linspace(0, 12, side)
    waves = (slope.view(-1, 1) * torch.tensor([1.0, 2.5, 4.0]).view(3, 1, 1) + slope).sin().mul(0.5).add(0.5)
    rgb = torch.cat([noise, waves[None]])
    found = encoder(rgb, ("whiten", "refine1", "refine2", "refine3"))
    worst = 0.0
    for step, mine, theirs in zip((1, 2, 4, 8), found.values(), original.stages(rgb), strict=True):
        inside = slice(config.margin_px // step, (side - config.margin_px) // step)
        gap = (mine[:, :, inside, inside] - theirs[:, :, inside, inside]).abs().max()
        worst = max(worst, float(gap / theirs.abs().max()) * 1e6)
    return worst


def _card(result: Result) -> Card:
    return Card(
        title="Style encoder",
        recipe="style_encoder",
        licence="AGPL-3.0-or-later",
        pipeline_tag="image-feature-extraction",
        dataset="CIFAR-10, from which the classifier learned",
        dataset_id="cifar10",
        split="none: a picture of noise and one of waves, 160 x 160 px",
        metric="largest difference from the classifier's maps, in millionths of a layer's largest value",
        result=result,
        published="VGG19, which is used by most programs of this kind, has 20 million numbers in its convolutions and "
        "learned 1,000 classes from 1.2 million pictures; this one has 2 million and learned ten from 48,000",
        source="https://www.cs.toronto.edu/~kriz/cifar.html (Krizhevsky 2009)",
        about="The convolutions of the first network of our picture classifier (`pictures/pictures`), with its "
        "normalisations folded in. Its maps describe what a picture shows and how it is painted.",
        limits="It learned ten kinds of things from pictures of 32 x 32 px: it knows edges, corners, colours and "
        "textures well, objects and faces hardly.",
        again="python -m recipes style_encoder",
    )
