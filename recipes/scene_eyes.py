"""The encoder of drawn scenes, trained before the networks that use it; see `recipes.scenes`.

The generator knows what lies where. So the encoder first learns to tell of each cell of the picture whether a thing's
centre is in it, and of which kind, colour, size and pattern the thing in it is: four answers of their own, so that a
combination which was never seen is nothing new. What tells them is thrown away afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from backends.scenes.drawing import Style, centres
from backends.scenes.net import CELLS, FORM, WIDTH, SceneEncoder, middles
from backends.scenes.scene import Scene
from backends.scenes.words import COLOURS, KINDS, PATTERNS, SIZES
from recipes.loop import Batch, Fitted, Plan, autocast_here, fit

#: Pictures uint8 (N, 3, H, W) to float32 in 0..1, each in other light.
Relit = Callable[[Tensor, torch.Generator], Tensor]
#: The answers for a cell: after "a centre", as many as there are kinds, colours, sizes and patterns.
_CHOICES = (len(KINDS), len(COLOURS), len(SIZES), len(PATTERNS))
#: Cells this near to a thing's centre are told to be of it, in shares of its radius.
_WITHIN = 0.6
#: In cells: how far a centre is felt, and how far it is told where it lies.
_SPREAD, _NEAR = 0.7, 1.1
_NOTHING = -1
_SIDES = 2_000  # pictures from which half the sides of things are learned


@dataclass(frozen=True)
class Config:
    """Everything that the result depends on."""

    epochs: int = 6
    batch_size: int = 128
    peak_rate: float = 2e-3
    cpu_minutes: float = 40
    seed: int = 1


class Eyes(nn.Module):
    """The encoder with what tells of its cells."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = SceneEncoder()
        self.form = nn.Conv2d(FORM, sum(_CHOICES) - len(COLOURS), 1)
        self.colour = nn.Conv2d(WIDTH - FORM, len(COLOURS), 1)

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What each cell of pictures (N, 3, 96, 96) in 0..1 holds: the colour from the colour, the rest from the form.

        Logits of a centre (N, 1, 12, 12); place and half side (N, 3, 12, 12); logits (N, 32, 12, 12) of kinds,
        colours, sizes, patterns.
        """
        maps = self.encoder.maps(rgb)
        told, kinds = self.form(maps[:, :FORM]), len(KINDS)
        colour = self.colour(maps[:, FORM:])
        return *self.encoder.found(maps), torch.cat([told[:, :kinds], colour, told[:, kinds:]], 1)


def cells_of(scene: Scene, style: Style) -> npt.NDArray[np.int8]:
    """What is in each cell, (10, 12, 12).

    How near a thing's centre is, in hundredths; 1 for a centre; kind, colour, size, pattern by number, -1 for nothing;
    where a centre is near, how far it is from the cell's middle, across and down, and half the thing's side, in
    hundredths of a cell, at most 127; at a centre half the side again, whole, in fiftieths.
    """
    told = np.full((10, CELLS, CELLS), _NOTHING, np.int8)
    told[:2] = 0
    middles = (np.arange(CELLS) + 0.5) / CELLS
    for thing, (across, down) in zip(scene.things, centres(scene, style), strict=True):
        look = thing.look
        numbers = (
            KINDS.index(look.kind),
            list(COLOURS).index(look.colour),
            SIZES.index(look.size),
            PATTERNS.index(look.pattern),
        )
        apart = np.hypot(middles[:, None] - down, middles[None, :] - across)
        near = apart < _WITHIN * thing.radius
        row, column = (min(CELLS - 1, max(0, int(place * CELLS))) for place in (down, across))
        near[row, column] = True
        told[2:6, near] = np.array(numbers, np.int8)[:, None]
        told[0] = np.maximum(told[0], np.round(100 * np.exp(-((apart * CELLS / _SPREAD) ** 2) / 2)).astype(np.int8))
        told[1, row, column] = 1
        told[9, row, column] = round(thing.radius * CELLS * 50)
        for down_cell, across_cell in np.argwhere(apart * CELLS < _NEAR):
            place = across - middles[across_cell], down - middles[down_cell], thing.radius
            told[6:9, down_cell, across_cell] = np.round(np.array(place) * CELLS * 100).clip(-127, 127)
    return told


def train(pictures: Tensor, cells: Tensor, folder: Path, config: Config, relit: Relit) -> Fitted:
    """Train on pictures uint8 (N, 3, 96, 96) and their cells int8 (N, 10, 12, 12); the last 1,000 choose the epoch."""
    count = len(pictures) - min(1_000, len(pictures) // 10)
    plan = Plan(
        epochs=config.epochs,
        steps_per_epoch=count // config.batch_size,
        peak_rate=config.peak_rate,
        clip_norm=1,
        cpu_minutes=config.cpu_minutes,
        seed=config.seed,
    )

    def batches(epoch: int, generator: torch.Generator) -> Iterator[Batch]:
        order = torch.randperm(count, generator=generator)
        for chosen in torch.split(order[: plan.steps_per_epoch * config.batch_size], config.batch_size):
            yield relit(pictures[chosen], generator), cells[chosen].long()

    torch.manual_seed(config.seed)
    eyes = Eyes().to(memory_format=torch.channels_last)
    fitted = fit(eyes, _loss, batches, lambda net: _right(net, pictures[count:], cells[count:].long()), plan, folder)
    assert isinstance(fitted.net, Eyes)
    _fit_sides(fitted.net.encoder, pictures[:_SIDES], cells[:_SIDES])
    return fitted


@torch.no_grad()
def _fit_sides(encoder: SceneEncoder, pictures: Tensor, cells: Tensor) -> None:
    """Let the finished maps tell half the side of things of any size, by least squares."""
    maps = torch.cat([encoder.maps(part.float().div(255))[:, :FORM] for part in torch.split(pictures, 250)])
    there = cells[:, 1] == 1
    forms = maps.permute(0, 2, 3, 1)[there].double()  # (things, 96)
    known = torch.cat([forms, torch.ones(len(forms), 1, dtype=torch.float64)], 1)
    found = torch.linalg.lstsq(known, cells[:, 9][there].double() / 50).solution
    assert encoder.place.bias is not None
    encoder.place.weight[2, :, 0, 0], encoder.place.bias[2] = found[:-1].float(), found[-1].float()


def _loss(net: nn.Module, batch: Batch) -> Tensor:
    rgb, cells = batch
    centre, places, logits = net(rgb.contiguous(memory_format=torch.channels_last))
    heat = cells[:, 0].float() / 100
    loss = functional.binary_cross_entropy_with_logits(centre[:, 0].float(), heat, reduction="sum") / len(rgb)
    for number, part in enumerate(logits.float().split(_CHOICES, 1), 2):
        loss = loss + functional.cross_entropy(part, cells[:, number], ignore_index=_NOTHING)
    near = heat > np.exp(-((_NEAR / _SPREAD) ** 2) / 2)
    apart = (places - middles().to(places) - cells[:, 6:9] / (100 * CELLS)).abs().sum(1) * CELLS
    placed: Tensor = (apart * near).sum() / near.sum().clamp_min(1)
    return loss + placed


@torch.inference_mode()
def _right(net: nn.Module, pictures: Tensor, cells: Tensor) -> float:
    """Share of the things that are found, and of which kind, colour, size and pattern are told rightly."""
    device = next(net.parameters()).device
    right = whole = 0
    for rgb, told in zip(torch.split(pictures, 250), torch.split(cells, 250), strict=True):
        with autocast_here(device.type):
            centre, _, logits = net(rgb.to(device).float().div(255))
        highest, where = functional.max_pool2d(centre.float().cpu(), 3, 1, 1, return_indices=True)
        good = highest[:, 0] > 0
        for number, part in enumerate(logits.float().cpu().split(_CHOICES, 1), 2):
            said = part.argmax(1).flatten(1).take_along_dim(where.flatten(1), 1).view_as(told[:, 0])
            good &= said == told[:, number]
        there = told[:, 1] == 1
        right += int((good & there).sum())
        whole += int(there.sum())
    return right / max(1, whole)
