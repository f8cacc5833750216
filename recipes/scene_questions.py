"""Trains the network that answers questions about drawn scenes: `python -m recipes scene_questions`.

It begins with the encoder that learned to write captions (`python -m recipes scenes`). Combinations are left out of
training as there; the figure is of questions about scenes that all have at least one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from backends.scenes.domain import Domain
from backends.scenes.drawing import Rgb, draw, drawn_style
from backends.scenes.net import PAD, Answerer
from backends.scenes.questions import ANSWERS, FORMS, LONGEST, WORDS, asked, words_of
from backends.scenes.scene import drawn, held_out
from recipes.loop import Batch, Fitted, Plan, autocast_here, fit, in_a_row
from recipes.publish import Card, Result, publish
from recipes.scenes import encoder, found_in
from studio.settings import Settings


@dataclass(frozen=True)
class Cycle:
    """One rise and fall of the learning rate."""

    epochs: int
    peak_rate: float


@dataclass(frozen=True)
class Config:
    """Everything that the result depends on.

    Attributes:
        reach: share of right answers on held-out combinations that is asked for.
        least: the one below which nothing is published.
        cycles: each goes on from the network of the one before.
        scenes: how many are drawn to learn from, each with a question of each form.
        lights: in how many different lights each is shown.
        tested: questions on held-out combinations, of each form alike.
    """

    reach: float = 0.97
    least: float = 0.85
    scenes: int = 50_000
    lights: int = 2
    choosing: int = 2_000
    tested: int = 5_000
    cycles: tuple[Cycle, ...] = (Cycle(epochs=3, peak_rate=1.5e-3), Cycle(epochs=5, peak_rate=1.5e-3))
    batch_size: int = 128
    cpu_minutes: float = 90
    seed: int = 1


@dataclass(frozen=True)
class Asked:
    """Pictures, and questions about them.

    Attributes:
        pictures: uint8 (P, 3, 96, 96).
        questions: int64 (N, T + 3): words and padding, then number of words, answer, and picture.
        forms: the form of each (N).
    """

    pictures: Tensor
    questions: Tensor
    forms: list[str]


def scenes_with_questions(count: int, seed: int, *, unseen: bool = False) -> Asked:
    """Scenes by chance, with one question of each form that they give."""
    rng = np.random.default_rng(seed)
    pictures: list[Rgb] = []
    questions, forms = [], []
    while len(pictures) < count:
        scene = drawn(rng, (lambda _: True)) if unseen else drawn(rng)
        if unseen and not any(held_out(look) for look in scene.looks):
            continue
        for form in FORMS:
            question = asked(rng, scene, form)
            if question is not None:
                words = [WORDS.index(word) for word in words_of(question.text)]
                padded = words + [PAD] * (LONGEST - len(words))
                questions.append([*padded, len(words), ANSWERS.index(question.answer), len(pictures)])
                forms.append(form)
        pictures.append(draw(scene, drawn_style(rng, len(scene.things)), rng).transpose(2, 0, 1))
    return Asked(torch.from_numpy(np.stack(pictures)), torch.tensor(questions), forms)


def train(settings: Settings, folder: Path, config: Config | None = None) -> Result:
    """Train, measure, and publish if the metric is reached.

    Raises:
        FileNotFoundError: the captioner has not been trained.
    """
    config = config or Config()
    learned = scenes_with_questions(config.scenes, config.seed)
    choosing = scenes_with_questions(config.choosing // len(FORMS), config.seed + 1)
    torch.manual_seed(config.seed)
    net = Answerer(len(WORDS), len(ANSWERS), LONGEST)
    net.encoder.load_state_dict(encoder())
    net.encoder.freeze()
    found = found_in(net.encoder, learned.pictures, config.lights, config.seed)
    steps = len(learned.questions) // config.batch_size

    def batches(epoch: int, generator: torch.Generator) -> Iterator[Batch]:
        """Questions of about the same length together: what is filled up costs time."""
        order = torch.randperm(len(learned.questions), generator=generator)[: steps * config.batch_size]
        lengths = learned.questions[order, LONGEST]
        chosen = torch.split(order[lengths.argsort(stable=True)], config.batch_size)
        for number in torch.randperm(len(chosen), generator=generator).tolist():
            questions = learned.questions[chosen[number]]
            light = torch.randint(config.lights, questions.shape[:1], generator=generator)
            yield found[light, questions[:, -1]].float(), questions

    cycles: list[Fitted] = []
    for number, cycle in enumerate(config.cycles, 1):
        plan = Plan(
            epochs=cycle.epochs,
            steps_per_epoch=steps,
            peak_rate=cycle.peak_rate,
            clip_norm=1,
            cpu_minutes=config.cpu_minutes,
            seed=config.seed,
        )
        below = folder / f"cycle_{number}"
        cycles.append(fit(net, _loss, batches, lambda net: accuracy(net, choosing)["all"], plan, below))
        net.load_state_dict(cycles[-1].net.state_dict())
    fitted = in_a_row(cycles)
    assert isinstance(fitted.net, Answerer)
    answerer = fitted.net.half().float().eval()  # as it is stored
    test = scenes_with_questions(config.tested // len(FORMS), config.seed + 2, unseen=True)
    result = Result(accuracy(answerer, test)["all"], config.reach, fitted, config.least)
    if result.publishable:
        domain = Domain.fitted(answerer.encoder, learned.pictures[:5_000]).tensors
        publish("scenes", answerer.half(), {}, _card(result, config), tensors=domain)
    return result


def _loss(net: nn.Module, batch: Batch) -> Tensor:
    things, questions = batch
    longest = int(questions[:, LONGEST].max())
    return functional.cross_entropy(net(things, questions[:, :longest]).float(), questions[:, LONGEST + 1])


@torch.inference_mode()
def accuracy(net: nn.Module, asked: Asked) -> dict[str, float]:
    """Share of right answers: of each form, and of all."""
    assert isinstance(net, Answerer)
    device = next(net.parameters()).device
    found = found_in(net.encoder, asked.pictures)
    right: dict[str, list[bool]] = {"all": []}
    for start in range(0, len(asked.questions), 250):
        questions = asked.questions[start : start + 250].to(device)
        with autocast_here(device.type):
            logits = net(found[questions[:, -1].cpu()].to(device).float(), questions[:, :LONGEST])
        good = (logits.argmax(1) == questions[:, LONGEST + 1]).tolist()
        for form, one in zip(asked.forms[start : start + 250], good, strict=True):
            right.setdefault(form, []).append(one)
            right["all"].append(one)
    return {form: sum(good) / len(good) for form, good in right.items()}


def _card(result: Result, config: Config) -> Card:
    return Card(
        title="Answers about drawn scenes",
        recipe="scene_questions",
        licence="AGPL-3.0-or-later",
        pipeline_tag="visual-question-answering",
        dataset="Drawn scenes",
        dataset_id="atelier-drawn-scenes",
        split=f"about {config.tested:,} questions about scenes, each with a combination of kind and colour that is in "
        f"none of the {config.scenes:,} scenes learned from",
        metric="accuracy",
        result=result,
        published="none: the scenes are our own. FiLM on CLEVR, with other scenes and questions: 0.977 (Perez 2018)",
        source="drawn by this project's own code (backends/scenes)",
        again="python -m bench.quality vqa",
        about="A convolutional encoder that finds things, and a transformer in which the question's words and the "
        "things attend to each other, trained from scratch to count, to find, to compare, to name and to tell where "
        "things lie to each other in drawn scenes.",
        limits="Where things lie to each other: about half of these answers are wrong. "
        "It knows eighteen kinds of drawn things and the questions of a small grammar; photographs are outside "
        "of its world, and it says so. Up to seven things.",
    )
