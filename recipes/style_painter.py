"""Trains the network that paints any picture in any style in one pass: `python -m recipes style_painter`.

It learns from what the encoder of the style family sees: its maps of a painted piece shall be distributed as those of
the style picture (sliced Wasserstein distance, Heitz et al. 2021), and shall stay near to those of the photograph in
the style's colours. Contents are photographs of cars in streets and of faces, at several sizes; styles are the ten that
ship, others that the same code draws with other random numbers, micrographs, and photographs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from backends.style import styles
from backends.style.encoder import Encoder
from backends.style.losses import content, sliced_wasserstein, total_variation
from backends.style.painter import STEP_PX, Painter, moments_of
from backends.style.palettes import RGB, Palette, as_tensor
from backends.style.styles import STYLES
from backends.style.swapper import resized
from recipes import boxes
from recipes.loop import Batch, Fitted, Plan, device_here, fit
from recipes.paintings.__main__ import painted
from recipes.publish import ROOT, Card, Result, publish
from studio.media.image import Image
from studio.runtime import EMBEDDED
from studio.settings import Settings
from studio.weights import Shelf

_STYLE_LAYERS, _CONTENT_LAYERS = ("whiten", "refine1", "refine2"), ("refine2",)
_VECTORS = 2_048
_FAMILY = Path(styles.__file__).parent


@dataclass(frozen=True)
class Config:
    """Everything that the result depends on.

    Attributes:
        side_px: height and width of the pieces that are painted.
        style_px: the lengths of the longer side at which style pictures are looked at.
        content_px: between which lengths of the longer side photographs are scaled.
        shipped: share of the pieces that are painted in one of the shipped styles.
        variants: other pictures of each shipped style that are drawn.
        others: style pictures that are no paintings.
        style_weights: of the layers' distances.
    """

    reach: float = 0.3
    side_px: int = 144
    batch_size: int = 4
    epochs: int = 22
    steps_per_epoch: int = 300
    peak_rate: float = 1e-3
    style_px: tuple[int, ...] = (224, 288, 352, 432)
    content_px: tuple[int, int] = (200, 480)
    shipped: float = 0.75
    variants: int = 3
    others: int = 60
    style_weights: tuple[float, ...] = (4.0, 6.0, 8.0)
    content_weight: float = 0.3
    variation_weight: float = 0.05
    held_out: int = 20
    cpu_minutes: float = 90
    seed: int = 3


@dataclass(frozen=True)
class Studied:
    """A style picture at one size.

    Attributes:
        moments: see `moments_of`.
        maps: some of the places' vectors of each layer, (C, places).
        scale: the deviation of each layer's maps.
    """

    moments: Tensor
    palette: Palette
    maps: dict[str, Tensor]
    scale: dict[str, Tensor]


class Lesson:
    """What the network learns from: photographs, studied styles, and how far a painted piece is from both."""

    def __init__(self, eye: Encoder, photographs: Sequence[RGB], shipped: list[Studied], others: list[Studied]) -> None:
        self._eye = eye
        self.device = next(eye.parameters()).device
        self.photographs = photographs
        self.styles = shipped + others
        self.shipped = len(shipped)

    def piece(self, config: Config, generator: torch.Generator) -> tuple[Tensor, int]:
        """A piece of a photograph (3, S, S) in the colours of a style, and the style's number."""
        kinds = (0, self.shipped) if _uniform(generator) < config.shipped else (self.shipped, len(self.styles))
        style = _integer(*kinds, generator)
        low, high = config.content_px
        rgb = self.photographs[_integer(0, len(self.photographs), generator)]
        longer = round(low * (high / low) ** _uniform(generator))
        least = -(-config.side_px * max(rgb.shape[:2]) // min(rgb.shape[:2]))
        photograph = as_tensor(resized(rgb, max(longer, least + 1)))
        if _uniform(generator) < 0.5:
            photograph = photograph.flip(2)
        top, left = (_integer(0, length - config.side_px + 1, generator) for length in photograph.shape[1:])
        piece = photograph[:, top : top + config.side_px, left : left + config.side_px]
        return self.styles[style].palette.coloured(Palette.of(photograph).whitened(piece)), style

    def moments(self, numbers: Tensor) -> Tensor:
        """Those of styles (N, M)."""
        return torch.stack([self.styles[number].moments for number in numbers.tolist()])

    def distances(self, rgb: Tensor, numbers: Tensor, generator: torch.Generator) -> Tensor:
        """How far pictures (N, 3, S, S) are from their styles, (N, layers)."""
        return self._distances(self._eye(rgb, _STYLE_LAYERS), numbers, generator)

    def loss(self, net: nn.Module, batch: Batch, config: Config) -> Tensor:
        """Of pieces (N, 3, S, S) and the numbers of their styles (N)."""
        pieces, numbers = batch
        net = cast(Painter, net)
        pieces = pieces.contiguous(memory_format=torch.channels_last)
        noise = torch.randn(len(pieces), 2, *(length // STEP_PX for length in pieces.shape[2:]), device=pieces.device)
        painted = net(pieces, net.study(self.moments(numbers)), noise).float()
        maps = self._eye(painted, _STYLE_LAYERS)
        with torch.no_grad():
            wanted = self._eye(pieces, _CONTENT_LAYERS)
        weights = torch.tensor(config.style_weights, device=pieces.device)
        style = (self._distances(maps, numbers, torch.default_generator) * weights).sum(1).mean()
        kept = torch.stack([
            content(
                {name: maps[name][place].float() for name in _CONTENT_LAYERS},
                {name: wanted[name][place].float() for name in _CONTENT_LAYERS},
                self.styles[number].scale,
            )
            for place, number in enumerate(numbers.tolist())
        ]).mean()  # fmt: skip
        outside = (painted - painted.clamp(0, 1)).square().mean()
        varied = total_variation(painted)
        return cast(Tensor, style + config.content_weight * kept + config.variation_weight * varied + 10 * outside)

    def _distances(self, maps: dict[str, Tensor], numbers: Tensor, generator: torch.Generator) -> Tensor:
        rows: list[Tensor] = []
        with torch.autocast(maps[_STYLE_LAYERS[0]].device.type, enabled=False):  # values that are sorted need precision
            for place, number in enumerate(numbers.tolist()):
                style = self.styles[number]
                layers = []
                for name in _STYLE_LAYERS:
                    mine = maps[name][place].float().flatten(1) / style.scale[name]
                    layers.append(sliced_wasserstein(mine, style.maps[name] / style.scale[name], generator) / len(mine))
                rows.append(torch.stack(layers))
        return torch.stack(rows)


def train(settings: Settings, folder: Path, config: Config = Config(), root: Path = ROOT) -> Result:
    """Train, measure, and publish if the distance that is asked for is reached."""
    lesson, held_out = lessons(settings, config)
    fitted = fitted_on(lesson, held_out, config, folder)
    painter = cast(Painter, fitted.net.half().float().eval())  # as it is stored
    fitted = replace(fitted, net=painter)
    result = Result(nearness(painter, held_out, config), config.reach, fitted, less_is_better=True)
    if result.publishable:
        shared = {"encoder": root / "models_cache" / "embedded" / "style" / "style_encoder" / "model.safetensors"}
        publish("style", painter.half(), {}, _card(result, config), root, shared=shared)
    return result


def lessons(settings: Settings, config: Config) -> tuple[Lesson, Lesson]:
    """To learn from, and to measure with: other photographs, and the shipped styles alone."""
    weights = Shelf(EMBEDDED).resolve(_FAMILY, "style_encoder")
    eye = Encoder.load(weights, device_here()).to(memory_format=torch.channels_last)
    photographs = [scene.rgb for split in ("train", "val") for scene in boxes.plates(settings, split)]
    random = torch.Generator().manual_seed(config.seed)
    pictures = [Image.open(style.path).rgb for style in STYLES.values()]
    shipped = [studied(eye, rgb, side) for rgb in pictures for side in config.style_px]
    others = [
        studied(eye, _other(painted(name, number + 1), random), _chosen(config.style_px, random))
        for name in STYLES
        for number in range(config.variants)
    ]
    cells = boxes.cells(settings, "train")
    for number in range(config.others):
        rgb = photographs[number] if number % 2 else cells[number].rgb
        others.append(studied(eye, _other(rgb, random), _chosen(config.style_px, random)))
    contents = photographs[: -config.held_out] + pictures
    return Lesson(eye, contents, shipped, others), Lesson(eye, photographs[-config.held_out :], shipped, [])


@torch.no_grad()
def studied(eye: Encoder, rgb: RGB, longer_px: int) -> Studied:
    """What is kept of a style picture at that length of its longer side."""
    style = as_tensor(resized(rgb, longer_px))
    there = style.to(next(eye.parameters()).device)
    found = {name: maps[0].flatten(1) for name, maps in eye(there[None], _STYLE_LAYERS).items()}
    random = torch.Generator().manual_seed(0)
    some = {name: values[:, _some(values.shape[1], random).to(there.device)] for name, values in found.items()}
    scale = {name: values.std().clamp_min(1e-3) for name, values in found.items()}
    return Studied(moments_of(eye, there), Palette.of(style), some, scale)


def _some(count: int, random: torch.Generator) -> Tensor:
    return torch.randperm(count, generator=random)[:_VECTORS]


def fitted_on(lesson: Lesson, held_out: Lesson, config: Config, folder: Path) -> Fitted:
    """What comes of the plan's epochs."""
    plan = Plan(
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        peak_rate=config.peak_rate,
        warmup=0.05,
        weight_decay=0.0,
        clip_norm=5.0,
        ema_decay=0.99,
        cpu_minutes=config.cpu_minutes,
        seed=config.seed,
    )

    def batches(_epoch: int, generator: torch.Generator) -> Iterator[Batch]:
        for _ in range(plan.steps_per_epoch):
            pieces = [lesson.piece(config, generator) for _ in range(config.batch_size)]
            yield torch.stack([piece for piece, _ in pieces]), torch.tensor([number for _, number in pieces])

    torch.manual_seed(config.seed)
    net = Painter().to(memory_format=torch.channels_last)
    known = torch.stack([style.moments for style in lesson.styles])
    cast(Tensor, net.mean).copy_(known.mean(0))
    cast(Tensor, net.deviation).copy_(known.std(0).clamp_min(1e-3))
    return fit(
        net,
        lambda net, batch: lesson.loss(net, batch, config),
        batches,
        lambda net: -nearness(cast(Painter, net), held_out, config),
        plan,
        folder,
    )


@torch.no_grad()
def nearness(net: Painter, lesson: Lesson, config: Config) -> float:
    """Distance of painted pieces from the shipped styles over that of the pieces before, as the encoder sees both."""
    random = torch.Generator().manual_seed(config.seed)
    net = net.to(lesson.device)
    shares = []
    for _ in range(4 * len(STYLES)):
        piece, number = lesson.piece(replace(config, shipped=1.0), random)
        numbers = torch.tensor([number])
        side = config.side_px // STEP_PX
        noise = torch.randn(1, 2, side, side, generator=random).to(lesson.device)
        plain = piece[None].to(lesson.device)
        painted = net(plain, net.study(lesson.moments(numbers)), noise)
        mine, before = (lesson.distances(rgb, numbers, random).sum() for rgb in (painted, plain))
        shares.append(float(mine / before))
    return float(np.mean(shares))


def _other(rgb: RGB, random: torch.Generator) -> RGB:
    """A picture with its colours exchanged, and sometimes inverted and turned: another style with like strokes."""
    rgb = rgb[..., torch.randperm(3, generator=random).numpy()]
    if _uniform(random) < 0.3:
        rgb = 255 - rgb
    return np.ascontiguousarray(np.rot90(rgb, _integer(0, 4, random)))


def _chosen(values: Sequence[int], generator: torch.Generator) -> int:
    return values[_integer(0, len(values), generator)]


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))


def _integer(low: int, high: int, generator: torch.Generator) -> int:
    return int(torch.randint(low, high, (), generator=generator))


def _card(result: Result, config: Config) -> Card:
    return Card(
        title="Style painter",
        recipe="style_painter",
        licence="AGPL-3.0-or-later",
        pipeline_tag="image-to-image",
        dataset="OpenALPR benchmark (endtoend)",
        dataset_id="licence_plates",
        split=f"{config.held_out} of its training photographs to measure with, the other 313 and the ten shipped style "
        f"pictures to paint; styles are these ten, {10 * config.variants} that the same code draws otherwise, and "
        f"{config.others} photographs and micrographs (BCCD)",
        metric="distance of painted pieces from their style over that of the same pieces in the style's colours, as "
        "the encoder sees both",
        result=result,
        published="none: its distances are those of our own encoder",
        source="https://github.com/openalpr/benchmarks, commit 9790ed2 (AGPL-3.0), shrunk to 360 px",
        about="A convolutional network of 1.8 million numbers that paints a picture in one pass. What a style picture "
        "is like, the means and deviations of an encoder's maps of it, sets how its maps are normalised.",
        limits="Trained on two cores, for minutes rather than days: strokes are like those of the style, but it draws "
        "no shapes, and styles that it has not learned come out weaker than the ten that ship.",
        again="python -m bench.quality style",
    )
