"""The hub's detectors as the real classes with random weights, pulled from a hub on the loopback address."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForObjectDetection

from backends.detection.detector import Wanted
from backends.detection.fields import DetectionInputs, DetectionOutputs
from backends.detection.net import build, keep_to_itself
from backends.detection.operations import answer
from backends.detection.task import object_detection
from backends.detection.transformer import DetectionTransformer, DFineN, RtDetrV2R18
from backends.detection.yolo import Yolo
from recipes.detector_training import Plan, description
from studio.downloads import Downloads
from studio.errors import WeightsUnavailable
from studio.media.image import Image
from studio.weights import Shelf
from tests.backends.detection.conftest import EXAMPLES, FAMILY, Call
from tests.hub.local_hub import LocalHub, pulled


@pytest.mark.slow
@pytest.mark.parametrize("kind", [DFineN, RtDetrV2R18])
def test_a_transformer_is_built_as_published_and_answers(
    kind: type[DetectionTransformer], hub: LocalHub, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    config = AutoConfig.for_model(**json.loads(kind.configuration.read_text()))
    model: Any = AutoModelForObjectDetection.from_config(config).eval()
    model.save_pretrained(tmp_path / "made")
    data = (tmp_path / "made" / "model.safetensors").read_bytes()
    row = Shelf(FAMILY).row(FAMILY, next(a.name for a in object_detection.adapters if a.entry.endswith(kind.__name__)))
    assert len(data) == row.files["model"].bytes, "tensors and names of the published file, to the byte"
    detector = kind(pulled(hub, tmp_path, {"model.safetensors": data}), "cpu")
    assert detector.names[:3] == ("person", "bicycle", "car")
    assert len(detector.names) == 80
    rgb = Image.open(EXAMPLES / "smear.jpg").rgb
    found = detector.detect(rgb, Wanted(confidence=0.0, most=300))
    assert len(found) == 300
    assert (found.confidence[:-1] >= found.confidence[1:]).all()
    assert (found.xyxy >= 0).all()
    assert (found.xyxy <= [640, 480, 640, 480]).all()
    inputs = torch.from_numpy(np.asarray(Image.from_pil(Image(rgb).pil().resize((640, 640))).rgb)).permute(2, 0, 1)
    with torch.no_grad():
        best = model(pixel_values=inputs[None] / 255).logits.sigmoid().max()
    assert float(found.confidence[0]) == pytest.approx(float(best), abs=2e-3)
    outputs = answer(detector, DetectionInputs(image=Image(rgb), confidence=0.99), Call())
    assert isinstance(outputs, DetectionOutputs)
    assert "80 classes" in " ".join(outputs.notes)


def yolo11() -> Any:
    """Its smallest, for two classes."""
    return build(description(Plan(names=("cat", "dog"), epochs=1, train_px=64)))


def yolo26() -> Any:
    """The same, which answers without suppression."""
    from ultralytics.nn.tasks import yaml_model_load

    return build({**yaml_model_load("yolo26n.yaml"), "nc": 2})


@pytest.mark.slow
@pytest.mark.parametrize(
    "made", [lambda: build(description(Plan(names=("cat", "dog"), epochs=1, train_px=64))), yolo26]
)
def test_a_yolo_pickle_is_read_after_its_hash_was_checked(made: Any, hub: LocalHub, tmp_path: Path) -> None:
    keep_to_itself()
    torch.manual_seed(0)
    net = made()
    net.names = {0: "cat", 1: "dog"}
    torch.save({"model": net.half(), "train_args": {}, "ema": None}, tmp_path / "model.pt")
    detector = Yolo(pulled(hub, tmp_path, {"model.pt": (tmp_path / "model.pt").read_bytes()}), "cpu")
    assert detector.names == ("cat", "dog")
    found = detector.detect(np.full((120, 90, 3), 100, np.uint8), Wanted(confidence=1e-9, most=5))
    assert len(found) == 5
    assert set(found.data["class_name"].tolist()) <= {"cat", "dog"}


class Exploit:
    """Does harm when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_another_file_in_its_place_is_never_unpickled(hub: LocalHub, tmp_path: Path) -> None:
    mark = tmp_path / "harm"
    harmful = pickle.dumps(Exploit(mark))
    weights = pulled(hub, tmp_path, {"model.pt": bytes(len(harmful))})
    weights.path().write_bytes(harmful)
    with pytest.raises(WeightsUnavailable, match="not the one"):
        Yolo(Shelf(tmp_path, Downloads()).resolve(tmp_path, "net"), "cpu")
    assert not mark.exists()
