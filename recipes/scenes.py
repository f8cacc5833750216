"""Trains the captioners of drawn scenes: `python -m recipes scenes`, `python -m recipes scenes_lstm`.

The pictures are drawn on the spot (`backends.scenes`). Of each kind one colour is left out of training; the figures are
of scenes that all have at least one of these combinations. First the encoder learns to
find things (`recipes.scene_eyes`), then a decoder learns to write about what it finds: a transformer, or two LSTM
layers with attention between them, which begins with the encoder of the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from backends.scenes.domain import Domain
from backends.scenes.drawing import draw, drawn_style
from backends.scenes.net import BEGIN, END, LONGEST, PAD, TOKENS, Captioner, Things
from backends.scenes.scene import Scene, drawn, held_out
from backends.scenes.sentences import caption, understood
from backends.scenes.writing import greedy
from recipes import scene_eyes
from recipes.loop import Batch, Fitted, Plan, autocast_here, fit
from recipes.publish import ROOT, Card, Result, publish
from studio.settings import Settings

#: Where the first captioner is published: the others begin with its encoder.
CAPTIONER = ROOT / "models_cache" / "embedded" / "scenes" / "scenes" / "model.safetensors"
_HIDDEN = 0.15  # of the words
_SORTED = 16  # batches that are put in order of length together


@dataclass(frozen=True)
class Config:
    """Everything that the result depends on.

    Attributes:
        reach: exact attributes on held-out combinations below which nothing is published.
        scenes: how many are drawn to learn from.
        lights: in how many different lights a decoder is told of each scene.
        choosing: scenes of combinations that were learned, for the choice of the epoch.
        tested: scenes with held-out combinations.
    """

    reach: float = 0.97
    scenes: int = 80_000
    lights: int = 2
    choosing: int = 1_000
    tested: int = 2_000
    epochs: int = 6
    batch_size: int = 128
    peak_rate: float = 2e-3
    cpu_minutes: float = 90
    seed: int = 1
    eyes: scene_eyes.Config = field(default_factory=scene_eyes.Config)


@dataclass(frozen=True)
class Drawn:
    """Scenes with their pictures and captions.

    Attributes:
        pictures: uint8 (N, 3, 96, 96).
        tokens: int64 (N, T): beginning, words, end, padding.
        cells: int8 (N, 10, 12, 12), see `scene_eyes.cells_of`.
    """

    scenes: list[Scene]
    pictures: Tensor
    tokens: Tensor
    cells: Tensor


def scenes_with_captions(count: int, seed: int, *, unseen: bool = False) -> Drawn:
    """Scenes by chance, all of learned combinations; or all with at least one that is held out."""
    rng = np.random.default_rng(seed)
    scenes: list[Scene] = []
    pictures, tokens, cells = [], [], []
    while len(scenes) < count:
        scene = drawn(rng, (lambda _: True)) if unseen else drawn(rng)
        text = caption(scene)
        if text is None or (unseen and not any(held_out(look) for look in scene.looks)):
            continue
        scenes.append(scene)
        style = drawn_style(rng, len(scene.things))
        pictures.append(draw(scene, style, rng).transpose(2, 0, 1))
        cells.append(scene_eyes.cells_of(scene, style))
        words = [TOKENS.index(word) for word in text.split()]
        tokens.append([BEGIN, *words, END] + [PAD] * (LONGEST - 2 - len(words)))
    seen, told = (torch.from_numpy(np.stack(part)) for part in (pictures, cells))
    return Drawn(scenes, seen, torch.tensor(tokens), told)


def train(settings: Settings, folder: Path, config: Config | None = None) -> Result:
    """Train the encoder and the transformer, measure, and publish if the metric is reached."""
    config = config or Config()
    learned = scenes_with_captions(config.scenes, config.seed)
    first = scene_eyes.train(learned.pictures, learned.cells, folder / "eyes", config.eyes, relit)
    assert isinstance(first.net, scene_eyes.Eyes)
    seeing = {name: value.half().float() for name, value in first.net.encoder.state_dict().items()}  # as it is stored
    return _train("transformer", "scenes", seeing, learned, folder, config, first)


def train_lstm(settings: Settings, folder: Path, config: Config | None = None) -> Result:
    """The same with LSTM layers on the first one's encoder.

    Raises:
        FileNotFoundError: the first one has not been trained.
    """
    config = config or Config()
    learned = scenes_with_captions(config.scenes, config.seed)
    return _train("lstm", "scenes_lstm", encoder(), learned, folder, config)


def encoder(file: Path | None = None) -> dict[str, Tensor]:
    """The trained encoder of the published captioner, as float32."""
    tensors = load_file(file or CAPTIONER)
    return {name[8:]: value.float() for name, value in tensors.items() if name.startswith("encoder.")}


def _train(
    decoder: Literal["lstm", "transformer"],
    name: str,
    seeing: dict[str, Tensor],
    learned: Drawn,
    folder: Path,
    config: Config,
    first: Fitted | None = None,
) -> Result:
    """Train a decoder on an encoder; `first` is the encoder's training, whose time is part of the cost."""
    choosing = scenes_with_captions(config.choosing, config.seed + 1)
    torch.manual_seed(config.seed)
    net = Captioner(decoder)
    net.encoder.load_state_dict(seeing)
    net.encoder.freeze()
    found = found_in(net.encoder, learned.pictures, config.lights, config.seed).tokens
    lengths = (learned.tokens != PAD).sum(1)
    plan = Plan(
        epochs=config.epochs,
        steps_per_epoch=config.scenes // config.batch_size,
        peak_rate=config.peak_rate,
        clip_norm=1,
        cpu_minutes=config.cpu_minutes,
        seed=config.seed,
    )

    def batches(epoch: int, generator: torch.Generator) -> Iterator[Batch]:
        """Captions of about the same length together: what is filled up costs time."""
        order = torch.randperm(config.scenes, generator=generator)[: plan.steps_per_epoch * config.batch_size]
        sorts = [part[lengths[part].argsort()] for part in torch.split(order, config.batch_size * _SORTED)]
        chosen = [batch for part in sorts for batch in torch.split(part, config.batch_size)]
        for number in torch.randperm(len(chosen), generator=generator).tolist():
            batch = chosen[number]
            light = torch.randint(config.lights, batch.shape, generator=generator)
            yield found[light, batch].float(), learned.tokens[batch, : int(lengths[batch].max())]

    fitted = fit(net, _loss, batches, lambda net: exact(choosing, written(net, choosing.pictures)), plan, folder)
    if first is not None:
        before_s = first.history[-1].cpu_s
        fitted = replace(fitted, history=[replace(row, cpu_s=row.cpu_s + before_s) for row in fitted.history])
    assert isinstance(fitted.net, Captioner)
    net = fitted.net.half().float().eval()  # as it is stored
    test = scenes_with_captions(config.tested, config.seed + 2, unseen=True)
    result = Result(exact(test, written(net, test.pictures)), config.reach, fitted)
    if result.publishable:
        domain = Domain.fitted(net.encoder, learned.pictures[:5_000]).tensors
        publish("scenes", net.half(), {"decoder": decoder}, _card(name, decoder, result, config), tensors=domain)
    return result


@torch.inference_mode()
def found_in(encoder: nn.Module, pictures: Tensor, lights: int = 0, seed: int = 0) -> Things:
    """What a frozen encoder finds in pictures uint8 (N, 3, 96, 96), as float16.

    Args:
        lights: if any, everything has one dimension (L) more in front, for so many different lights.
    """
    device = next(encoder.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for _ in range(max(1, lights)):
        parts: list[Things] = []
        for part in torch.split(pictures, 250):
            rgb = (relit(part, generator) if lights else part.float().div(255)).to(device)
            with autocast_here(device.type):
                parts.append(Things(*(part.half().cpu() for part in encoder(rgb))))
        rows.append(Things(*(torch.cat(same) for same in zip(*parts, strict=True))))
    return Things(*(torch.stack(same) for same in zip(*rows, strict=True))) if lights else rows[0]


def relit(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures uint8 (N, 3, H, W) as float32 in 0..1, each with another brightness, contrast and noise."""
    rgb = pictures.float().div(255)
    bright, contrast, noise = (torch.rand(3, len(rgb), 1, 1, 1, generator=generator) - 0.5).unbind(0)
    grain = torch.randn(rgb.shape, generator=generator) * (noise.abs() * 0.06)
    return ((rgb - 0.5) * (1 + 0.3 * contrast) + 0.5 + 0.12 * bright + grain).clamp(0, 1)


def _loss(net: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy of the next word; some of the words before it are hidden, so that it is looked for, not guessed."""
    things, tokens = batch
    before = tokens[:, :-1]
    hidden = (torch.rand(before.shape, device=before.device) < _HIDDEN) & (before > END)
    logits = net(things, before.masked_fill(hidden, PAD)).float()
    return functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=PAD)


@torch.inference_mode()
def written(net: nn.Module, pictures: Tensor) -> list[str]:
    """The likeliest captions, word by word, of pictures uint8 (N, 3, 96, 96)."""
    assert isinstance(net, Captioner)
    device = next(net.parameters()).device
    texts = []
    for part in torch.split(pictures, 250):
        with autocast_here(device.type):
            texts += greedy(net, part.to(device).float().div(255))
    return texts


def exact(scenes: Drawn, texts: list[str]) -> float:
    """Share of the scenes' groups that captions name with all their words and their number."""
    right = whole = 0
    for scene, text in zip(scenes.scenes, texts, strict=True):
        truth = Counter({look: len(things) for look, things in scene.groups.items()})
        said = understood(text).groups
        right += sum(said[look] == number for look, number in truth.items())
        whole += len(truth)
    return right / whole


def _card(name: str, decoder: str, result: Result, config: Config) -> Card:
    kind = "a transformer" if decoder == "transformer" else "LSTM layers with attention"
    return Card(
        title=f"Captions of drawn scenes, {kind}",
        recipe=name,
        licence="AGPL-3.0-or-later",
        pipeline_tag="image-to-text",
        dataset="Drawn scenes",
        dataset_id="atelier-drawn-scenes",
        split=f"{config.tested:,} scenes, each with a combination of kind and colour that is in none of the "
        f"{config.scenes:,} scenes learned from",
        metric="exact attributes",
        result=result,
        published="none: the scenes are our own",
        source="drawn by this project's own code (backends/scenes)",
        again="python -m bench.quality scenes",
        about=f"A convolutional encoder and {kind}, trained from scratch to write what is in a drawn scene: kinds, "
        "colours, sizes, patterns, numbers, places and relations.",
        limits="It knows eighteen kinds of drawn things and nothing else: photographs are outside of its world, and it "
        "says so.",
    )
