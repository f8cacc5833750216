"""The loop on a problem that takes milliseconds: two clouds of points."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from recipes.loop import Batch, Fitted, Plan, autocast_here, fit, rate_factor

PLAN = Plan(epochs=4, steps_per_epoch=20, peak_rate=0.05, ema_decay=0.9, seed=3)


def batches(epoch: int, generator: torch.Generator) -> Iterator[Batch]:
    for _ in range(PLAN.steps_per_epoch):
        labels = torch.randint(2, (16,), generator=generator)
        yield torch.randn(16, 3, generator=generator) + 3 * labels[:, None], labels


def loss(net: nn.Module, batch: Batch) -> torch.Tensor:
    return functional.cross_entropy(net(batch[0]), batch[1])


def accuracy(net: nn.Module) -> float:
    assert not net.training
    parts = list(batches(1, torch.Generator().manual_seed(99)))
    inputs, labels = (torch.cat(part) for part in zip(*parts, strict=True))
    return float((net(inputs).argmax(1) == labels).float().mean())


def new_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))


def run(folder: Path, plan: Plan = PLAN, evaluate: Callable[[nn.Module], float] = accuracy) -> Fitted:
    return fit(new_net(), loss, batches, evaluate, plan, folder)


def weights(fitted: Fitted) -> dict[str, torch.Tensor]:
    return fitted.net.state_dict()


def test_it_learns_and_writes_what_it_did(tmp_path: Path) -> None:
    fitted = run(tmp_path)
    assert (fitted.stopped, len(fitted.history)) == ("all epochs", 4)
    assert accuracy(fitted.net) == fitted.best.metric >= 0.9
    assert fitted.history[-1].loss < fitted.history[0].loss
    with (tmp_path / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["epoch"]), float(row["metric"])) for row in rows] == [(e.epoch, e.metric) for e in fitted.history]
    assert (tmp_path / "metrics.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a"), run(tmp_path / "b")
    other = run(tmp_path / "c", replace(PLAN, seed=4))
    assert all(torch.equal(value, weights(second)[name]) for name, value in weights(first).items())
    assert not torch.equal(weights(first)["0.weight"], weights(other)["0.weight"])


@pytest.mark.parametrize("epochs_before", [1, 3])
def test_a_training_that_was_cut_goes_on_as_if_it_had_not_been(tmp_path: Path, epochs_before: int) -> None:
    class Cut(Exception):
        pass

    calls = 0

    def cut(net: nn.Module) -> float:
        nonlocal calls
        calls += 1
        if calls > epochs_before:
            raise Cut
        return accuracy(net)

    whole = run(tmp_path / "whole")
    with pytest.raises(Cut):
        run(tmp_path / "cut", evaluate=cut)
    resumed = run(tmp_path / "cut")
    assert all(torch.equal(value, weights(resumed)[name]) for name, value in weights(whole).items())
    assert [(e.loss, e.metric, e.learning_rate) for e in resumed.history] == [
        (e.loss, e.metric, e.learning_rate) for e in whole.history
    ]


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    run(tmp_path)

    def never(net: nn.Module) -> float:
        raise AssertionError("it trains")

    assert run(tmp_path, evaluate=never).stopped == "all epochs"


def test_another_plan_does_not_go_on_with_the_checkpoint(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(ValueError, match="another plan"):
        run(tmp_path, replace(PLAN, peak_rate=0.1))


def test_what_an_older_plan_does_not_name_was_as_it_is_by_default(tmp_path: Path) -> None:
    run(tmp_path)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    del saved["plan"]["clip_norm"], saved["plan"]["betas"]
    torch.save(saved, tmp_path / "checkpoint.pt")
    assert len(run(tmp_path).history) == PLAN.epochs
    with pytest.raises(ValueError, match="another plan"):
        run(tmp_path, replace(PLAN, clip_norm=1))


def test_long_gradients_are_shortened(tmp_path: Path) -> None:
    plan = replace(PLAN, optimiser="sgd", weight_decay=0, epochs=1, steps_per_epoch=20, peak_rate=1.0)
    lengths = {}
    for clip_norm in (0, 1e-4):
        fitted = run(tmp_path / str(clip_norm), replace(plan, clip_norm=clip_norm))
        moved = [(a - b).detach().norm() for a, b in zip(fitted.net.parameters(), new_net().parameters(), strict=True)]
        lengths[clip_norm] = float(torch.stack(moved).norm())
    assert lengths[1e-4] < 0.05 < lengths[0]


def test_it_stops_early_and_keeps_the_best_epoch(tmp_path: Path) -> None:
    metrics = iter([0.5, 0.8, 0.7, 0.8, 0.9])
    seen: list[torch.Tensor] = []

    def falling(net: nn.Module) -> float:
        seen.append(net.state_dict()["0.weight"].clone())
        return next(metrics)

    fitted = run(tmp_path, replace(PLAN, epochs=9, patience=2), falling)
    assert (fitted.stopped, len(fitted.history), fitted.best.epoch) == ("no better for a while", 4, 2)
    assert torch.equal(weights(fitted)["0.weight"], seen[1])


def test_it_stops_when_the_budget_is_used_up(tmp_path: Path) -> None:
    fitted = run(tmp_path, replace(PLAN, cpu_minutes=1e-9))
    assert (fitted.stopped, len(fitted.history)) == ("budget used up", 1)
    assert run(tmp_path, replace(PLAN, cpu_minutes=1e-9)).stopped == "budget used up"


def test_the_schedule_rises_then_falls_to_nothing() -> None:
    plan = Plan(epochs=10, steps_per_epoch=10, warmup=0.1)
    factors = [rate_factor(step, plan) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == factors[10] == 1
    assert factors[55] == pytest.approx(0.5)
    assert factors[100] == pytest.approx(0, abs=1e-9)
    assert factors[10:] == sorted(factors[10:], reverse=True)


@pytest.mark.parametrize(("amx", "avx512"), [(False, False), (True, False), (False, True)])
def test_half_precision_only_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, amx: bool, avx512: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": amx, "avx512_bf16": avx512})
    with autocast_here("cpu"):
        found = (torch.ones(4, 4) @ torch.ones(4, 4)).dtype
    assert found == (torch.bfloat16 if amx or avx512 else torch.float32)
