"""A detector trained by ultralytics' own trainer, on data written in its format, without downloads.

A cut training goes on where it was: ultralytics resumes, and the optimiser's state is put back in full precision, which
its own checkpoint rounds to half.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from backends.detection.net import build, keep_to_itself
from recipes.boxed import Scene, Scenes
from recipes.loop import Epoch, Fitted, device_here
from recipes.publish import ROOT
from studio.settings import Settings

EMBEDDED = ROOT / "models_cache" / "embedded" / "detection"
#: The splits by name: "train", "val" or "test".
Splits = Callable[[str], Scenes]


@dataclass(frozen=True)
class Plan:
    """How a detector is trained.

    Attributes:
        names: its classes.
        train_px: longer side of a training picture; a mosaic of four is cut to a square of this.
        start: whose weights to begin with: another detector of our own, or an earlier training of the same recipe; none
            to begin from nothing.
        last_plain: epochs at the end without mosaics.
        flip_up_down: chance of turning a picture upside down; 0.5 where there is no up.
        zoom: largest change of scale of a training picture, as a share.
        measured_every: epochs between two measurements on the validation split; the last sixth is measured each time.
        cpu_minutes: training stops after the epoch that uses these up, resumed parts included.
        bfloat16: on a CPU, the forward pass of a training step is in bfloat16, pictures with their channels last.
    """

    names: tuple[str, ...]
    epochs: int
    train_px: int
    start: str = ""
    batch_size: int = 16
    peak_rate: float = 2e-3
    weight_decay: float = 0.02
    last_plain: int = 12
    flip_up_down: float = 0.5
    zoom: float = 0.5
    mixup: float = 0.0
    measured_every: int = 4
    cpu_minutes: float = 180
    bfloat16: bool = False
    seed: int = 1


def fit(plan: Plan, splits: Splits, settings: Settings, folder: Path) -> Fitted:
    """Train a detector, or go on where the folder's checkpoint ends; the weights of its best epoch.

    The best epoch is that with the highest mAP50-95 on the validation split, by the running mean of the weights.
    """
    keep_to_itself()
    folder.mkdir(parents=True, exist_ok=True)
    progress = folder / "progress.json"
    done = json.loads(progress.read_text(encoding="utf-8")) if progress.is_file() else None
    if done and done["plan"] != json.loads(json.dumps(asdict(plan))):
        raise ValueError(f"{folder} holds a training with another plan: use --fresh, or the plan {done['plan']}")
    if not (done and done["stopped"]):
        trainer = _trainer(plan, splits, folder)
        trainer.train()
        done = json.loads(progress.read_text(encoding="utf-8"))
    net = build(description(plan))
    net.load_state_dict(load_file(best_weights(folder)))
    return Fitted(net.eval(), [Epoch(**row) for row in done["history"]], done["stopped"])


def best_weights(folder: Path) -> Path:
    """Where the weights of a training's best epoch are."""
    return folder / "run" / "weights" / "best.safetensors"


def description(plan: Plan) -> dict[str, Any]:
    """YOLO11 "n" as ultralytics' model yaml has it, for the plan's classes."""
    keep_to_itself()
    from ultralytics.nn.tasks import yaml_model_load

    whole = yaml_model_load("yolo11n.yaml")
    kept = {key: whole[key] for key in ("scale", "scales", "backbone", "head")}
    kept["scales"] = {whole["scale"]: whole["scales"][whole["scale"]]}
    return {"nc": len(plan.names), "names": list(plan.names), **kept}


def write_yolo(splits: Splits, names: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """Write the training and the validation split as ultralytics reads them; what it wants to know about them.

    The test split is not there to be looked at.
    """
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            shutil.rmtree(folder / kind / split, ignore_errors=True)
            (folder / kind / split).mkdir(parents=True)
        for scene in splits(split):
            (folder / "images" / split / f"{scene.name}.jpg").write_bytes(scene.jpeg)
            (folder / "labels" / split / f"{scene.name}.txt").write_text(_yolo_rows(scene), encoding="utf-8")
    parts = {split: str(folder / "images" / split) for split in ("train", "val")}
    return {**parts, "path": folder, "nc": len(names), "names": dict(enumerate(names)), "channels": 3}


def _yolo_rows(scene: Scene) -> str:
    """Class and box (centre, width, height as shares of the picture), one row for each thing."""
    height, width = scene.rgb.shape[:2]
    rows = []
    for kind, (left, top, right, bottom) in zip(scene.classes, scene.boxes_xyxy, strict=True):
        middle = (left + right) / 2 / width, (top + bottom) / 2 / height
        size = (right - left) / width, (bottom - top) / height
        rows.append(f"{kind} {middle[0]:.6f} {middle[1]:.6f} {size[0]:.6f} {size[1]:.6f}\n")
    return "".join(rows)


def _trainer(plan: Plan, splits: Splits, folder: Path) -> Any:
    """Ultralytics' trainer of detectors, told our plan."""
    from ultralytics.models.yolo.detect import DetectionTrainer
    from ultralytics.utils.callbacks.base import get_default_callbacks

    data = write_yolo(splits, plan.names, folder / "data")
    last = folder / "run" / "weights" / "last.pt"

    class Trainer(DetectionTrainer):  # type: ignore[misc]
        """Takes data and network from memory, measures now and then, and keeps what resuming needs."""

        def get_dataset(self) -> dict[str, Any]:
            return dict(data)

        def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
            net = _learner(plan)
            if weights:  # an own, cut training
                net.load(weights)
            elif plan.start:
                begin_with(net, _start(plan.start, folder))
            return net

        def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
            batch = super().preprocess_batch(batch)
            batch["img"] = batch["img"].contiguous(memory_format=_memory_format(plan))
            return batch

        def resume_training(self, ckpt: Any) -> None:
            super().resume_training(ckpt)
            self.spent = _Spent(plan, folder / "progress.json")
            if ckpt is not None:
                state = torch.load(self.wdir / "state.pt", weights_only=True)
                self.model.load_state_dict(state["net"])
                self.optimizer.load_state_dict(state["optimiser"])

        def validate(self) -> Any:
            """None for an epoch that is not measured: it is then neither the best nor a reason to stop."""
            if not measured(self.epoch, plan):
                return self.metrics, None
            return super().validate()

        def save_model(self) -> bool:
            saved = bool(super().save_model())
            state = {"net": self.model.state_dict(), "optimiser": self.optimizer.state_dict()}
            part = self.wdir / "state.part"
            torch.save(state, part)
            part.replace(self.wdir / "state.pt")
            if self.fitness is not None and self.fitness == self.best_fitness:
                tensors = {name: value.float().contiguous() for name, value in self.ema.ema.state_dict().items()}
                save_file(tensors, self.wdir / "best.safetensors")
            self.stop |= self.spent.note(self)
            return saved

        def final_eval(self) -> None:
            """The best epoch is measured by the recipe."""

    trainer = Trainer(overrides=_overrides(plan, folder, last if last.is_file() else None))
    trainer.callbacks = get_default_callbacks()  # it reports to no other program that happens to be installed
    return trainer


def _learner(plan: Plan) -> Any:
    """The network with fresh weights, as it learns."""
    if not _in_bfloat16(plan):
        return build(description(plan))
    from recipes.bfloat16_detector import Bfloat16Detector

    net = Bfloat16Detector(description(plan), ch=3, nc=len(plan.names), verbose=False)
    return net.to(memory_format=_memory_format(plan))


def _in_bfloat16(plan: Plan) -> bool:
    return plan.bfloat16 and device_here() == "cpu"


def _memory_format(plan: Plan) -> torch.memory_format:
    """Channels last is the quicker one in bfloat16."""
    return torch.channels_last if _in_bfloat16(plan) else torch.contiguous_format


def _overrides(plan: Plan, folder: Path, last: Path | None) -> dict[str, Any]:
    """The plan in ultralytics' words."""
    told = {
        "model": "yolo11n.yaml",
        "pretrained": False,
        "data": "in memory",
        "epochs": plan.epochs,
        "imgsz": plan.train_px,
        "batch": plan.batch_size,
        "nbs": plan.batch_size,
        "optimizer": "AdamW",
        "lr0": plan.peak_rate,
        "lrf": 0.01,
        "cos_lr": True,
        "momentum": 0.9,
        "weight_decay": plan.weight_decay,
        "warmup_epochs": 2,
        "warmup_bias_lr": 0.0,
        "close_mosaic": plan.last_plain,
        "flipud": plan.flip_up_down,
        "scale": plan.zoom,
        "mixup": plan.mixup,
        "patience": 0,
        "seed": plan.seed,
        "device": "0" if device_here() == "cuda" else "cpu",
        "amp": device_here() == "cuda",
        "cache": "ram",
        "plots": False,
        "project": str(folder),
        "name": "run",
        "exist_ok": True,
    }
    return {**told, "resume": str(last)} if last else told


def measured(epoch: int, plan: Plan) -> bool:
    """Whether the validation split is measured after an epoch, counted from 0."""
    return epoch % plan.measured_every == 0 or epoch >= plan.epochs - max(1, plan.epochs // 6)


def _start(name: str, folder: Path) -> Path:
    """The weights of another of our detectors as published, or else of a training whose folder is beside this one's."""
    published = EMBEDDED / name / "model.safetensors"
    own = best_weights(folder.parent / name)
    if not (published.is_file() or own.is_file()):
        raise FileNotFoundError(
            f"this training begins with the weights of {name}: run `python -m recipes {name}` first"
        )
    return published if published.is_file() else own


def begin_with(net: torch.nn.Module, file: Path) -> int:
    """Take over what fits by name and shape from weights of our own; how many tensors that is."""
    own = net.state_dict()
    fitting = {name: value for name, value in load_file(file).items() if name in own and own[name].shape == value.shape}
    net.load_state_dict(fitting, strict=False)
    return len(fitting)


class _Spent:
    """The history and the processor time of a training, kept in a file over all its parts."""

    def __init__(self, plan: Plan, file: Path) -> None:
        self.plan, self.file = plan, file
        known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"history": []}
        self.history: list[dict[str, float]] = known["history"]
        self.earlier_s = self.history[-1]["cpu_s"] if self.history else 0.0
        self.began_s = time.process_time()

    def note(self, trainer: Any) -> bool:
        """Write down the epoch that just ended; whether to stop now."""
        metric = float(trainer.metrics.get("metrics/mAP50-95(B)", 0)) if trainer.fitness is not None else 0.0
        used_s = self.earlier_s + time.process_time() - self.began_s
        loss = float(sum(trainer.tloss.values()))
        rate = max(group["lr"] for group in trainer.optimizer.param_groups)
        self.history = self.history[: trainer.epoch]
        self.history.append(asdict(Epoch(trainer.epoch + 1, loss, metric, rate, used_s)))
        stopped = None
        if trainer.epoch + 1 >= self.plan.epochs:
            stopped = "all epochs"
        elif used_s >= self.plan.cpu_minutes * 60:
            stopped = "budget used up"
        row = {"plan": asdict(self.plan), "history": self.history, "stopped": stopped}
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps(row), encoding="utf-8")
        part.replace(self.file)
        map50 = trainer.metrics.get("metrics/mAP50(B)", 0)
        told = f"mAP50 {map50:.4f}  mAP50-95 {metric:.4f}  " if trainer.fitness is not None else ""
        print(f"epoch {trainer.epoch + 1:3}  loss {loss:.3f}  {told}{used_s / 60:.1f} min", flush=True)
        return stopped is not None
