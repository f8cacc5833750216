"""Trains the picture classifier on CIFAR-10: `python -m recipes pictures`.

Ten kinds of things in 32 x 32 px. Three convolutional networks of 2 to 2.5 million parameters, made to learn in few
epochs (Jordan 2024): a whitening first layer, large steps for the biases, softened labels, each picture shown in turn
as it is and mirrored; shifted, and with a square cut out (DeVries and Taylor 2017). Each is of another shape and from
another seed; the first two learn in three cycles (Loshchilov and Hutter 2017), each going on from the one before. Kept
is a running mean of the weights, measured by the mean logits of all over each picture's shifts and mirror images, as
they are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from backends.pictures.net import SHAPES, PictureEnsemble, PictureNet, Shape, mean_logits
from recipes.data import Pictures, Split, cifar10
from recipes.loop import Batch, Fitted, Plan, autocast_here, fit, in_a_row
from recipes.publish import Card, Result, publish
from studio.settings import Settings
from studio.tensors import dequantized, quantized

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True)
class Cycle:
    """One rise and fall of the learning rate.

    Attributes:
        shift_px: largest displacement of a training picture; what it uncovers is mirrored in.
        cut_px: side of the square that is cut out of each training picture; 0 cuts none.
    """

    epochs: int
    peak_rate: float
    bias_rate: float
    ema_decay: float
    shift_px: int
    cut_px: int


@dataclass(frozen=True)
class Member:
    """How one network of the ensemble learns.

    Attributes:
        seed: of its first weights, its batches and their changes.
        cpu_minutes: budget of a cycle.
    """

    seed: int
    cycles: tuple[Cycle, ...]
    cpu_minutes: float = 240


@dataclass(frozen=True)
class Config:
    """Everything that the result depends on.

    Attributes:
        reach: CIFAR-10 test accuracy that is asked for.
        least: the one below which nothing is published.
        published: the figure it stands beside.
        held_out: the last training pictures, kept for the choice of the epoch.
        smoothing: share of each label that is spread over all classes.
        refused: share of the held-out pictures that the bound on familiarity turns away.
    """

    reach: float = 0.92
    least: float = 0.91
    published: str = "ResNet-110, 200 epochs, on the original pictures: 0.9357 (He et al. 2016)"
    members: tuple[Member, ...] = (
        Member(
            seed=1,
            cycles=(
                Cycle(epochs=11, peak_rate=0.5, bias_rate=64, ema_decay=0.99, shift_px=2, cut_px=0),
                Cycle(epochs=12, peak_rate=0.3, bias_rate=4, ema_decay=0.995, shift_px=4, cut_px=8),
                Cycle(epochs=16, peak_rate=0.3, bias_rate=4, ema_decay=0.995, shift_px=4, cut_px=8),
            ),
        ),
        Member(
            seed=2,
            cycles=(
                Cycle(epochs=18, peak_rate=0.5, bias_rate=64, ema_decay=0.995, shift_px=3, cut_px=8),
                Cycle(epochs=16, peak_rate=0.3, bias_rate=4, ema_decay=0.995, shift_px=4, cut_px=8),
                Cycle(epochs=8, peak_rate=0.12, bias_rate=4, ema_decay=0.995, shift_px=4, cut_px=8),
            ),
        ),
        Member(
            seed=3,
            cycles=(Cycle(epochs=24, peak_rate=0.5, bias_rate=64, ema_decay=0.995, shift_px=4, cut_px=8),),
        ),
    )
    batch_size: int = 512
    held_out: int = 2_000
    weight_decay: float = 1.3e-3
    smoothing: float = 0.2
    refused: float = 0.05


def train(settings: Settings, folder: Path, config: Config | None = None) -> Result:
    """Train, measure, and publish if the metric is reached.

    Args:
        folder: for the checkpoints and the metrics, a folder below it for each cycle.
    """
    config = config or Config()
    everything = cifar10(settings, "train")
    pictures, held_out = everything[: -config.held_out], everything[-config.held_out :]
    ensemble = PictureEnsemble()
    cycles = []
    for number, (member, shape) in enumerate(zip(config.members, SHAPES, strict=True)):
        below = folder / f"net_{number + 1}"
        cycles += _member(member, shape, pictures, held_out, config, below)
        ensemble.nets[number] = cycles[-1].net
    kept = stored(ensemble)
    ensemble.load_state_dict(dequantized(kept))
    ensemble.eval()
    fitted = replace(in_a_row(cycles), net=ensemble)
    result = Result(accuracy(ensemble, cifar10(settings, "test")), config.reach, fitted, config.least)
    if result.publishable:
        facts = {"classes": ",".join(CLASSES)} | calibration(ensemble, held_out, config.refused)
        publish("pictures", kept, facts, _card(result, config))
    return result


def stored(ensemble: PictureEnsemble) -> dict[str, Tensor]:
    """The tensors as they are kept: the first network's, which the style encoder is made of, in half precision.

    The weights of the others in eight bits: with all three in half precision the file would pass 9 MB.
    """
    half = {name: value.half() if value.is_floating_point() else value for name, value in ensemble.state_dict().items()}
    first = {name: value for name, value in half.items() if name.startswith("nets.0.")}
    return first | quantized({name: value for name, value in half.items() if name not in first})


def _member(
    member: Member, shape: Shape, pictures: Split, held_out: Split, config: Config, folder: Path
) -> list[Fitted]:
    """Train one network; what came of each of its cycles."""
    torch.manual_seed(member.seed)
    net = PictureNet(shape=shape)
    net.fit_whitening(tensor(pictures[:5_000].pictures).float().div(255))
    cycles: list[Fitted] = []
    for number, cycle in enumerate(member.cycles, 1):
        cycles.append(_cycle(net, pictures, held_out, config, member, cycle, folder / f"cycle_{number}"))
        net.load_state_dict(cycles[-1].net.state_dict())
    return cycles


def _cycle(
    net: nn.Module, pictures: Split, held_out: Split, config: Config, member: Member, cycle: Cycle, folder: Path
) -> Fitted:
    inputs, labels = tensor(pictures.pictures), torch.from_numpy(pictures.labels)
    plan = Plan(
        epochs=cycle.epochs,
        steps_per_epoch=len(labels) // config.batch_size,
        optimiser="sgd",
        peak_rate=cycle.peak_rate,
        bias_rate=cycle.bias_rate,
        weight_decay=config.weight_decay,
        ema_decay=cycle.ema_decay,
        cpu_minutes=member.cpu_minutes,
        seed=member.seed,
    )
    first = torch.rand(len(labels), generator=torch.Generator().manual_seed(member.seed)) < 0.5

    def batches(epoch: int, generator: torch.Generator) -> Iterator[Batch]:
        order = torch.randperm(len(labels), generator=generator)
        mirrored = first if epoch % 2 else ~first
        for chosen in torch.split(order[: plan.steps_per_epoch * config.batch_size], config.batch_size):
            moved = shifted(inputs[chosen], mirrored[chosen], cycle.shift_px, generator)
            yield cut_out(moved, cycle.cut_px, generator), labels[chosen]

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        return functional.cross_entropy(net(batch[0]), batch[1], label_smoothing=config.smoothing)

    net.to(memory_format=torch.channels_last)
    return fit(net, loss, batches, lambda net: accuracy(net, held_out), plan, folder)


def tensor(pictures: Pictures) -> Tensor:
    """uint8 (N, 32, 32, 3) to uint8 (N, 3, 32, 32); a batch is scaled to 0..1 when it is used."""
    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))


def shifted(rgb: Tensor, mirrored: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Pictures uint8 (N, 3, H, W) as float32 in 0..1, those marked in bool (N) mirrored, each shifted up to `reach`."""
    count, _, height, width = rgb.shape
    facing = torch.where(mirrored.view(-1, 1, 1, 1), rgb.flip(3), rgb)
    padded = functional.pad(facing.float().div(255), (reach,) * 4, mode="reflect")
    top, left = torch.randint(2 * reach + 1, (2, count, 1), generator=generator)
    rows, columns = top + torch.arange(height), left + torch.arange(width)  # (N, H), (N, W)
    each = torch.arange(count).view(-1, 1, 1)
    moved = padded.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]]  # (N, H, W, 3)
    return moved.permute(0, 3, 1, 2)


def cut_out(rgb: Tensor, side_px: int, generator: torch.Generator) -> Tensor:
    """Pictures (N, 3, H, W) in 0..1 with a grey square somewhere in each, which may reach over the edge."""
    if not side_px:
        return rgb
    count, _, height, width = rgb.shape
    top = torch.randint(1 - side_px, height, (count, 1), generator=generator)
    left = torch.randint(1 - side_px, width, (count, 1), generator=generator)
    rows, columns = torch.arange(height) - top, torch.arange(width) - left  # (N, H), (N, W)
    inside = ((rows >= 0) & (rows < side_px))[:, :, None] & ((columns >= 0) & (columns < side_px))[:, None, :]
    return torch.where(inside[:, None], 0.5, rgb)


@torch.inference_mode()
def logits(net: nn.Module, split: Split) -> Tensor:
    """Logits (N, 10), each the mean over a picture's shifts and mirror images."""
    device = next(net.parameters()).device
    parts = []
    for rgb in torch.split(tensor(split.pictures), 500):
        scaled = rgb.to(device).float().div(255)
        with autocast_here(device.type):
            parts.append(mean_logits(net, scaled))
    return torch.cat(parts).float().cpu()


def accuracy(net: nn.Module, split: Split) -> float:
    """Share of the pictures whose best class is right, by `logits`."""
    return float((logits(net, split).argmax(1) == torch.from_numpy(split.labels)).float().mean())


def calibration(net: nn.Module, held_out: Split, refused: float) -> dict[str, str]:
    """What turns logits into scores and refusals, from pictures that the network has not learned from.

    The temperature is the one under which the right classes are most probable (Guo et al. 2017). The bound is the
    energy score (Liu et al. 2020) below which the share `refused` of them lies.
    """
    values, labels = logits(net, held_out), torch.from_numpy(held_out.labels)
    temperatures = torch.arange(0.2, 3, 0.01)
    losses = torch.stack([functional.cross_entropy(values / temperature, labels) for temperature in temperatures])
    least = float(values.logsumexp(1).quantile(refused))
    return {"temperature": f"{float(temperatures[losses.argmin()]):.2f}", "least_familiarity": f"{least:.4f}"}


def _card(result: Result, config: Config) -> Card:
    return Card(
        title="Picture classifier",
        recipe="pictures",
        licence="AGPL-3.0-or-later",
        pipeline_tag="image-classification",
        dataset="CIFAR-10",
        dataset_id="cifar10",
        split="test, 10,000 pictures, each with its shifts by 1 px and mirror images; the first "
        f"{50_000 - config.held_out:,} of the 50,000 training pictures to learn from, the last {config.held_out:,} to "
        "choose the epoch",
        metric="accuracy",
        result=result,
        published=config.published,
        source="https://www.cs.toronto.edu/~kriz/cifar.html (Krizhevsky 2009)",
        about="Three convolutional networks with 2 to 2.5 million parameters, which answer together and know ten kinds "
        f"of things in small pictures: {', '.join(CLASSES)}.",
        limits="It knows ten kinds of things and takes everything else for one of them. It learned from pictures of "
        "32 x 32 px with one thing in the middle: small, cut-off or several things are read less surely.",
    )
