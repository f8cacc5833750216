"""Trains the network that paints in any style at once: `python -m recipes style_fast`.

The perceptual losses of Johnson et al. 2016 and Huang and Belongie 2017 in our own encoder, at two sizes: moments,
covariances and sliced Wasserstein distances of its maps for the style, normalised maps for the content. Contents are
photographs of cars and the sample pictures of scikit-learn; styles are those that ship, and variations of these and of
some surfaces in other colours, scales and cuttings, so that an uploaded one is read as well. Measured is how far a
painted photograph is from its style in that encoder, as a share of how far one is that is only recoloured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from backends.style.encoder import LAYERS, Encoder
from backends.style.net import Manner, StylePainter, moments, palette
from recipes.loop import Batch, Plan, autocast_here, device_here, fit
from recipes.publish import ROOT, Card, Result, publish
from recipes.style_pictures import RGB, Cutter, contents, styles, textures
from studio.settings import Settings

_ENCODER = ROOT / "models_cache" / "embedded" / "style" / "style_encoder" / "model.safetensors"
#: Layers whose maps are compared, at the size of the picture and at half of it.
_WHOLE, _HALVED, _CONTENT = ("whiten", "refine1"), ("refine1", "refine2", "refine3"), "refine2"
_DIRECTIONS, _QUANTILES, _PLACES = 64, 256, 2_048


@dataclass(frozen=True)
class Config:
    """Everything that the result depends on.

    Attributes:
        reach: share of the recoloured photographs' distance from the style that is asked for, at most.
        size_px, style_px: height and width of the photographs' and of the styles' pieces.
        drawn: how many pieces of styles are looked at for each epoch.
        varied: share of them with other colours, or of other textures.
        content, smooth: weights of the content's distance and of the total variation beside the style's.
    """

    reach: float = 0.5
    epochs: int = 24
    steps_per_epoch: int = 70
    batch_size: int = 4
    size_px: int = 128
    style_px: int = 224
    drawn: int = 40
    varied: float = 0.25
    content: float = 2.0
    smooth: float = 0.02
    peak_rate: float = 1e-3
    cpu_minutes: float = 40
    seed: int = 5


@dataclass(frozen=True)
class Goal:
    """What is known of a piece of a style, (N, ...) each; see `Judge.goal`."""

    read: Tensor
    mean: Tensor
    root: Tensor
    layers: tuple[tuple[Tensor, Tensor, Tensor, Tensor], ...]

    @property
    def palette(self) -> tuple[Tensor, Tensor]:
        """Its colours."""
        return self.mean, self.root


class Judge:
    """Measures styles and contents by the maps of a fixed encoder.

    Args:
        seed: of the directions in which maps are sliced.
    """

    def __init__(self, eye: Encoder, seed: int) -> None:
        self.eye = eye
        random = torch.Generator().manual_seed(seed)
        device = next(eye.parameters()).device
        self._directions = [
            functional.normalize(torch.randn(LAYERS[name][0], _DIRECTIONS, generator=random), dim=0).to(device)
            for name in (*_WHOLE, *_HALVED)
        ]
        self._random = random

    @torch.no_grad()
    def goal(self, style: Tensor) -> Goal:
        """What a style (N, 3, H, W) has of its own."""
        layers = []
        for maps, directions in zip(self._maps(style), self._directions, strict=True):
            mean, covariance = _moments(maps)
            deviation = (covariance.diagonal(dim1=1, dim2=2) + 1e-6).sqrt()
            layers.append(
                (*_scaled(mean, covariance, deviation), self._quantiles(maps, directions, deviation), deviation)
            )
        return Goal(moments(self.eye, style).float(), *palette(style), tuple(layers))

    def style(self, rgb: Tensor, goal: Goal) -> Tensor:
        """Distance of pictures (N, 3, H, W) from a goal, summed over the layers: (N)."""
        total = torch.zeros(len(rgb), device=rgb.device)
        for maps, directions, wanted in zip(self._maps(rgb), self._directions, goal.layers, strict=True):
            mean, covariance, quantiles, deviation = wanted
            scaled = _scaled(*_moments(maps), deviation)
            total = total + (scaled[0] - mean).square().mean(1) + (scaled[1] - covariance).square().mean((1, 2))
            total = total + (self._quantiles(maps, directions, deviation) - quantiles).square().mean((1, 2))
        return total

    def content(self, rgb: Tensor, photographs: Tensor) -> Tensor:
        """Distance between what two pictures (N, 3, H, W) show, whatever their colours: (N)."""
        with torch.no_grad():
            wanted = self._normal_maps(photographs)
        return (self._normal_maps(rgb) - wanted).square().mean((1, 2, 3))

    def _maps(self, rgb: Tensor) -> list[Tensor]:
        halved = functional.avg_pool2d(rgb, 2)
        return [*self.eye(rgb, _WHOLE).values(), *self.eye(halved, _HALVED).values()]

    def _normal_maps(self, rgb: Tensor) -> Tensor:
        maps = self.eye(functional.avg_pool2d(rgb, 2), (_CONTENT,))[_CONTENT].float()
        variance, mean = torch.var_mean(maps, (2, 3), keepdim=True)
        return (maps - mean) * (variance + 1e-4).rsqrt()

    def _quantiles(self, maps: Tensor, directions: Tensor, deviation: Tensor) -> Tensor:
        """Of the maps' projections, (N, directions, quantiles); of at most some places, drawn at random."""
        values = maps.flatten(2).float() / deviation[:, :, None]
        if values.shape[2] > _PLACES:
            values = values[:, :, torch.randperm(values.shape[2], generator=self._random)[:_PLACES]]
        ordered = torch.einsum("ncp,cd->ndp", values, directions).sort(2).values
        return functional.interpolate(ordered, _QUANTILES, mode="linear", align_corners=True)


class Studies:
    """Pieces of styles and photographs, drawn anew for each epoch.

    Args:
        numbered: the photographs, the styles that ship, and further textures.
    """

    def __init__(
        self, photographs: list[RGB], shipped: list[RGB], others: list[RGB], judge: Judge, config: Config
    ) -> None:
        self._photographs, self._shipped, self._others = photographs, shipped, others
        self._judge, self._config = judge, config
        self.goal: Goal | None = None

    def pieces(self, random: np.random.Generator) -> Tensor:
        """Pieces of styles, (drawn, 3, style_px, style_px), each shipped style as often as any other."""
        config = self._config
        cutter = Cutter(random, config.style_px)
        made = []
        for number in range(config.drawn):
            rgb = self._shipped[number % len(self._shipped)]
            varied = random.random() < config.varied
            if varied and random.random() < 0.5:
                rgb = self._others[random.integers(len(self._others))]
            # a shipped picture of 512 px is shown at 0.44 to 1 of its size
            piece = cutter.piece(rgb, min(1.0, config.style_px / min(rgb.shape[:2])), 1.0)
            made.append(cutter.recoloured(piece) if varied else piece)
        return torch.stack(made)

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[Batch]:
        """Photographs (N, 3, size_px, size_px) and the numbers of their styles in `goal`, which is drawn first."""
        config = self._config
        random = np.random.default_rng((config.seed, epoch))
        with autocast_here(device_here()):
            goals = [self._judge.goal(piece) for piece in self.pieces(random).to(device_here()).split(1)]
        self.goal = _together(goals)
        cutter = Cutter(random, config.size_px)
        for _ in range(config.steps_per_epoch):
            chosen = random.integers(len(self._photographs), size=config.batch_size)
            rgb = torch.stack([cutter.piece(self._photographs[n], 0.4, 1.0) for n in chosen])
            yield rgb, torch.from_numpy(random.integers(config.drawn, size=config.batch_size))

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """Of a batch: style, content and total variation."""
        assert self.goal is not None
        rgb, chosen = batch[0].contiguous(memory_format=torch.channels_last), batch[1]
        goal = _chosen(self.goal, chosen)
        painted = cast(Tensor, net(rgb, manner_of(net, goal))).contiguous(memory_format=torch.channels_last)
        rough = painted.diff(dim=2).abs().mean() + painted.diff(dim=3).abs().mean()
        parts = self._judge.style(painted, goal) + self._config.content * self._judge.content(painted, rgb)
        return parts.mean() + self._config.smooth * rough


def manner_of(net: nn.Module, goal: Goal) -> Manner:
    """What the network makes of styles that were looked at before."""
    return cast(StylePainter, net).manner(goal.read, *goal.palette)


def train(settings: Settings, folder: Path, config: Config | None = None, root: Path = ROOT) -> Result:
    """Train, measure, and publish if the styles are reached."""
    config = config or Config()
    torch.manual_seed(config.seed)
    net = started(config)
    judge = Judge(net.eye, config.seed)
    studies = Studies(contents(settings, "train"), styles(), textures(), judge, config)
    with torch.no_grad():
        read = torch.cat([moments(net.eye, piece) for piece in studies.pieces(np.random.default_rng(0)).split(1)])
    cast(Tensor, net.usual).copy_(read.mean(0))
    cast(Tensor, net.spread).copy_(read.std(0) + 0.05)
    tested = contents(settings, "test")
    plan = Plan(
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        peak_rate=config.peak_rate,
        warmup=0.03,
        weight_decay=1e-3,
        betas=(0.9, 0.99),
        clip_norm=1,
        ema_decay=0.99,
        cpu_minutes=config.cpu_minutes,
        seed=config.seed,
    )
    fitted = fit(
        net, studies.loss, studies.batches, lambda net: -distance(net, judge, tested[:4], config), plan, folder
    )
    painter = fitted.net.half().float().eval()  # as it is stored
    fitted = replace(fitted, net=painter)
    measured = distance(painter, Judge(cast(StylePainter, painter).eye, config.seed), tested[4:16], config)
    result = Result(measured, config.reach, fitted, less_is_better=True)
    if result.publishable:
        publish("style", painter.half(), {}, _card(result, config), root)
    return result


def started(config: Config) -> StylePainter:
    """The network before training, with the encoder that it reads styles with, laid out for a CPU's convolutions."""
    net = StylePainter()
    net.eye.load_state_dict(load_file(_ENCODER))
    return net.to(device_here(), memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@torch.no_grad()
def distance(net: nn.Module, judge: Judge, photographs: list[RGB], config: Config) -> float:
    """Mean over photographs and shipped styles: how far painted ones are from the style over how far recoloured are."""
    device = device_here()
    cutter = Cutter(np.random.default_rng(1), 2 * config.size_px)
    shares = []
    for number, shipped in enumerate(styles()):
        piece = Cutter(np.random.default_rng(number), config.style_px).piece(shipped, 0.7, 0.7)[None].to(device)
        rgb = cutter.piece(photographs[number % len(photographs)], 1.0, 1.0)[None].to(device)
        with autocast_here(device):
            goal = judge.goal(piece)
            manner = manner_of(net, goal)
            painted = cast(Tensor, net(rgb, manner)).clamp(0, 1)
            recoloured = cast(StylePainter, net).recoloured(rgb, manner)
            shares.append(float(judge.style(painted, goal) / judge.style(recoloured, goal)))
    return float(np.mean(shares))


def _moments(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Means (N, C) and covariances (N, C, C) over the places of maps (N, C, h, w)."""
    values = maps.flatten(2).float()
    mean = values.mean(2)
    apart = values - mean[:, :, None]
    return mean, apart @ apart.mT / values.shape[2]


def _scaled(mean: Tensor, covariance: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
    return mean / deviation, covariance / (deviation[:, :, None] * deviation[:, None, :])


def _together(goals: list[Goal]) -> Goal:
    layers = tuple(
        cast(tuple[Tensor, Tensor, Tensor, Tensor], tuple(torch.cat(parts) for parts in zip(*of_layer, strict=True)))
        for of_layer in zip(*(goal.layers for goal in goals), strict=True)
    )
    read, mean, root = (torch.cat([getattr(goal, name) for goal in goals]) for name in ("read", "mean", "root"))
    return Goal(read, mean, root, layers)


def _chosen(goal: Goal, numbers: Tensor) -> Goal:
    layers = tuple((a[numbers], b[numbers], c[numbers], d[numbers]) for a, b, c, d in goal.layers)
    return Goal(goal.read[numbers], goal.mean[numbers], goal.root[numbers], layers)


def _card(result: Result, config: Config) -> Card:
    return Card(
        title="Any style at once",
        recipe="style_fast",
        licence="AGPL-3.0-or-later",
        pipeline_tag="image-to-image",
        dataset="licence_plates (OpenALPR benchmark), the sample pictures of scikit-learn, styles of our own",
        dataset_id="openalpr",
        split="test: 10 photographs, one for each style that ships; to learn from, the photographs of the training "
        "split and the same styles",
        metric="distance from the style in our own encoder, as a share of the recoloured photograph's",
        result=result,
        published="none that compares: others measure in VGG19",
        source="https://github.com/openalpr/benchmarks (AGPL-3.0)",
        about="A convolutional network of 2 million parameters that paints a photograph in one pass, told by a picture "
        "of the style how: the scales and shifts of its normalisations are read from that picture. With the encoder "
        "that reads it, of another 2 million. Stored in half precision.",
        limits="It learned from ten styles that ship and from variations of them: an uploaded one gets its colours and "
        "a likely stroke, not always its own. Broad shapes of a style, larger than some 60 px, are not painted. Small "
        "faces blur.",
        again="python -m recipes style_fast",
    )
