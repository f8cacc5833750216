"""Trains the network that answers questions about drawn scenes: `python -m recipes scene_questions`.

It begins with the encoder that learned to write captions (`python -m recipes scenes`). Combinations are left out of
training as there; the figure is of questions about scenes that all have at least one of them.

The generator knows what an answer rests on. So the network is also asked, of each thing that it found, what part it has
in the question: with answers alone, it had not come upon `left of` in eight epochs. What tells the parts is thrown away
afterwards.
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
from backends.scenes.drawing import Rgb, centres, draw, drawn_style
from backends.scenes.net import PAD, THERE, WIDTH, Answerer, Things
from backends.scenes.questions import ANSWERS, FORMS, LONGEST, WORDS, asked, words_of
from backends.scenes.scene import MOST_THINGS, drawn, held_out
from recipes.loop import Batch, Plan, autocast_here, fit
from recipes.publish import Card, Result, publish
from recipes.scenes import encoder, found_in
from studio.settings import Settings

#: The parts that a thing can have in a question, besides none.
_PARTS = 2
#: A found thing is the one whose centre is this near, in shares of the side.
_NEAR = 0.06


@dataclass(frozen=True)
class Config:
    """Everything that the result depends on.

    Attributes:
        reach: share of right answers on held-out combinations that is asked for.
        least: the one below which nothing is published.
        scenes: how many are drawn to learn from, each with a question of each form.
        lights: in how many different lights each is shown.
        tested: questions on held-out combinations, of each form alike.
    """

    reach: float = 0.97
    least: float = 0.9
    scenes: int = 50_000
    lights: int = 2
    choosing: int = 2_000
    tested: int = 5_000
    epochs: int = 10
    peak_rate: float = 1.5e-3
    batch_size: int = 128
    cpu_minutes: float = 90
    seed: int = 1


@dataclass(frozen=True)
class Asked:
    """Pictures, and questions about them.

    Attributes:
        pictures: uint8 (P, 3, 96, 96).
        questions: int64 (N, T + 3): words and padding, then number of words, answer, and picture.
        roles: int64 (N, 8), what part each thing of the picture has in the question: none, found first, found then;
            the last one is for what is no thing.
        centres: where the things are in the pictures (P, 7, 2), in shares of the side; far outside where there is none.
        forms: the form of each (N).
    """

    pictures: Tensor
    questions: Tensor
    roles: Tensor
    centres: Tensor
    forms: list[str]


class Pupil(nn.Module):
    """The network with what tells each thing's part in the question, read before the last layer."""

    def __init__(self, answerer: Answerer) -> None:
        super().__init__()
        self.answerer = answerer
        self.roles = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 1 + _PARTS))

    def forward(self, things: Tensor, question: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the answers, (N, answers), and of each thing's part, (N, 10, 3)."""
        *_, before, last = self.answerer.rows(things, question)
        return self.answerer.answer(last), self.roles(before[:, 1 : 1 + things.shape[1]])


def scenes_with_questions(count: int, seed: int, *, unseen: bool = False) -> Asked:
    """Scenes by chance, with one question of each form that they give."""
    rng = np.random.default_rng(seed)
    pictures: list[Rgb] = []
    questions, roles, places, forms = [], [], [], []
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
                roles.append([(n in question.first) + 2 * (n in question.then) for n in range(MOST_THINGS + 1)])
                forms.append(form)
        style = drawn_style(rng, len(scene.things))
        pictures.append(draw(scene, style, rng).transpose(2, 0, 1))
        places.append(np.full((MOST_THINGS, 2), 9, np.float32))
        places[-1][: len(scene.things)] = centres(scene, style)
    seen, where = (torch.from_numpy(np.stack(part)) for part in (pictures, places))
    return Asked(seen, torch.tensor(questions), torch.tensor(roles), where, forms)


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
    which = matched(found, learned.centres)
    pupil = Pupil(net)
    steps = len(learned.questions) // config.batch_size

    def batches(epoch: int, generator: torch.Generator) -> Iterator[Batch]:
        """Questions of about the same length together: what is filled up costs time."""
        order = torch.randperm(len(learned.questions), generator=generator)[: steps * config.batch_size]
        lengths = learned.questions[order, LONGEST]
        chosen = torch.split(order[lengths.argsort(stable=True)], config.batch_size)
        for number in torch.randperm(len(chosen), generator=generator).tolist():
            questions = learned.questions[chosen[number]]
            picture = questions[:, -1]
            light = torch.randint(config.lights, picture.shape, generator=generator)
            roles = learned.roles[chosen[number]].take_along_dim(which[light, picture], 1)
            yield found.tokens[light, picture].float(), torch.cat([questions, roles], 1)

    plan = Plan(
        epochs=config.epochs,
        steps_per_epoch=steps,
        peak_rate=config.peak_rate,
        clip_norm=1,
        cpu_minutes=config.cpu_minutes,
        seed=config.seed,
    )
    fitted = fit(pupil, _loss, batches, lambda net: accuracy(taught(net), choosing)["all"], plan, folder)
    answerer = taught(fitted.net).half().float().eval()  # as it is stored
    test = scenes_with_questions(config.tested // len(FORMS), config.seed + 2, unseen=True)
    result = Result(accuracy(answerer, test)["all"], config.reach, fitted, config.least)
    if result.publishable:
        domain = Domain.fitted(answerer.encoder, learned.pictures[:5_000]).tensors
        publish("scenes", answerer.half(), {}, _card(result, config), tensors=domain)
    return result


def matched(found: Things, places: Tensor) -> Tensor:
    """Which of the pictures' things (P, 7, 2) each found one is, (L, P, 10); 7 for none of them."""
    apart = (found.places[..., None, :2].float() - places[:, None]).square().sum(-1).sqrt()  # (L, P, 10, 7)
    nearest = apart.min(-1)
    return nearest.indices.masked_fill((nearest.values > _NEAR) | (found.sure < THERE), MOST_THINGS)


def taught(net: nn.Module) -> Answerer:
    """The network alone."""
    assert isinstance(net, Pupil)
    return net.answerer


def _loss(net: nn.Module, batch: Batch) -> Tensor:
    things, told = batch
    longest = int(told[:, LONGEST].max())
    answers, roles = net(things, told[:, :longest])
    right = functional.cross_entropy(answers.float(), told[:, LONGEST + 1])
    return right + functional.cross_entropy(roles.float().flatten(0, 1), told[:, LONGEST + 3 :].flatten())


@torch.inference_mode()
def accuracy(net: Answerer, asked: Asked) -> dict[str, float]:
    """Share of right answers: of each form, and of all."""
    device = next(net.parameters()).device
    found = found_in(net.encoder, asked.pictures).tokens
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
        limits="It knows eighteen kinds of drawn things and the questions of a small grammar; photographs are outside "
        "of its world, and it says so. Up to seven things.",
    )
