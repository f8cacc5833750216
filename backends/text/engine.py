"""The three networks of PP-OCR: where text is, whether it stands on its head, what it says.

The networks and what surrounds them come with the package `rapidocr` (https://github.com/RapidAI/RapidOCR). They are
called one by one here, because a page is turned upright as a whole, and because what the recogniser is allowed to read
is chosen after it has looked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
from rapidocr.ch_ppocr_det.utils import DBPostProcess

from backends.text.alphabet import is_latin
from backends.text.geometry import RGB, Quad
from studio.cores import usable
from studio.weights import Weights

_MOST_THREADS = 4
_HEIGHT_PX = 48  # of a line, as the recogniser wants it
_LEAST_WIDTH_PX = 320
_BATCH, _BATCH_WIDTH_PX = 6, 3_200  # an answer has 18,710 numbers for every 8 px: a batch must not become too wide
_TURNED_WH = (192, 48)

_DETECTOR: dict[str, Any] = {
    "thresh": 0.3,
    "box_thresh": 0.5,
    "unclip_ratio": 1.6,
    "use_dilation": True,
    "max_candidates": 3_000,
}

Tensor = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """What the recogniser reads in one line.

    Attributes:
        text: empty where it reads nothing.
        score: mean probability of its characters.
    """

    text: str
    score: float


@dataclass(frozen=True)
class Readings:
    """A line read with every character the network knows, and with Latin ones alone."""

    free: Reading
    latin: Reading


class Engine:
    """The networks, loaded. Holds nothing of a call."""

    def __init__(self, weights: Weights) -> None:
        self._detector = _session(weights, "detector")
        self._turned = _session(weights, "turned")
        self._recogniser = _session(weights, "recogniser")
        names = self._recogniser.get_modelmeta().custom_metadata_map["character"].splitlines()
        self.characters: tuple[str, ...] = ("", *names, " ")  # the first one is the blank of CTC
        self.latin = np.flatnonzero([not name or is_latin(name) for name in self.characters])

    def find(self, rgb: RGB) -> list[Quad]:
        """The lines of text in a picture whose sides are multiples of 32, in its pixels."""
        answer = self._detector.run(None, {self._detector.get_inputs()[0].name: _normalised(rgb)[None]})[0]
        quads, _ = DBPostProcess(**_DETECTOR)(answer, rgb.shape[:2])
        return [np.asarray(quad, np.float32) for quad in quads]

    def turned(self, crops: Sequence[RGB]) -> npt.NDArray[np.float64]:
        """The probability of each cut-out line (H, W, 3) to stand on its head (N,)."""
        width, height = _TURNED_WH
        tensors = np.stack([_fitted(crop, height, width) for crop in crops])
        answer = self._turned.run(None, {self._turned.get_inputs()[0].name: tensors})[0]  # (N, 2)
        return np.asarray(answer[:, 1], np.float64)

    def read(self, crops: Sequence[RGB], progress: Callable[[float], None] = lambda fraction: None) -> list[Readings]:
        """Read cut-out lines (H, W, 3).

        Args:
            progress: told before each batch which share has been read; may raise to give up.
        """
        answers: dict[int, Readings] = {}
        for numbers, width in _batches(crops):
            progress(len(answers) / len(crops))
            for number, answer in zip(numbers, self.probabilities([crops[n] for n in numbers], width), strict=True):
                answers[number] = Readings(self._decoded(answer), self._decoded(answer, self.latin))
        return [answers[number] for number in range(len(crops))]

    def probabilities(self, crops: Sequence[RGB], width_px: int) -> Tensor:
        """Probability of each character at each place, (N, width / 8, characters), of crops that fit that width."""
        tensors = np.stack([_fitted(crop, _HEIGHT_PX, width_px) for crop in crops])
        answer: Tensor = self._recogniser.run(None, {self._recogniser.get_inputs()[0].name: tensors})[0]
        return answer

    def _decoded(self, answer: Tensor, among: npt.NDArray[np.intp] | None = None) -> Reading:
        """The likeliest character at each place, repetitions and blanks left out (Graves et al. 2006)."""
        if among is not None:
            answer = answer[:, among]
        best, probability = answer.argmax(1), answer.max(1)
        if among is not None:
            best = among[best]
        kept = best != 0
        kept[1:] &= best[1:] != best[:-1]
        if not kept.any():
            return Reading("", 0.0)
        return Reading("".join(self.characters[i] for i in best[kept]), float(probability[kept].mean()))


def line_width_px(crop: RGB) -> int:
    """The width that a line takes when it is as high as the recogniser wants it."""
    return max(_LEAST_WIDTH_PX, int(np.ceil(crop.shape[1] / crop.shape[0] * _HEIGHT_PX)))


def _session(weights: Weights, name: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False  # it would keep the largest page's memory
    options.intra_op_num_threads = min(_MOST_THREADS, usable())
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # cores are shared with other models
    return onnxruntime.InferenceSession(str(weights.path(name)), options, providers=["CPUExecutionProvider"])


def _batches(crops: Sequence[RGB]) -> Iterator[tuple[list[int], int]]:
    """(numbers, width) of lines to be read together: those of like width, as all are padded to the widest."""
    batch: list[int] = []
    for number in sorted(range(len(crops)), key=lambda n: crops[n].shape[1] / crops[n].shape[0]):
        width = line_width_px(crops[number])
        if batch and (len(batch) == _BATCH or (len(batch) + 1) * width > _BATCH_WIDTH_PX):
            yield batch, line_width_px(crops[batch[-1]])
            batch = []
        batch.append(number)
    if batch:
        yield batch, line_width_px(crops[batch[-1]])


def _fitted(crop: RGB, height: int, width: int) -> Tensor:
    """A line scaled to that height and padded to that width, normalised, (3, height, width)."""
    fitting = min(width, max(1, int(np.ceil(crop.shape[1] / crop.shape[0] * height))))
    tensor = np.zeros((3, height, width), np.float32)
    scaled = np.asarray(cv2.resize(crop, (fitting, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    tensor[:, :, :fitting] = _normalised(scaled)
    return tensor


def _normalised(rgb: RGB) -> Tensor:
    """(H, W, 3) of 0..255 to (3, H, W) of -1..1, blue first, as the networks were trained."""
    return np.ascontiguousarray((rgb[:, :, ::-1].astype(np.float32) / 127.5 - 1).transpose(2, 0, 1))
