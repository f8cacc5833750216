"""The detectors' data sets: from the folder that ATELIER_DATA names, else from their public homes."""

from __future__ import annotations

import json
import random
import tarfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from recipes import public_boxes
from recipes.boxed import Scene, Scenes
from studio.settings import Settings

CELLS = ("red cell", "white cell", "platelet")
DEFECTS = ("crazing", "inclusion", "patches", "pitted surface", "rolled-in scale", "scratches")
PLATES = ("licence plate",)


def cells(settings: Settings, split: str) -> Scenes:
    """BCCD's "train" (205), "val" (87) or "test" (72): blood smears, 640 x 480 px."""
    folder = _folder(settings, "bccd")
    return _coco(folder, split) if folder else public_boxes.cells(settings, split)


def steel(settings: Settings, split: str) -> Scenes:
    """NEU-DET's "train" (1,260), "val" (180) or "test" (360): hot-rolled steel, 200 x 200 px, grey."""
    folder = _folder(settings, "neu_det")
    return _coco(folder, split) if folder else public_boxes.steel(settings, split)


def plates(settings: Settings, split: str, held_out: int = 45, seed: int = 0) -> Scenes:
    """OpenALPR's "train" (288), "val" (45) or "test" (111): cars with their plates, longer side 360 px.

    The set has no validation split: `held_out` of its 333 training pictures, drawn with the seed, are one.
    """
    folder, part = _folder(settings, "licence_plates"), "test" if split == "test" else "train"
    scenes = _plates(folder, part) if folder else public_boxes.plates(settings, part)
    if split == "test":
        return scenes
    chosen = set(random.Random(seed).sample(range(len(scenes)), held_out))
    return [scene for place, scene in enumerate(scenes) if (place in chosen) == (split == "val")]


def _coco(folder: Path, split: str) -> Scenes:
    with tarfile.open(folder / f"{split}_images.tar") as tar:
        files = {Path(member.name).name: _bytes(tar, member) for member in tar if member.isfile()}
    table = json.loads((folder / f"{split}.json").read_text(encoding="utf-8"))
    place = {category["id"]: number for number, category in enumerate(table["categories"])}
    found = defaultdict(list)
    for row in table["annotations"]:
        left, top, width, height = row["bbox"]
        found[row["image_id"]].append((left, top, left + width, top + height, place[row["category_id"]]))
    scenes = []
    for image in table["images"]:
        rows = np.array(found[image["id"]], np.float64).reshape(-1, 5)
        name = image["file_name"]
        scenes.append(Scene(Path(name).stem, files[name], rows[:, :4], rows[:, 4].astype(np.int64)))
    return scenes


def _bytes(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""


def _plates(folder: Path, split: str) -> Scenes:
    import pandas as pd

    frame = pd.read_parquet(folder / "licence_plates.parquet")
    scenes = []
    for number, row in enumerate(frame[frame["split"] == split].to_dict("records")):
        left, top, width, height = row["box"]
        box = np.array([[left, top, left + width, top + height]], np.float64)
        scenes.append(Scene(f"{row['region']}_{number:03}", row["image"], box, np.zeros(1, np.int64)))
    return scenes


def _folder(settings: Settings, name: str) -> Path | None:
    folder = settings.data / name if settings.data else None
    return folder if folder and folder.is_dir() else None
