"""Trains the network with which pictures in another style are judged: `python -m recipes style_witness`.

What optimises the maps of one network comes out well in that network's eyes. So the figures of the style family are
measured in another one, which nothing is optimised for: residual blocks (He et al. 2016), strides instead of maxima,
ReLU instead of GELU, another seed, and CIFAR-10 in another order. Ten CPU minutes; asked for is an accuracy that
shows that its maps know textures and things.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from recipes.data import Split, cifar10
from recipes.loop import Batch, Fitted, Plan, autocast_here, fit
from recipes.publish import ROOT, Card, Result, publish
from studio.settings import Settings

#: Channels of the four stages, whose maps are 1, 2, 4 and 8 pixels apart.
WIDTHS = (24, 48, 96, 160)


@dataclass(frozen=True)
class Config:
    """Everything that the result depends on.

    Attributes:
        reach: CIFAR-10 test accuracy that is asked for.
        held_out: the last training pictures, kept for the choice of the epoch.
    """

    reach: float = 0.75
    epochs: int = 8
    batch_size: int = 256
    peak_rate: float = 4e-3
    weight_decay: float = 0.02
    held_out: int = 1_000
    smoothing: float = 0.1
    cpu_minutes: float = 10
    seed: int = 77


class Witness(nn.Module):
    """Logits of ten kinds of things from RGB pictures (N, 3, H, W) in 0..1, of any size from 16 px."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False), nn.BatchNorm2d(WIDTHS[0]))
        self.blocks = nn.ModuleList(_Block(WIDTHS[n], WIDTHS[n + 1]) for n in range(len(WIDTHS) - 1))
        self.last = nn.Linear(WIDTHS[-1], classes)

    def forward(self, rgb: Tensor) -> Tensor:
        """Logits (N, classes)."""
        return cast(Tensor, self.last(self.maps(rgb)[-1].mean((2, 3))))

    def maps(self, rgb: Tensor) -> list[Tensor]:
        """The maps of the four stages, (N, C, H / step, W / step) with the channels of `WIDTHS`, steps 1, 2, 4, 8."""
        found = [functional.relu(self.stem((rgb - 0.5) * 4))]
        for block in self.blocks:
            found.append(block(found[-1]))
        return found


class _Block(nn.Module):
    """Two 3 x 3 convolutions, the first with stride 2, and a 1 x 1 short cut around them."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.halve = nn.Conv2d(channels_in, channels, 3, stride=2, padding=1, bias=False)
        self.refine = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.short = nn.Conv2d(channels_in, channels, 1, stride=2, bias=False)
        self.normal1, self.normal2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, maps: Tensor) -> Tensor:
        inner = functional.relu(self.normal1(self.halve(maps)))
        return functional.relu(self.normal2(self.refine(inner)) + self.short(maps))


def train(settings: Settings, folder: Path, config: Config | None = None, root: Path = ROOT) -> Result:
    """Train, measure, and publish if the accuracy is reached."""
    config = config or Config()
    everything = cifar10(settings, "train")
    pictures, held_out = everything[: -config.held_out], everything[-config.held_out :]
    torch.manual_seed(config.seed)
    fitted = fitted_on(pictures, held_out, config, folder)
    witness = fitted.net.half().float().eval()  # as it is stored
    fitted = replace(fitted, net=witness)
    result = Result(accuracy(witness, cifar10(settings, "test")), config.reach, fitted)
    if result.publishable:
        publish("style", witness.half(), {}, _card(result, config), root)
    return result


def fitted_on(pictures: Split, held_out: Split, config: Config, folder: Path) -> Fitted:
    """What comes of the plan's epochs; each picture is mirrored, and shifted by up to 3 px, at random."""
    rgb = torch.from_numpy(pictures.pictures).permute(0, 3, 1, 2)
    labels = torch.from_numpy(pictures.labels)
    plan = Plan(
        epochs=config.epochs,
        steps_per_epoch=max(1, len(labels) // config.batch_size),
        peak_rate=config.peak_rate,
        weight_decay=config.weight_decay,
        ema_decay=0.99,
        cpu_minutes=config.cpu_minutes,
        seed=config.seed,
    )

    def batches(epoch: int, generator: torch.Generator) -> Iterator[Batch]:
        order = torch.randperm(len(labels), generator=generator)
        for chosen in torch.split(order, config.batch_size)[: plan.steps_per_epoch]:
            scaled = functional.pad(rgb[chosen].float().div(255), (3, 3, 3, 3), mode="reflect")
            top, left, mirrored = (int(n) for n in torch.randint(7, (3,), generator=generator))
            moved = scaled[:, :, top : top + 32, left : left + 32]
            yield (moved.flip(3) if mirrored % 2 else moved), labels[chosen]

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        return functional.cross_entropy(net(batch[0]), batch[1], label_smoothing=config.smoothing)

    net = Witness().to(memory_format=torch.channels_last)
    return fit(net, loss, batches, lambda net: accuracy(net, held_out), plan, folder)


@torch.inference_mode()
def accuracy(net: nn.Module, split: Split) -> float:
    """Share of the pictures whose best class is right."""
    device = next(net.parameters()).device.type
    right = 0
    for start in range(0, len(split), 500):
        part = split[start : start + 500]
        rgb = torch.from_numpy(part.pictures).permute(0, 3, 1, 2).to(device).float().div(255)
        with autocast_here(device):
            best = net(rgb).argmax(1).cpu()
        right += int((best == torch.from_numpy(part.labels)).sum())
    return right / len(split)


def _card(result: Result, config: Config) -> Card:
    return Card(
        title="Style witness",
        recipe="style_witness",
        licence="AGPL-3.0-or-later",
        pipeline_tag="image-classification",
        dataset="CIFAR-10",
        dataset_id="cifar10",
        split=f"test, 10,000 pictures; the first {50_000 - config.held_out:,} of the 50,000 training pictures to learn "
        f"from, the last {config.held_out:,} to choose the epoch",
        metric="accuracy",
        result=result,
        published="ResNet-110, 200 epochs, on the original pictures: 0.9357 (He et al. 2016)",
        source="https://www.cs.toronto.edu/~kriz/cifar.html (Krizhevsky 2009)",
        about="A small residual network whose maps judge pictures in another style: nothing is optimised for it, so it "
        "has no reason to be pleased. It paints nothing itself.",
        limits="It is there to measure textures and contents; as a classifier it is far behind `pictures`.",
        again="python -m recipes style_witness",
    )
