"""Reads a digit with our own network, and shows its filters and what they answer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from backends.digits.ink import SIDE_PX, Ink, find_ink
from backends.digits.net import OTHER, DigitNet
from backends.digits.task import OTHER_LABEL, DigitInputs, DigitOutputs
from backends.digits.tiles import tiled
from studio.contract import Run
from studio.media.image import Image
from studio.results import Scores
from studio.tensors import read
from studio.weights import Weights

_SURE = 0.8  # probability from which the verdict names one digit only
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


Planes = npt.NDArray[np.float32]


class DigitReader:
    """DigitNet with the weights and the threshold that `python -m recipes digits` made."""

    def __init__(self, weights: Weights, device: str) -> None:
        tensors, facts = read(weights.path())
        self.threshold = float(facts["threshold"])
        self._net = DigitNet()
        self._net.load_state_dict(tensors)
        self._net.eval().to(device)
        self._device = device
        self._filters = _picture(
            tiled(self._net.first.weight.detach().cpu().numpy()[:, 0], 4, 20, signed=True, gap_px=12), "filters"
        )

    def __call__(self, inputs: DigitInputs, run: Run) -> DigitOutputs:
        """One digit, or the reason why there is none."""
        grey = inputs.image.rgb @ _LUMA / 255  # (H, W) in 0..1
        ink = find_ink(np.asarray(grey, np.float32))
        plane = np.zeros((SIDE_PX, SIDE_PX), np.float32) if ink is None else ink.plane
        logits, maps = self.logits(plane[None])[0], self.maps(plane)
        probabilities = np.exp(logits - np.logaddexp.reduce(logits))  # (11,)
        score = None if ink is None else float(np.logaddexp.reduce(logits[:OTHER]) - logits[OTHER])
        is_digit = score is not None and score >= self.threshold
        if ink is None:
            probabilities = np.eye(OTHER + 1)[OTHER]
        return DigitOutputs(
            verdict=_verdict(probabilities, is_digit) if ink else "There is nothing on this picture.",
            is_digit=is_digit,
            digit=int(probabilities[:OTHER].argmax()) if is_digit else None,
            digit_score=score,
            threshold=self.threshold,
            probabilities=_scores(probabilities),
            seen=_picture(tiled(plane[None], 1, 12), "seen"),
            filters=self._filters,
            first_maps=_picture(tiled(maps[0], 4, 4), "first_layer"),
            second_maps=_picture(tiled(maps[1], 7, 8), "second_layer"),
            notes=_notes(ink) if ink else [],
        )

    @torch.inference_mode()
    def logits(self, planes: Planes) -> npt.NDArray[np.float64]:
        """Logits (N, 11) of prepared pictures (N, 28, 28)."""
        return np.asarray(self._net(self._tensor(planes)).double().cpu().numpy(), np.float64)

    def maps(self, plane: Planes) -> list[Planes]:
        """What the first two layers answer to a prepared picture (28, 28): (16, 28, 28) and (48, 7, 7)."""
        return [np.asarray(maps[0].cpu().numpy(), np.float32) for maps in self._net.maps(self._tensor(plane[None]))]

    def _tensor(self, planes: Planes) -> Tensor:
        return torch.from_numpy(planes)[:, None].to(self._device)  # (N, 1, 28, 28)


def _verdict(probabilities: npt.NDArray[np.float64], is_digit: bool) -> str:
    if not is_digit:
        return "This doesn't look like a digit."
    digits = probabilities[:OTHER] / probabilities[:OTHER].sum()
    best, second = (int(i) for i in np.argsort(-digits)[:2])
    if digits[best] >= _SURE:
        return f"This is {'an' if best == 8 else 'a'} {best}."
    return f"Probably {'an' if best == 8 else 'a'} {best}, perhaps {'an' if second == 8 else 'a'} {second}."


def _scores(probabilities: npt.NDArray[np.float64]) -> Scores:
    """Best first."""
    labels = [*(str(digit) for digit in range(OTHER)), OTHER_LABEL]
    order = np.argsort(-probabilities, kind="stable")
    return Scores({labels[i]: float(probabilities[i]) for i in order})


def _notes(ink: Ink) -> list[str]:
    said = []
    if ink.light_on_dark:
        said.append("The writing is lighter than its ground: it was turned round.")
    if ink.touches_edge:
        said.append("The writing reaches the edge of the picture: part of it may be missing.")
    return said


def _picture(grey: npt.NDArray[np.uint8], name: str) -> Image:
    return Image(np.repeat(grey[:, :, None], 3, axis=2), f"{name}.png", lossless=True)
