"""The embedded network on fresh weights: the way of a picture and of its boxes, and ONNX Runtime against torch."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.detection.net import (
    Domain,
    Look,
    Network,
    as_told,
    build,
    filled,
    letterboxed,
    onnx_runner,
    settled,
    torch_runner,
)
from backends.detection.views import Runner
from recipes.detector_training import Plan, description
from recipes.detectors import export


def raw(*candidates: tuple[float, ...]) -> np.ndarray:
    """(1, 4 + 2, N) of centre, size and two scores each."""
    return np.array(candidates, np.float32).T[None]


@pytest.mark.parametrize(
    ("height", "width", "shape"),
    [(480, 640, (256, 320)), (640, 480, (320, 256)), (1, 1, (320, 320)), (1, 900, (32, 320))],
)
def test_pictures_are_padded_to_whole_strides(height: int, width: int, shape: tuple[int, int]) -> None:
    inputs = letterboxed(np.full((height, width, 3), 255, np.uint8), 320)
    assert inputs.shape == (1, 3, *shape)
    assert inputs.dtype == np.float32
    assert inputs.max() == 1


def test_boxes_come_back_to_the_picture() -> None:
    """A picture of 640 x 480 at 320: 256 x 320 with 8 rows of padding above and below, half the scale."""
    answers = raw((160, 128, 40, 20, 0.9, 0.1), (0, 8, 40, 40, 0.1, 0.7))
    rows = settled(answers, (256, 320), (480, 640), 0.25, 0.6, 10)
    assert np.allclose(rows, [[280, 220, 360, 260, 0.9, 0], [0, 0, 40, 40, 0.7, 1]], atol=1e-3)


def test_of_overlapping_boxes_of_one_class_the_surest_stays() -> None:
    answers = raw(
        (50, 50, 40, 40, 0.9, 0), (52, 50, 40, 40, 0.8, 0), (52, 50, 40, 40, 0, 0.7), (150, 50, 40, 40, 0.6, 0)
    )
    assert settled(answers, (160, 320), (160, 320), 0.25, 0.6, 10)[:, 4].tolist() == pytest.approx([0.9, 0.7, 0.6])
    assert len(settled(answers, (160, 320), (160, 320), 0.25, 0.95, 10)) == 4
    assert settled(answers, (160, 320), (160, 320), 0.25, 0.6, 1)[:, 4].tolist() == pytest.approx([0.9])
    assert settled(answers, (160, 320), (160, 320), 0.25, 0.6, 1, {1})[:, 5].tolist() == [1]
    assert settled(answers, (160, 320), (160, 320), 0.95, 0.6, 10).shape == (0, 6)


def test_a_picture_far_from_all_that_was_learned_is_strange() -> None:
    domain = Domain(np.zeros(2, np.float32), np.eye(2, dtype=np.float32), limit=4)

    def network(feature: float, domain: Domain | None = domain) -> Network:
        features = np.array([feature, 0], np.float32)
        return Network(Look(lambda _inputs: (raw((9, 9, 4, 4, 0.9, 0)), features), 32), ("a", "b"), domain)

    picture = np.zeros((32, 32, 3), np.uint8)
    assert [network(value)(picture, 0.25, 0.6, 10)[1] for value in (0, 1.9, 2.1, -9)] == [False, False, True, True]
    assert not network(9, None)(picture, 0.25, 0.6, 1)[1]


TOLD = {
    "names": ["a", "b"],
    "size_px": 32,
    "looks": {"sizes_px": [[32, 64], [96]], "ways": 1, "overlap": 0.5},
}


def seers(asked: list[tuple[int, int]]) -> Callable[[int], Runner]:
    """Two networks that see a thing in the middle of any picture, the second less surely and one more in a corner."""

    def runner(place: int) -> Runner:
        def run(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            side = inputs.shape[-1]
            asked.append((place, side))
            half = side / 2
            things = [(half, half, half, half, 0.6, 0)] if place else [(half, half, half, half, 0.9, 0)]
            corner = [(side / 16, side / 16, side / 8, side / 8, 0, 0.3)] if place else []
            return raw(*things, *corner), np.full(2, side, np.float32)

        return run

    return runner


def test_several_looks_are_fused_and_one_is_enough_for_a_frame() -> None:
    asked: list[tuple[int, int]] = []
    network = as_told(TOLD, seers(asked), Domain(np.full(2, 32, np.float32), np.eye(2, dtype=np.float32), 1.0))
    picture = np.zeros((64, 64, 3), np.uint8)
    found, strange = network(picture, 0.05, 0.6, 10)
    assert asked == [(0, 32), (0, 64), (1, 96)]
    assert np.allclose(found, [[16, 16, 48, 48, 0.8, 0], [0, 0, 8, 8, 0.1, 1]], atol=1e-4)
    assert not strange, "the features are those of the size that one look has"
    assert len(network(picture, 0.15, 0.6, 10)[0]) == 1, "what one of three looks saw faintly"
    assert len(network(picture, 0.05, 0.6, 1)[0]) == 1
    assert network(picture, 0.05, 0.6, 10, {1})[0][:, 5].tolist() == [1]
    asked.clear()
    assert np.allclose(network(picture, 0.05, 0.6, 10, quick=True)[0], [[16, 16, 48, 48, 0.9, 0]], atol=1e-4)
    assert asked == [(0, 32)]


def test_looks_are_taken_side_by_side_and_answer_as_in_a_row() -> None:
    both = threading.Barrier(2)

    def seer(place: int) -> Runner:
        run = seers([])(place)

        def together(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            both.wait(timeout=10)  # no look ends before another has begun
            return run(inputs)

        return together

    told = {**TOLD, "looks": {"sizes_px": [[32, 64], [96, 128]], "ways": 1, "overlap": 0.5}}
    picture = np.zeros((64, 64, 3), np.uint8)
    at_once = as_told(told, seer, at_once=2)(picture, 0.05, 0.6, 10)[0]
    assert np.array_equal(at_once, as_told(told, seers([]))(picture, 0.05, 0.6, 10)[0])


def test_boxes_may_overlap_as_much_as_is_wished_also_where_looks_are_fused() -> None:
    def run(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        side = inputs.shape[-1]
        boxes = [(side / 2, side / 2, side / 2, size * side, 0.9, 0) for size in (0.5, 0.6)]  # 5 of 6 is shared
        return raw(*boxes), np.zeros(2, np.float32)

    network, picture = as_told(TOLD, lambda _place: run), np.zeros((96, 96, 3), np.uint8)
    assert [len(network(picture, 0.25, iou, 10)[0]) for iou in (0.3, 0.6, 0.9, 0.95)] == [1, 1, 1, 2]


def test_onnx_runtime_answers_as_torch_does(tmp_path: Path) -> None:
    net = fresh()
    export(net, tmp_path / "graph.onnx")
    assert (tmp_path / "graph.onnx").stat().st_size < 9_000_000
    theirs = torch_runner(copy.deepcopy(net).half().float(), "cpu")
    ours = onnx_runner(tmp_path / "graph.onnx")
    rng = np.random.default_rng(0)
    for height, width in ((256, 320), (96, 128), (320, 64)):
        inputs = rng.random((1, 3, height, width), np.float32)
        (raw_ours, features_ours), (raw_theirs, features_theirs) = ours(inputs), theirs(inputs)
        assert raw_ours.shape == raw_theirs.shape == (1, 7, height * width // 64 * 21 // 16)
        assert np.abs(raw_ours - raw_theirs).max() < 0.05, "pixels, and scores"
        assert np.allclose(features_ours, features_theirs, atol=1e-2)


def test_weights_go_through_the_file_as_they_are(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    net = fresh()
    save_file({"domain.limit": torch.tensor(1.0), **net.state_dict()}, tmp_path / "model.safetensors")
    again = filled(description(PLAN), tmp_path / "model.safetensors")
    for name, value in net.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


PLAN = Plan(names=("a", "b", "c"), epochs=1, train_px=64)


def fresh() -> torch.nn.Module:
    """The real network with weights that let a signal through."""
    torch.manual_seed(0)
    net = build(description(PLAN)).eval()
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_var.uniform_(0.5, 1.5)
            layer.running_mean.normal_(0, 0.1)
    for branch in net.model[-1].cv3:
        branch[-1].bias.data.zero_()
    return net


def test_ultralytics_leaves_other_libraries_and_the_disk_alone(tmp_path: Path) -> None:
    program = """
import tempfile, cv2, PIL.Image, torch
before = PIL.Image.open, torch.save, cv2.imread, cv2.imwrite, cv2.imshow
from backends.detection.net import build, keep_to_itself
keep_to_itself()
from ultralytics.nn.tasks import yaml_model_load
build({**yaml_model_load("yolo11n.yaml"), "nc": 2})
assert before == (PIL.Image.open, torch.save, cv2.imread, cv2.imwrite, cv2.imshow)
"""
    (tmp_path / "tmp").mkdir()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("YOLO_") and name != "TMPDIR"
    } | {"HOME": str(tmp_path), "TMPDIR": str(tmp_path / "tmp"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=60)
    assert [path for path in tmp_path.rglob("*") if "ltralytics" in path.name] == []
