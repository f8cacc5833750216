"""Ten kinds of things, told apart by our own network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from backends.pictures.embedding import Vector, unit
from backends.pictures.gradcam import Heat, grad_cam, tapped
from backends.pictures.model import Look
from backends.pictures.net import PictureEnsemble, mean_logits
from backends.pictures.operations import answer
from backends.pictures.overlay import RGB, Part
from backends.pictures.task import LARGER, LARGER_MB
from backends.pictures.views import SIDE_PX, views
from studio.contract import Inputs, Outputs, Run
from studio.tensors import read
from studio.weights import Weights

#: The last maps have a place every 8 px. Grad-CAM is taken in windows displaced by this, which fill the gaps.
_STEP_PX, _QUICK_STEP_PX = 4, 8
_MARGIN_PX = 4  # by which a window is wider than the picture on each side, so that its maps reach the edges


class PictureClassifier:
    """PictureEnsemble with the weights that `python -m recipes pictures` made.

    Each view of a picture is looked at with its shifts and mirror images. The logits are divided by a temperature (Guo
    et al. 2017): labels were softened in the training, and the network is surer than its bare scores say. What is none
    of its classes is told by the energy score (Liu et al. 2020). Both were fitted to training pictures held out.
    """

    sure = 0.8
    unlikely = "None of the ten things that I know looks likely."

    def __init__(self, weights: Weights, device: str) -> None:
        tensors, facts = read(weights.path())
        self.labels = tuple(facts["classes"].split(","))
        self.temperature = float(facts["temperature"])
        self.least_familiarity = float(facts["least_familiarity"])
        self._net = PictureEnsemble(len(self.labels))
        self._net.load_state_dict(tensors)
        self._net.eval().requires_grad_(False).to(device)
        self._device = device
        self.advice = (
            f"This network knows ten kinds of things: {', '.join(self.labels)}. One that knows 1,000 is one download "
            f"away: {LARGER.title}, {LARGER_MB} MB, licence {LARGER.licence}."
        )

    def __call__(self, inputs: Inputs, run: Run) -> Outputs:
        """See `backends.pictures.operations.answer`."""
        return answer(self, inputs, run)

    def look(self, rgb: RGB, *, quick: bool = False) -> Look:
        """See `PictureModel.look`."""
        seen = views(rgb)[: 1 if quick else None]
        step_px = _QUICK_STEP_PX if quick else _STEP_PX
        pixels = np.stack([view.pixels for view in seen])

        def explain(number: int) -> list[Part]:
            heats = self.heat(pixels, number, step_px)
            return [Part(heat, view.box_xyxy) for heat, view in zip(heats, seen, strict=True)]

        logits = self.logits(pixels)  # (views, 10)
        familiarity = float(np.logaddexp.reduce(logits, axis=1).mean())
        return Look(
            probabilities=softmax(logits / self.temperature).mean(0),
            likely=familiarity >= self.least_familiarity,
            seen=seen[0].pixels,
            explain=explain,
            familiarity=familiarity,
        )

    @torch.inference_mode()
    def logits(self, pixels: RGB) -> npt.NDArray[np.float64]:
        """Logits (N, 10) of views, uint8 (N, 32, 32, 3)."""
        return np.asarray(mean_logits(self._net, self._tensor(pixels)).double().cpu().numpy(), np.float64)

    @torch.inference_mode()
    def features(self, rgb: RGB) -> Vector:
        """The largest values of the last maps (576,), of the first two networks, over views and mirror images.

        Each network's are at unit length.
        """
        pixels = self._tensor(np.stack([view.pixels for view in views(rgb)]))
        both = torch.cat([pixels, pixels.flip(3)])
        maxima = [functional.normalize(net.stages(both)[-1].amax((2, 3)), dim=1) for net in self._net.members[:2]]
        return unit(torch.cat(maxima, dim=1).mean(0).double().cpu().numpy())

    def heat(self, pixels: RGB, number: int, step_px: int = _STEP_PX) -> Heat:
        """Grad-CAM of a class on the networks' last maps, added up: (N, 32 / step, 32 / step) of views (N, 32, 32, 3).

        A view is extended by its mirror image. In a window of 40 x 40 px the 4 x 4 places of the maps lie 8 px apart,
        the first 4.5 px from its edge; windows displaced by less than that see the places between.

        Args:
            step_px: distance of the places; 8 or a part of it.
        """
        padded = functional.pad(self._tensor(pixels), (_MARGIN_PX, _MARGIN_PX + 8) * 2, mode="reflect")
        window_px, between = SIDE_PX + 2 * _MARGIN_PX, 8 // step_px
        heat = np.zeros((len(pixels), SIDE_PX // step_px, SIDE_PX // step_px), np.float32)
        for row in range(between):
            for column in range(between):
                top, left = (step_px * place + (step_px - 1) // 2 for place in (row, column))
                window = padded[:, :, top : top + window_px, left : left + window_px]
                for net in self._net.members:
                    logits, maps = tapped(net, net.stage3, window)
                    heat[:, row::between, column::between] += grad_cam(maps, logits[:, number])
        return heat

    def _tensor(self, pixels: RGB) -> Tensor:
        scaled = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))).to(self._device)
        return scaled.float() / 255  # (N, 3, 32, 32)


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Probabilities (N, K)."""
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(shifted / shifted.sum(1, keepdims=True))
