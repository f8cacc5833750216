"""The embedded detectors' network, ultralytics' YOLO11 "n", and the way from a picture through it to boxes.

The network is built from its own description and filled with tensors from a safetensors file: nothing is unpickled.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import yaml

from backends.detection.detector import Wanted
from backends.detection.views import STRIDE_PX, Found, Runner, fused, mirrored_too
from studio.cores import usable

if TYPE_CHECKING:
    from ultralytics.nn.tasks import DetectionModel

Rgb = npt.NDArray[np.uint8]
#: Raw answers for a picture, its deepest features (F), and the size (h, w) that was read.
Seen = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], tuple[int, ...]]
#: Boxes fainter than this are not fused.
_FAINTEST = 0.01
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


@dataclass(frozen=True)
class Look:
    """A look at a picture.

    Attributes:
        run: the network itself.
        size_px: the longer side at which the picture is read.
    """

    run: Runner
    size_px: int

    def __call__(self, picture: Rgb) -> Seen:
        """What a picture (H, W, 3) is answered with."""
        inputs = letterboxed(picture, self.size_px)
        return *self.run(inputs), inputs.shape[2:]


class Network:
    """A trained network with what is needed to read pictures with it.

    Args:
        look: how a picture is read.
        names: its classes.
        domain: the kind of picture it knows; None if nobody has measured it.
        looks: how it is read where quality counts more than speed; what they find is fused. Like `look` if empty;
            else the first is at the same size.
        overlap: see `fused`; it grows and shrinks with the `iou` that is asked for, and holds for that of `Wanted`.
        at_once: how many threads may look at the same time.
    """

    def __init__(
        self,
        look: Look,
        names: tuple[str, ...],
        domain: Domain | None = None,
        looks: Sequence[Look] = (),
        overlap: float = 0.55,
        at_once: int = 1,
    ) -> None:
        self.look = look
        self.names = names
        self.domain = domain
        self.looks = looks
        self.overlap = overlap
        self.at_once = at_once

    def __call__(
        self,
        picture: Rgb,
        confidence: float,
        iou: float,
        most: int,
        classes: Collection[int] | None = None,
        *,
        quick: bool = False,
    ) -> tuple[Found, bool]:
        """What is in a picture (H, W, 3), best first, and whether the picture is unlike all it learned from.

        Args:
            confidence: the least score that is kept.
            iou: of two boxes of one class that overlap more than this in one look, the lower score goes.
            most: how many boxes at most.
            classes: the classes to keep; None for all.
            quick: `look` alone is enough.
        """
        looks = () if quick else self.looks
        faintest = min(confidence, _FAINTEST) if looks else confidence
        seen = self._seen(looks or (self.look,), picture)
        found = [settled(raw, size, picture.shape[:2], faintest, iou, most, classes) for raw, _, size in seen]
        strange = self.domain is not None and self.domain.distance(seen[0][1]) > self.domain.limit
        if not looks:
            return found[0], strange
        together = fused(found, min(max(self.overlap + iou - Wanted.iou, 0.05), 0.95))
        return together[together[:, 4] >= confidence][:most], strange

    def _seen(self, looks: Sequence[Look], picture: Rgb) -> list[Seen]:
        """What each look answers; the threads only look, as torch would give each of them helpers of its own."""
        if self.at_once == 1 or len(looks) == 1:
            return [look(picture) for look in looks]
        with ThreadPoolExecutor(self.at_once, "look") as pool:
            return list(pool.map(lambda look: look(picture), looks))

    def features(self, picture: Rgb) -> npt.NDArray[np.float32]:
        """The deepest features of a picture (H, W, 3), averaged over it: float32 (F)."""
        return self.look(picture)[1]


def load(file: Callable[[str], Path], device: str) -> Network:
    """A network, or several that look at a picture together, from a recipe's files.

    On a CPU ONNX Runtime computes it, 1.3 times as fast as torch or more (`python -m bench.detection_speed`); elsewhere
    torch does, in ultralytics' own classes.

    Args:
        file: the path of a file by its name: the description `network`, the weights `model` and the same as ONNX
            `graph`; of a second network `model_2` and `graph_2`.
    """
    from safetensors import safe_open

    told = yaml.safe_load(file("network").read_text(encoding="utf-8"))
    with safe_open(file("model"), "np") as weights:
        kind = {name: weights.get_tensor(f"domain.{name}") for name in ("mean", "precision", "limit")}
    domain = Domain(kind["mean"], kind["precision"], float(kind["limit"]))

    def runner(place: int) -> Runner:
        end = f"_{place + 1}" if place else ""
        if device == "cpu":
            return onnx_runner(file(f"graph{end}"))
        return torch_runner(filled(told, file(f"model{end}")), device)

    return as_told(told, runner, domain, at_once=min(4, usable()) if device == "cpu" else 1)


def as_told(
    told: dict[str, Any], runner: Callable[[int], Runner], domain: Domain | None = None, *, at_once: int = 1
) -> Network:
    """A network that reads pictures as its description says.

    Args:
        told: classes `names`; for one look the longer side `size_px` and in how many `ways` the first network reads
            it, 1 if it does not say, see `mirrored_too`; and `looks`, where there are several: for each network its
            `sizes_px`, beginning with that of one look, the `ways` of them all, and from what `overlap` on boxes are
            fused.
        runner: computes one of the networks, by its place.
        at_once: how many calls of runners may be on their way.
    """
    first, names = runner(0), tuple(told["names"])
    single = Look(mirrored_too(first, int(told.get("ways", 1))), int(told["size_px"]))
    if "looks" not in told:
        return Network(single, names, domain, at_once=at_once)
    how = told["looks"]
    runs = [first, *map(runner, range(1, len(how["sizes_px"])))]
    several = [mirrored_too(run, int(how["ways"])) for run in runs]
    looks = [Look(run, int(px)) for run, sizes_px in zip(several, how["sizes_px"], strict=True) for px in sizes_px]
    return Network(single, names, domain, looks, float(how["overlap"]), at_once)


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

    folded = net.eval().fuse(verbose=False).to(device)
    deepest: list[torch.Tensor] = []
    folded.model[DEEPEST].register_forward_hook(lambda _layer, _inputs, maps: deepest.append(maps))  # (1, F, h, w)

    @torch.inference_mode()
    def run(inputs: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        deepest.clear()
        raw = folded(torch.from_numpy(inputs).to(device))[0]
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
