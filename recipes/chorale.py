"""Trains the composer of chorales: `python -m recipes chorale`, and for comparison `python -m recipes chorale_lstm`.

Four-part music one sixteenth after the other, as ChoraleNet explains. The training pieces are heard in all twelve keys;
validation and test pieces as they are. Of each sequence the network is told the key, or how far the end is, only
sometimes: so it can be asked for them, and it is measured with nothing told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from backends.music.composer import hints_of, nats_per_note
from backends.music.grid import START_TOKEN, Grid, key_of, to_tokens, transposed
from backends.music.net import UNTOLD, ChoraleNet, Shape
from backends.music.theory import findings
from recipes.data import jsb_chorales
from recipes.loop import Batch, Plan, fit
from recipes.publish import Card, Result, publish
from studio.settings import Settings

_IGNORED = -100
_PUBLISHED = (
    "on the validation pieces of the same grid: Coconet in order 0.436, transformer 0.417, with relative attention "
    "0.357, with relative pitch and time 0.335 (Huang et al. 2019)"
)


@dataclass(frozen=True)
class Config:
    """Everything that the result depends on.

    Attributes:
        shape: of the network.
        reach: test nats per note above which nothing is published.
        steps: sixteenths in each sequence.
        passes: sequences per epoch, as a multiple of what would cover the training pieces once.
        semitones: how far training pieces are transposed, down and up.
        told: share of the sequences that are told their key; and, drawn apart, how far the end is.
        hidden: share of the notes that the network does not see when it is asked for the others. Without it the
            training pieces are soon learned by heart: with nothing hidden and a dropout of 0.3, validation was 0.416
            after two epochs and 0.433 after four; with 0.1 hidden and 0.15 it was 0.428 and 0.403.
    """

    shape: Shape = field(default_factory=lambda: Shape(dropout=0.2))
    reach: float = 0.42
    published: str = _PUBLISHED
    steps: int = 128
    batch_size: int = 8
    epochs: int = 8
    passes: int = 4
    semitones: int = 6
    told: float = 0.3
    hidden: float = 0.2
    peak_rate: float = 2e-3
    weight_decay: float = 0.1
    ema_decay: float = 0.999
    cpu_minutes: float = 60
    seed: int = 1


LSTM = Config(shape=Shape(trunk="lstm", width=256, layers=2, voice_layers=1, dropout=0.2), reach=0.6)


def train(settings: Settings, folder: Path, config: Config | None = None) -> Result:
    """Train, measure, and publish if the metric is reached.

    Args:
        folder: for the checkpoint and the metrics.
    """
    return _train(settings, folder, config or Config(), "chorale")


def train_lstm(settings: Settings, folder: Path, config: Config | None = None) -> Result:
    """The same with an LSTM in the transformer's place."""
    return _train(settings, folder, config or LSTM, "chorale_lstm")


def _train(settings: Settings, folder: Path, config: Config, name: str) -> Result:
    pieces, held_out = jsb_chorales(settings, "train"), jsb_chorales(settings, "valid")
    sequences = config.passes * sum(map(len, pieces)) // config.steps
    plan = Plan(
        epochs=config.epochs,
        steps_per_epoch=max(1, sequences // config.batch_size),
        peak_rate=config.peak_rate,
        warmup=0.03,
        weight_decay=config.weight_decay,
        betas=(0.9, 0.98),
        clip_norm=1,
        ema_decay=config.ema_decay,
        cpu_minutes=config.cpu_minutes,
        seed=config.seed,
    )
    torch.manual_seed(config.seed)
    net = ChoraleNet(config.shape)

    def batches(epoch: int, generator: torch.Generator) -> Iterator[Batch]:
        random = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
        for _ in range(plan.steps_per_epoch):
            yield batch(pieces, config, random)

    fitted = fit(net, loss, batches, lambda net: -nats_per_note(net, held_out), plan, folder)
    with torch.no_grad():
        for parameter in fitted.net.parameters():
            parameter.copy_(parameter.half())  # as it is stored
    test = nats_per_note(fitted.net, jsb_chorales(settings, "test"))
    result = Result(test, config.reach, fitted, less_is_better=True)
    if result.reached:
        facts = {size.name: str(getattr(config.shape, size.name)) for size in fields(Shape)}
        facts["theory"] = json.dumps(findings(pieces))
        publish("music", fitted.net.half(), facts, _card(result, config, name))
    return result


def batch(pieces: list[Grid], config: Config, random: np.random.Generator) -> Batch:
    """Sequences from anywhere in the pieces, (B, T, 8): four tokens, three hints, the first one's place; and targets.

    A longer piece is drawn more often. A sequence may begin before its piece or end after it: what is outside does not
    count.
    """
    weight = np.array([len(piece) for piece in pieces], np.float64)
    drawn = random.choice(len(pieces), config.batch_size, p=weight / weight.sum())
    inputs = np.stack([_sequence(pieces[number], config, random) for number in drawn])
    targets = np.where(inputs[..., :4] == START_TOKEN, _IGNORED, inputs[..., :4])
    inputs[..., :4][random.random(targets.shape) < config.hidden] = START_TOKEN
    return torch.from_numpy(inputs), torch.from_numpy(targets)


def _sequence(piece: Grid, config: Config, random: np.random.Generator) -> npt.NDArray[np.int64]:
    moved = None
    while moved is None:
        moved = transposed(piece, int(random.integers(-config.semitones, config.semitones)))
    reach = config.steps // 4
    first = int(np.clip(random.integers(-reach, max(1, len(piece) - config.steps + reach)), 0, None))
    first = min(first, max(0, len(piece) - config.steps))
    told = random.random(2) < config.told
    hints = hints_of(len(piece), key_of(moved) if told[0] else None)
    if not told[1]:
        hints[:, 1:] = UNTOLD[1:]
    made = np.full((config.steps, 8), START_TOKEN, np.int64)
    made[:, 4:7], made[:, 7] = UNTOLD, first
    part = slice(first, first + config.steps)
    tokens = to_tokens(moved[part])
    made[: len(tokens), :4], made[: len(tokens), 4:7] = tokens, hints[part]
    return made


def loss(net: nn.Module, batch: Batch) -> Tensor:
    """Mean nats per note of a batch of `batch`."""
    inputs, targets = batch
    logits = net(inputs[..., :4], inputs[:, 0, 7], inputs[..., 4:7])  # (B, T, 4, CLASSES)
    return functional.cross_entropy(logits.flatten(0, 2).float(), targets.flatten(), ignore_index=_IGNORED)


def _card(result: Result, config: Config, name: str) -> Card:
    million = sum(p.numel() for p in result.fitted.net.parameters()) / 1e6
    trunk = "transformer with rotary positions" if config.shape.trunk == "transformer" else "LSTM"
    return Card(
        title="Chorale composer" if name == "chorale" else "Chorale composer, LSTM",
        recipe=name,
        licence="AGPL-3.0-or-later",
        pipeline_tag="other",
        dataset="JSB chorales, grid of sixteenths",
        dataset_id="jsb_chorales",
        split="official: test, 77 pieces; 229 to learn from, each in all twelve keys; 76 to choose the epoch",
        metric="nats per note",
        result=result,
        published=config.published,
        source="https://github.com/czhuang/JSB-Chorales-dataset (Boulanger-Lewandowski, Bengio, Vincent 2012)",
        about=f"A {trunk} of {million:.1f} million parameters, stored in half precision, that writes music for four "
        "voices in the manner of Bach's chorales, sixteenth by sixteenth, from the soprano down. The figure is the "
        "mean negative log-likelihood of a voice in a sixteenth, each piece whole and nothing told about it.",
        limits="Chorales alone: no other style, no words, no fermatas. Whether an unchanged pitch is held or struck "
        "again is not in the data; a rule decides it. It looks eight bars back, so themes do not return by plan. "
        "Parallel fifths and octaves happen; the report beside each piece counts them.",
    )
