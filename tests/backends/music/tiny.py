"""An untrained network of the real class at tiny size, as a family that a studio can run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from pathlib import Path

import torch
from safetensors.torch import save_file

from backends.music.grid import Grid
from backends.music.net import ChoraleNet, Shape
from backends.music.task import TASKS
from backends.music.theory import findings
from studio.catalogue import Catalogue, Entry
from tests.backends.music.pieces import SCALE

TINY = Shape(width=16, layers=2, heads=2, voice_width=16, voice_layers=1, embedding=4, window=24)
TINY_LSTM = Shape(
    trunk="lstm", width=16, layers=1, heads=2, voice_width=16, voice_layers=1, embedding=4, window=24, dropout=0
)


def tiny_net(shape: Shape = TINY) -> ChoraleNet:
    """With random answers, so that every pitch can come."""
    torch.manual_seed(0)
    net = ChoraleNet(shape)
    torch.nn.init.normal_(net.to_pitch.weight, std=0.3)
    torch.nn.init.normal_(net.to_interval.weight, std=0.3)
    return net.eval()


def write_weights(file: Path, shape: Shape = TINY, pieces: tuple[Grid, ...] = (SCALE,)) -> Path:
    """A weight file as the recipe publishes it."""
    facts = {field.name: str(getattr(shape, field.name)) for field in fields(Shape)}
    facts["theory"] = json.dumps(findings(pieces))
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in tiny_net(shape).half().state_dict().items()}, file, facts)
    return file


def tiny_family(folder: Path) -> Catalogue:
    """The music tasks over tiny weights: a family in `folder / "music"`, its files in `folder / "embedded"`."""
    rows = ""
    for key, shape in (("chorale", TINY), ("chorale_lstm", TINY_LSTM)):
        file = write_weights(folder / "embedded" / "music" / key / "model.safetensors", shape)
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        rows += (
            f'[{key}]\nkind = "embedded"\nlicence = "AGPL-3.0-or-later"\nsource = "x"\n[{key}.files.model]\n'
            f'path = "music/{key}/model.safetensors"\nsha256 = "{sha256}"\nbytes = {file.stat().st_size}\n'
        )
    family = folder / "music"
    family.mkdir()
    (family / "weights.toml").write_text(rows)
    return Catalogue([Entry(task, family) for task in TASKS if task.adapters[0].kind == "embedded"])
