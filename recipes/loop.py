"""The training loop that every recipe shares: it knows batches, a loss and a metric, and no data set or network.

Precision and device are chosen by what the machine really has; everything random follows from the plan's seed; after
each epoch the whole state is in one checkpoint file, so a run that was cut goes on as if it had not been.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from studio.devices import has_bfloat16

Batch = tuple[Tensor, Tensor]
#: The batches of one epoch, given its number from 1 and a generator to draw with.
Batches = Callable[[int, torch.Generator], Iterator[Batch]]
Loss = Callable[[nn.Module, Batch], Tensor]
#: A metric of which more is better, such as accuracy.
Evaluate = Callable[[nn.Module], float]


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train.

    Attributes:
        epochs: passes over the data; the schedule is laid over all of them.
        steps_per_epoch: batches in each.
        optimiser: AdamW, or SGD with Nesterov momentum 0.9.
        peak_rate: learning rate at the end of the warm-up; from there it falls to 0 along a cosine.
        warmup: share of all steps in which the rate rises linearly.
        weight_decay: not applied to biases and normalisations.
        bias_rate: their learning rate as a multiple of the others'.
        betas: AdamW's memories of the gradient and of its square.
        clip_norm: gradients longer than this, all together, are shortened to it; 0 leaves them as they are.
        ema_decay: of the running mean of the weights, which is what is evaluated and kept.
        patience: epochs without a better metric after which to stop; 0 never stops early.
        cpu_minutes: budget; training stops after the epoch that uses it up, resumed parts included.
        seed: of everything random.
    """

    epochs: int
    steps_per_epoch: int
    optimiser: Literal["adamw", "sgd"] = "adamw"
    peak_rate: float = 3e-3
    warmup: float = 0.15
    weight_decay: float = 0.05
    bias_rate: float = 1
    betas: tuple[float, float] = (0.9, 0.999)
    clip_norm: float = 0
    ema_decay: float = 0.999
    patience: int = 0
    cpu_minutes: float = 60
    seed: int = 0


@dataclass
class Epoch:
    """One row of metrics.csv."""

    epoch: int
    loss: float
    metric: float
    learning_rate: float
    cpu_s: float


@dataclass
class Fitted:
    """A trained network.

    Attributes:
        net: the running mean of the weights, as it was at the best epoch; in evaluation mode, on the CPU.
        stopped: why training ended.
    """

    net: nn.Module
    history: list[Epoch]
    stopped: Literal["all epochs", "no better for a while", "budget used up"]

    @property
    def best(self) -> Epoch:
        """The epoch that was kept."""
        return max(self.history, key=lambda row: row.metric)

    @property
    def cpu_minutes(self) -> float:
        """Processor time of the training, over all its parts."""
        return self.history[-1].cpu_s / 60


@dataclass
class _State:
    """What changes while training, and what the checkpoint holds."""

    net: nn.Module
    mean: AveragedModel
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LambdaLR
    history: list[Epoch] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)


def fit(net: nn.Module, loss: Loss, batches: Batches, evaluate: Evaluate, plan: Plan, folder: Path) -> Fitted:
    """Train a network, or go on where the folder's checkpoint ends.

    Writes `checkpoint.pt`, `metrics.csv` and `metrics.png` into the folder after each epoch.

    Raises:
        ValueError: the checkpoint is that of another plan.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = device_here()
    state = _state(net.to(device), plan)
    _resume(state, plan, folder / "checkpoint.pt")
    stopped = _stopped(state, plan)
    with _bar() as bar:
        while stopped is None:
            number = len(state.history) + 1
            started_s, used_s = time.process_time(), state.history[-1].cpu_s if state.history else 0.0
            mean_loss = _train_epoch(state, loss, batches, plan, number, device, bar)
            metric = evaluate(state.mean.module.eval())
            rate = float(state.schedule.get_last_lr()[0])
            row = Epoch(number, mean_loss, metric, rate, used_s + time.process_time() - started_s)
            if not state.history or metric > max(earlier.metric for earlier in state.history):
                state.best = {name: value.cpu().clone() for name, value in state.mean.module.state_dict().items()}
            state.history.append(row)
            _save(state, plan, folder)
            bar.console.print(f"epoch {number:3}  loss {mean_loss:.4f}  metric {metric:.4f}  {row.cpu_s / 60:.1f} min")
            stopped = _stopped(state, plan)
    kept = state.mean.module.cpu()
    kept.load_state_dict(state.best)
    return Fitted(kept.eval(), state.history, stopped)


def in_a_row(cycles: list[Fitted]) -> Fitted:
    """Trainings that went on from one another, as one: the last one's network, the epochs of all."""
    history: list[Epoch] = []
    for cycle in cycles:
        epochs, used_s = len(history), history[-1].cpu_s if history else 0.0
        history += [replace(row, epoch=row.epoch + epochs, cpu_s=row.cpu_s + used_s) for row in cycle.history]
    return Fitted(cycles[-1].net, history, cycles[-1].stopped)


def device_here() -> str:
    """The device to train on: cuda where there is one, else cpu."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def autocast_here(device: str) -> AbstractContextManager[Any]:
    """bfloat16 where the hardware multiplies it; nothing elsewhere."""
    quick = device == "cuda" or has_bfloat16()
    return torch.autocast(device, torch.bfloat16) if quick else nullcontext()


def rate_factor(step: int, plan: Plan) -> float:
    """The learning rate at a step as a share of its peak: a linear rise, then half a cosine down to 0."""
    steps = plan.epochs * plan.steps_per_epoch
    rise = max(1, round(steps * plan.warmup))
    if step < rise:
        return (step + 1) / rise
    done = min(1.0, (step - rise) / max(1, steps - rise))
    return 0.5 * (1 + float(torch.cos(torch.tensor(done * torch.pi))))


def _state(net: nn.Module, plan: Plan) -> _State:
    learned = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.ndim >= 2], "weight_decay": plan.weight_decay},
        {"params": [p for p in learned if p.ndim < 2], "weight_decay": 0.0, "lr": plan.peak_rate * plan.bias_rate},
    ]
    optimiser: torch.optim.Optimizer
    if plan.optimiser == "adamw":
        optimiser = torch.optim.AdamW(groups, lr=plan.peak_rate, betas=plan.betas)
    else:
        optimiser = torch.optim.SGD(groups, lr=plan.peak_rate, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate_factor(step, plan))
    mean = AveragedModel(net, multi_avg_fn=_running_mean(plan.ema_decay), use_buffers=True)
    return _State(net, mean, optimiser, schedule)


def _running_mean(decay: float) -> Callable[[Any, Any, Any], None]:
    """Exponential moving average that follows quickly at first.

    With the full decay from the start, the statistics of normalisations would long be those of the untrained network.
    """

    @torch.no_grad()
    def update(means: list[Tensor], values: list[Tensor], count: Tensor) -> None:
        keep = min(decay, (1 + int(count)) / (10 + int(count)))
        for mean, value in zip(means, values, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - keep)
            else:  # counters
                mean.copy_(value)

    return update


def _train_epoch(
    state: _State, loss: Loss, batches: Batches, plan: Plan, number: int, device: str, bar: Progress
) -> float:
    """One epoch; its mean loss. What is random in it follows from the seed and its number alone."""
    torch.manual_seed(plan.seed * 100_003 + number)  # drop-out
    drawn = batches(number, torch.Generator().manual_seed(plan.seed * 100_003 + number))
    state.net.train()
    total = torch.zeros((), device=device)
    told = bar.add_task(f"epoch {number} of {plan.epochs}", total=plan.steps_per_epoch)
    for inputs, targets in drawn:
        with autocast_here(device):
            value = loss(state.net, (inputs.to(device), targets.to(device)))
        state.optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        if plan.clip_norm:
            nn.utils.clip_grad_norm_(state.net.parameters(), plan.clip_norm)
        state.optimiser.step()
        state.schedule.step()
        state.mean.update_parameters(state.net)
        total += value.detach()
        bar.advance(told)
    bar.remove_task(told)
    return float(total) / plan.steps_per_epoch


def _stopped(state: _State, plan: Plan) -> Literal["all epochs", "no better for a while", "budget used up"] | None:
    """Why to stop after the epochs so far, or None."""
    metrics = [row.metric for row in state.history]
    if len(metrics) >= plan.epochs:
        return "all epochs"
    if metrics and plan.patience and len(metrics) - 1 - metrics.index(max(metrics)) >= plan.patience:
        return "no better for a while"
    if metrics and state.history[-1].cpu_s >= plan.cpu_minutes * 60:
        return "budget used up"
    return None


def _save(state: _State, plan: Plan, folder: Path) -> None:
    checkpoint = {
        "plan": asdict(plan),
        "net": state.net.state_dict(),
        "mean": state.mean.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "schedule": state.schedule.state_dict(),
        "history": [asdict(row) for row in state.history],
        "best": state.best,
    }
    part = folder / "checkpoint.part"
    torch.save(checkpoint, part)
    part.replace(folder / "checkpoint.pt")
    with (folder / "metrics.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(asdict(state.history[0])))
        writer.writeheader()
        writer.writerows(asdict(row) for row in state.history)
    plot(state.history, folder / "metrics.png")


def _resume(state: _State, plan: Plan, file: Path) -> None:
    if not file.is_file():
        return
    checkpoint = torch.load(file, weights_only=True)
    if asdict(plan) != asdict(Plan(**checkpoint["plan"])):  # what an older plan does not name was as it is by default
        raise ValueError(f"{file} was made with another plan: use --fresh, or the plan {checkpoint['plan']}")
    state.net.load_state_dict(checkpoint["net"])
    state.mean.load_state_dict(checkpoint["mean"])
    state.optimiser.load_state_dict(checkpoint["optimiser"])
    state.schedule.load_state_dict(checkpoint["schedule"])
    state.history = [Epoch(**row) for row in checkpoint["history"]]
    state.best = checkpoint["best"]


def plot(history: list[Epoch], file: Path) -> None:
    """Loss and metric over the epochs, as a picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    for place, name in enumerate(("loss", "metric"), 1):
        axes = figure.add_subplot(1, 2, place)
        axes.plot([row.epoch for row in history], [getattr(row, name) for row in history], marker=".")
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
    figure.savefig(file, dpi=120)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
