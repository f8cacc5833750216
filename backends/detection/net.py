"""The embedded detectors' network, ultralytics' YOLO11 "n", and the way from a picture through it to boxes.

The network is built from its own description and filled with tensors from a safetensors file: nothing is unpickled.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import yaml

if TYPE_CHECKING:
    from ultralytics.nn.tasks import DetectionModel

Rgb = npt.NDArray[np.uint8]
#: (N, 6): left, top, right, bottom in pixels of the picture, score, class.
Found = npt.NDArray[np.float32]
STRIDE_PX = 32
#: Sides of the cells of the three grids whose cells are the candidates.
_STRIDES_PX = (8, 16, STRIDE_PX)
#: Axes of a picture (3, H, W) along which its mirror images are made.
_MIRRORS = ((-1,), (-2,), (-2, -1))
#: The last layer of the backbone: what it answers, averaged over the picture, tells kinds of pictures apart.
DEEPEST = 10


def keep_to_itself() -> None:
    """Import ultralytics so that it leaves the network, the home folder and other libraries alone.

    It asks nobody, installs nothing, and its settings go at once. What it puts in place of other libraries' functions
    is put back: with its `PIL.Image.open`, a damaged picture would have the studio look for a package to read HEIF.
    """
    if "ultralytics.utils" in sys.modules:
        return
    import cv2
    import PIL.Image
    import torch

    theirs: list[tuple[Any, str]] = [(PIL.Image, "open"), (torch, "save")]
    theirs += [(cv2, name) for name in ("imread", "imwrite", "imshow")]
    kept = [(library, name, getattr(library, name)) for library, name in theirs]
    os.environ |= {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
    os.environ.setdefault("YOLO_VERBOSE", "false")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["YOLO_CONFIG_DIR"] = folder
        importlib.import_module("ultralytics.utils")
    for library, name, function in kept:
        setattr(library, name, function)


def build(description: dict[str, Any]) -> DetectionModel:
    """The network that a description says (ultralytics' model yaml as a dictionary), with fresh weights."""
    keep_to_itself()
    from ultralytics.nn.tasks import DetectionModel

    return DetectionModel(description, ch=3, nc=description["nc"], verbose=False)


@dataclass(frozen=True)
class Domain:
    """The kind of picture that a network learned from, by the mean features of its training pictures.

    Attributes:
        mean: float32 (F).
        precision: the inverse of their covariance, float32 (F, F).
        limit: the squared Mahalanobis distance above which a picture is of another kind.
    """

    mean: npt.NDArray[np.float32]
    precision: npt.NDArray[np.float32]
    limit: float

    def distance(self, features: npt.NDArray[np.float32]) -> float:
        """Squared Mahalanobis distance of features (F)."""
        apart = features - self.mean
        return float(apart @ self.precision @ apart)


#: Letterboxed pictures float32 (1, 3, h, w) in 0..1 to raw answers, see `settled`, and to the deepest features,
#: averaged over the picture (F).
Runner = Callable[[npt.NDArray[np.float32]], tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]


class Network:
    """A trained network with what is needed to read pictures with it.

    Args:
        run: the network itself.
        names: its classes.
        size_px: the longer side at which pictures are read.
        domain: the kind of picture it knows; None if nobody has measured it.
    """

    def __init__(self, run: Runner, names: tuple[str, ...], size_px: int, domain: Domain | None = None) -> None:
        self.run = run
        self.names = names
        self.size_px = size_px
        self.domain = domain

    def __call__(
        self, picture: Rgb, confidence: float, iou: float, most: int, classes: Collection[int] | None = None
    ) -> tuple[Found, bool]:
        """What is in a picture (H, W, 3), best first, and whether the picture is unlike all it learned from.

        Args:
            confidence: the least score that is kept.
            iou: of two boxes of one class that overlap more than this, the lower score goes.
            most: how many boxes at most.
            classes: the classes to keep; None for all.
        """
        inputs = letterboxed(picture, self.size_px)
        raw, features = self.run(inputs)
        found = settled(raw, inputs.shape[2:], picture.shape[:2], confidence, iou, most, classes)
        return found, self.domain is not None and self.domain.distance(features) > self.domain.limit

    def features(self, picture: Rgb) -> npt.NDArray[np.float32]:
        """The deepest features of a picture (H, W, 3), averaged over it: float32 (F)."""
        return self.run(letterboxed(picture, self.size_px))[1]


def load(description: Path, weights: Path, graph: Path, device: str) -> Network:
    """A network from a recipe's files.

    On a CPU ONNX Runtime computes it, 1.5 times as fast as torch or more (`python -m bench.detection_speed`); elsewhere
    torch does, in ultralytics' own classes.

    Args:
        graph: the same network as ONNX.
    """
    from safetensors import safe_open

    told = yaml.safe_load(description.read_text(encoding="utf-8"))
    with safe_open(weights, "np") as file:
        kind = {name: file.get_tensor(f"domain.{name}") for name in ("mean", "precision", "limit")}
    domain = Domain(kind["mean"], kind["precision"], float(kind["limit"]))
    run = onnx_runner(graph) if device == "cpu" else torch_runner(filled(told, weights), device)
    run = mirrored_too(run, int(told.get("ways", 1)))
    return Network(run, tuple(told["names"]), int(told["size_px"]), domain)


def filled(description: dict[str, Any], weights: Path) -> DetectionModel:
    """The network of a description with the tensors of a safetensors file, in float32."""
    from safetensors.torch import load_file

    net = build(description)
    tensors = {name: value for name, value in load_file(weights).items() if not name.startswith("domain.")}
    net.load_state_dict(tensors)
    return net.float()


def torch_runner(net: DetectionModel, device: str) -> Runner:
    """Computes a network with torch, its normalisations folded into its convolutions. One call at a time."""
    import torch

    fused = net.eval().fuse(verbose=False).to(device)
    deepest: list[torch.Tensor] = []
    fused.model[DEEPEST].register_forward_hook(lambda _layer, _inputs, maps: deepest.append(maps))  # (1, F, h, w)

    @torch.inference_mode()
    def run(inputs: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        deepest.clear()
        raw = fused(torch.from_numpy(inputs).to(device))[0]
        return raw.float().cpu().numpy(), deepest[-1].float().mean((0, 2, 3)).cpu().numpy()

    return run


def onnx_runner(graph: Path) -> Runner:
    """Computes a network with ONNX Runtime, each call on one core; several threads may call at once.

    A second core hardly helps a call of so small a network: a video's frames are looked at side by side instead.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def run(inputs: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        raw, features = session.run(None, {"pictures": inputs})
        return np.asarray(raw, np.float32), np.asarray(features[0], np.float32)

    return run


def mirrored_too(run: Runner, ways: int) -> Runner:
    """Reads each picture and its mirror images, and answers with the mean of all, candidate by candidate.

    Args:
        ways: 1 for the picture alone; 2 with left and right changed, too; 4 also upside down, in both ways. It takes as
            many times the time, and is for things that have no left and right, or no up and down.
    """
    if ways == 1:
        return run

    def all_ways(inputs: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        raw, features = run(inputs)
        total = raw.astype(np.float32)
        for axes in _MIRRORS[: ways - 1]:
            mirrored, _ = run(np.ascontiguousarray(np.flip(inputs, axes)))
            total += _turned_back(mirrored, inputs.shape[2:], axes)
        return total / np.float32(ways), features

    return all_ways


def _turned_back(raw: npt.NDArray[np.float32], size: tuple[int, ...], axes: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Raw answers (1, 4 + classes, candidates) for a mirror image, as answers for the picture itself (H, W)."""
    raw = raw.copy()
    for axis in axes:
        raw[:, {-1: 0, -2: 1}[axis]] *= -1  # the middle of each box
        raw[:, {-1: 0, -2: 1}[axis]] += size[axis]
    grids, first = [], 0
    for stride in _STRIDES_PX:
        height, width = (side // stride for side in size)
        grid = raw[..., first : first + height * width].reshape(*raw.shape[:2], height, width)
        grids.append(np.flip(grid, axes).reshape(*raw.shape[:2], -1))
        first += height * width
    return np.concatenate(grids, 2)


def letterboxed(picture: Rgb, size_px: int) -> npt.NDArray[np.float32]:
    """A picture (H, W, 3) with its longer side scaled to `size_px`, padded with grey to whole strides.

    float32 (1, 3, h, w) in 0..1.
    """
    keep_to_itself()
    from ultralytics.data.augment import LetterBox

    boxed = LetterBox((size_px, size_px), auto=True, stride=STRIDE_PX)(image=picture)  # (h, w, 3)
    return np.ascontiguousarray(boxed.transpose(2, 0, 1)[None], np.float32) / np.float32(255)


def settled(
    raw: npt.NDArray[np.float32],
    from_hw: tuple[int, ...],
    to_hw: tuple[int, ...],
    confidence: float,
    iou: float,
    most: int,
    classes: Collection[int] | None = None,
) -> Found:
    """Raw answers for a letterboxed picture as boxes in the picture itself, best first.

    Non-maximum suppression and the way back are ultralytics' own.

    Args:
        raw: (1, 4 + classes, candidates), or (1, candidates, 6) of a network that answers once for each thing.
    """
    import torch
    from ultralytics.utils.nms import non_max_suppression
    from ultralytics.utils.ops import scale_boxes

    # Its limit on time would drop boxes without a word on a slow machine.
    kept = non_max_suppression(
        torch.from_numpy(raw),
        confidence,
        iou,
        None if classes is None else sorted(classes),
        max_det=most,
        max_time_img=60,
    )[0]  # (N, 6)
    kept[:, :4] = scale_boxes(from_hw, kept[:, :4], to_hw)
    return np.asarray(kept.numpy(), np.float32)
