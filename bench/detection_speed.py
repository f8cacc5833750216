"""How fast our detectors are with ONNX Runtime over torch, on videos, and live: `python -m bench.detection_speed`.

A call is all of it: letterbox, network, suppression. It decides in which of the two the studio computes them on a CPU.
A video is all of it too: decoded, found, followed, counted, drawn, encoded; beside it the bare detector on the same
frames, decoded before. Live is a real browser whose camera shows a smear that moves.
"""

from __future__ import annotations

import functools
import io
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import PIL.Image
import PIL.ImageOps
import torch
import yaml

from backends.detection.detector import RGB, Wanted
from backends.detection.fields import DetectionInputs, VideoInputs
from backends.detection.net import Look, Network, filled, onnx_runner, torch_runner
from backends.detection.specialist import Specialist
from backends.detection.task import object_detection, video_detection
from backends.detection.tracking import FAINTEST
from bench.bare import BareRun, LiveRun
from bench.live import streamed
from bench.tables import Ratio, median
from studio.catalogue import Catalogue
from studio.media.base import Blob
from studio.media.image import Image
from studio.runtime import EMBEDDED
from studio.weights import Shelf

_ROUNDS = 30
_VIDEO_ROUNDS = 5
_WARM_UP = 3


def main() -> int:
    """Print the ratios; 1 if ONNX Runtime is the slower one for any detector, or a video or the webcam is too slow."""
    names = [adapter.name for adapter in object_detection.adapters if adapter.kind == "embedded"]
    ratios = [*map(ratio, names), *map(video_ratio, names), live_ratio()]
    print(f"{'figure':<52}{'median':>8}{'min':>8}{'max':>8}{'bound':>9}  detail")
    for row in ratios:
        print(row.row())
    return 0 if all(row.met for row in ratios) else 1


def ratio(name: str) -> Ratio:
    """Frames per second of ONNX Runtime over those of torch, pair by pair, on as many threads as torch takes."""
    family = Catalogue.discover().entry(object_detection.name).family
    weights = Shelf(EMBEDDED).resolve(family, name)
    told = yaml.safe_load(weights.path("network").read_text(encoding="utf-8"))
    rgb = Image.open(family / "examples" / "smear.jpg").rgb
    names, size_px = tuple(told["names"]), int(told["size_px"])
    theirs = Network(Look(torch_runner(filled(told, weights.path()), "cpu"), size_px), names)
    ours = Network(Look(onnx_runner(weights.path("graph")), size_px), names)
    pairs = [
        (_seconds(lambda: ours(rgb, 0.25, 0.6, 100)), _seconds(lambda: theirs(rgb, 0.25, 0.6, 100)))
        for _ in range(_WARM_UP + _ROUNDS)
    ][_WARM_UP:]
    return Ratio(
        f"{name}: ONNX Runtime over torch, {size_px} px, {torch.get_num_threads()} threads",
        [torch_s / onnx_s for onnx_s, torch_s in pairs],
        at_least=1.0,
        detail=f"{1 / median(a for a, _ in pairs):.0f} over {1 / median(b for _, b in pairs):.0f} pictures/s",
    )


def video_ratio(name: str) -> Ratio:
    """Frames per second of video detection over those of the bare detector, on the example video, round by round."""
    entry = Catalogue.discover().entry(video_detection.name)
    detector = Specialist(Shelf(EMBEDDED).resolve(entry.family, name), "cpu")
    inputs = VideoInputs.model_validate(video_detection.examples[0].values)
    frames = [frame.rgb for frame in inputs.video.frames()]

    def follow() -> None:
        with tempfile.TemporaryDirectory() as folder:
            for _ in cast(Iterator[object], detector(inputs, BareRun(Path(folder)))):
                pass

    def bare() -> None:
        for rgb in frames:
            detector.detect(rgb, Wanted(confidence=FAINTEST, most=300, quick=True))

    pairs = [(_seconds(follow), _seconds(bare)) for _ in range(1 + _VIDEO_ROUNDS)][1:]
    return Ratio(
        f"{name}: video over bare detector, {len(frames)} frames",
        [bare_s / video_s for video_s, bare_s in pairs],
        at_least=0.7,
        detail=f"{len(frames) / median(a for a, _ in pairs):.0f} over {len(frames) / median(b for _, b in pairs):.0f} "
        "frames/s",
    )


def live_ratio() -> Ratio:
    """Frames per second of the picture task's first detector with the webcam, over the bare backend's."""
    family = Catalogue.discover().entry(object_detection.name).family
    detector = Specialist(Shelf(EMBEDDED).resolve(family, object_detection.adapters[0].weights), "cpu")
    frames = [_camera_frame(Image.open(family / "examples" / "smear.jpg").rgb, number) for number in range(20)]
    inputs = [DetectionInputs(image=Image.load(Blob(data=frame))) for frame in frames]
    calls = [functools.partial(detector, each, LiveRun()) for each in inputs]
    return streamed(object_detection.name, frames, calls, lambda _page: None)


def _camera_frame(rgb: RGB, number: int) -> bytes:
    """A 640 x 480 JPEG of a picture, moved to the side by some pixels."""
    picture = PIL.ImageOps.fit(PIL.Image.fromarray(np.roll(rgb, 4 * number, axis=1)), (640, 480))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
