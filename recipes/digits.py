"""Trains the digit reader on MNIST: `python -m recipes digits`.

Eleven classes: the ten digits, and what is no digit (`recipes/not_digits.py`). One network of 0.17 million parameters,
light augmentation, a running mean of the weights; some seven minutes on one CPU core.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from backends.digits.net import OTHER, DigitNet
from recipes import not_digits
from recipes.data import Pictures, Split, mnist
from recipes.loop import Batch, Plan, fit
from recipes.publish import Card, Result, publish
from studio.settings import Settings


@dataclass(frozen=True)
class Config:
    """Everything that the result depends on.

    Attributes:
        reach: MNIST test accuracy below which nothing is published.
        published: the figure it stands beside.
        held_out: the last training pictures, kept for the choice of the epoch and of the threshold.
        outliers: pictures of no digit, beside the training pictures.
        refused: share of the held-out digits that the threshold refuses, found and centred as a visitor's are.
        turn_deg, zoom, shear, shift, bend: largest changes of a training picture; shift is in pixels, bend the
            standard deviation in pixels of an elastic displacement on a grid of 5 x 5.
    """

    reach: float = 0.995
    published: str = "LeNet-5: 0.9905 (LeCun et al. 1998)"
    epochs: int = 13
    batch_size: int = 128
    held_out: int = 5_000
    outliers: int = 9_000
    refused: float = 0.002
    peak_rate: float = 4e-3
    cpu_minutes: float = 30
    seed: int = 1
    turn_deg: float = 12
    zoom: float = 0.12
    shear: float = 0.12
    shift: float = 2
    bend: float = 0.65


def train(settings: Settings, folder: Path, config: Config | None = None) -> Result:
    """Train, measure, and publish if the metric is reached.

    Args:
        folder: for the checkpoint and the metrics.
    """
    config = config or Config()
    everything = mnist(settings, "train")
    digits, held_out = everything[: -config.held_out], everything[-config.held_out :]
    outliers = not_digits.training_set(digits.pictures, config.outliers, config.seed)
    inputs = torch.cat([tensor(digits.pictures), tensor(outliers)])
    labels = torch.cat([torch.from_numpy(digits.labels), torch.full((len(outliers),), OTHER)])
    plan = Plan(
        epochs=config.epochs,
        steps_per_epoch=len(labels) // config.batch_size,
        peak_rate=config.peak_rate,
        cpu_minutes=config.cpu_minutes,
        seed=config.seed,
    )

    def batches(epoch: int, generator: torch.Generator) -> Iterator[Batch]:
        order = torch.randperm(len(labels), generator=generator)
        for chosen in torch.split(order[: plan.steps_per_epoch * config.batch_size], config.batch_size):
            yield augmented(inputs[chosen], config, generator), labels[chosen]

    torch.manual_seed(config.seed)
    net = DigitNet().to(memory_format=torch.channels_last)
    fitted = fit(net, _loss, batches, lambda net: accuracy(net, held_out), plan, folder)
    found = accuracy(fitted.net, mnist(settings, "test"))
    as_visitors_send_them = not_digits.prepared([np.asarray(p / 255, np.float32) for p in held_out.pictures])
    threshold = float(np.quantile(digit_score(logits(fitted.net, as_visitors_send_them)), config.refused))
    result = Result(found, config.reach, fitted)
    if result.publishable:
        publish("digits", fitted.net, {"threshold": f"{threshold:.4f}"}, _card(result, config))
    return result


def tensor(pictures: Pictures) -> Tensor:
    """uint8 (N, 28, 28) to float32 (N, 1, 28, 28) in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).float().div(255).unsqueeze(1)


def augmented(ink: Tensor, config: Config, generator: torch.Generator) -> Tensor:
    """Each picture (N, 1, 28, 28) turned, zoomed, sheared, shifted and bent a little, each in its own way."""

    def drawn(limit: float) -> Tensor:
        return (torch.rand(len(ink), generator=generator) * 2 - 1) * limit

    angle = drawn(math.radians(config.turn_deg))
    across, down = 1 + drawn(config.zoom), 1 + drawn(config.zoom)
    shear, side = drawn(config.shear), ink.shape[-1] / 2
    top = torch.stack([angle.cos() * across, -angle.sin() + shear, drawn(config.shift / side)], 1)
    bottom = torch.stack([angle.sin(), angle.cos() * down, drawn(config.shift / side)], 1)
    grid = functional.affine_grid(torch.stack([top, bottom], 1), list(ink.shape), align_corners=False)  # (N, H, W, 2)
    bend = torch.randn(len(ink), 2, 5, 5, generator=generator) * (config.bend / side)
    bend = functional.interpolate(bend, ink.shape[-2:], mode="bilinear", align_corners=True)  # (N, 2, H, W)
    return functional.grid_sample(ink, grid + bend.permute(0, 2, 3, 1), align_corners=False)


def _loss(net: nn.Module, batch: Batch) -> Tensor:
    inputs, labels = batch
    return functional.cross_entropy(net(inputs), labels)


@torch.inference_mode()
def logits(net: nn.Module, pictures: Pictures) -> npt.NDArray[np.float32]:
    """Logits (N, 11) of pictures uint8 (N, 28, 28)."""
    device = next(net.parameters()).device
    parts = [net(part.to(device)).float().cpu() for part in torch.split(tensor(pictures), 500)]
    return np.asarray(torch.cat(parts).numpy(), np.float32)


def accuracy(net: nn.Module, split: Split) -> float:
    """Share of the pictures whose best class among the ten digits is the right one."""
    return float((logits(net, split.pictures)[:, :OTHER].argmax(1) == split.labels).mean())


def digit_score(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How much more a picture looks like a digit than like anything else, from logits (N, 11): a log ratio (N)."""
    return np.asarray(np.logaddexp.reduce(values[:, :OTHER], axis=1) - values[:, OTHER], np.float32)


def _card(result: Result, config: Config) -> Card:
    return Card(
        title="Digit reader",
        recipe="digits",
        licence="AGPL-3.0-or-later",
        pipeline_tag="image-classification",
        dataset="MNIST",
        dataset_id="mnist",
        split=f"test, 10,000 pictures; the first {60_000 - config.held_out:,} of the 60,000 training pictures to learn "
        f"from, the last {config.held_out:,} to choose the epoch and the threshold",
        metric="accuracy",
        result=result,
        published=config.published,
        source="http://yann.lecun.com/exdb/mnist (LeCun, Bottou, Bengio, Haffner 1998)",
        about="A convolutional network with 0.17 million parameters that reads one handwritten digit, and says when a "
        f"picture is none. Beside MNIST it was trained on {config.outliers:,} drawn pictures that are no digits: "
        "letters, scribbles, shapes, clouds, two digits at once.",
        limits="Digits by American census clerks and pupils of the 1990s: a 1 with a long upstroke, a crossed 7 "
        "or a 9 with a curled foot, as written elsewhere, is read less surely. Handwritten letters shaped like digits "
        "(O, l, S, Z, b, q) may pass for them: refusal was measured on type only. Digits of printed type were not "
        "learned. One digit in a picture; no numbers.",
    )
