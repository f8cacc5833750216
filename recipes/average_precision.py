"""Mean average precision of detectors, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backends.detection.net import Network
from backends.detection.views import Found
from recipes.boxed import Scenes


@dataclass(frozen=True)
class Measured:
    """Mean average precision at an overlap of 0.5, and over overlaps of 0.5 to 0.95; `each` is the former by class."""

    map50: float
    map50_95: float
    each: dict[str, float]

    def __str__(self) -> str:
        return f"mAP50 {self.map50:.4f}  mAP50-95 {self.map50_95:.4f}"


def evaluate(network: Network, scenes: Scenes, *, quick: bool = False) -> Measured:
    """Measure a network with pycocotools on scenes, each read as the studio reads a picture, or a frame if `quick`."""
    found = [network(scene.rgb, 0.001, 0.6, 100, quick=quick)[0] for scene in scenes]
    return measure(scenes, found, network.names)


def measure(scenes: Scenes, found: Sequence[Found], names: tuple[str, ...]) -> Measured:
    """Measure what was found in each scene, (N, 6) as `backends.detection.net.Network` gives it, with pycocotools."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, answers = COCO(), []
    images: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for number, (scene, boxes) in enumerate(zip(scenes, found, strict=True), 1):
        images.append({"id": number})
        for kind, (left, top, right, bottom) in zip(scene.classes, scene.boxes_xyxy, strict=True):
            box = [left, top, right - left, bottom - top]
            fixed = {"id": len(rows) + 1, "image_id": number, "iscrowd": 0, "area": box[2] * box[3]}
            rows.append({**fixed, "category_id": int(kind) + 1, "bbox": box})
        for left, top, right, bottom, score, kind in boxes.tolist():
            box = [left, top, right - left, bottom - top]
            answers.append({"image_id": number, "category_id": int(kind) + 1, "bbox": box, "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        categories = [{"id": place, "name": name} for place, name in enumerate(names, 1)]
        truth.dataset = {"info": {}, "images": images, "annotations": rows, "categories": categories}
        truth.createIndex()
        scored = COCOeval(truth, truth.loadRes(answers) if answers else COCO(), "bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
    precision = scored.eval["precision"][0, :, :, 0, -1]  # (recalls, classes) at an overlap of 0.5
    each = {name: float(precision[:, place].mean()) for place, name in enumerate(names)}
    return Measured(float(scored.stats[1]), float(scored.stats[0]), each)
