"""Ten kinds of things, told apart by our own network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional

from backends.pictures.gradcam import Heat, grad_cam, tapped
from backends.pictures.model import Look, classify
from backends.pictures.net import PictureNet
from backends.pictures.overlay import RGB, Part
from backends.pictures.task import LARGER, LARGER_MB, ClassificationInputs, ClassificationOutputs
from backends.pictures.views import SIDE_PX, views
from studio.contract import Run
from studio.weights import Weights

#: The last maps have 4 x 4 places only. Their heat is taken at nine places of the picture, this many pixels apart.
_SHIFTS_PX = (-3, 0, 3)


class PictureClassifier:
    """PictureNet with the weights that `python -m recipes pictures` made.

    Each view of a picture is looked at together with its mirror image. The logits are divided by a temperature (Guo et
    al. 2017): labels were softened in the training, and the network is surer than its bare scores say. What is none of
    its classes is told by the energy score (Liu et al. 2020). Both were fitted to training pictures that were held out.
    """

    sure = 0.8
    unlikely = "None of the ten things that I know looks likely."

    def __init__(self, weights: Weights, device: str) -> None:
        with safe_open(weights.path(), "pt") as file:
            facts = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        self.labels = tuple(facts["classes"].split(","))
        self.temperature = float(facts["temperature"])
        self.least_familiarity = float(facts["least_familiarity"])
        self._net = PictureNet(len(self.labels))
        self._net.load_state_dict(tensors)
        self._net.eval().requires_grad_(False).to(device)
        self._device = device
        self.advice = (
            f"This network knows ten kinds of things: {', '.join(self.labels)}. One that knows 1,000 is one download "
            f"away: {LARGER.title}, {LARGER_MB} MB, licence {LARGER.licence}."
        )

    def __call__(self, inputs: ClassificationInputs, run: Run) -> ClassificationOutputs:
        """See `classify`."""
        return classify(self, inputs, run)

    def look(self, rgb: RGB, *, quick: bool = False) -> Look:
        """See `PictureModel.look`."""
        seen = views(rgb)[: 1 if quick else None]
        shifts_px = (0,) if quick else _SHIFTS_PX
        pixels = np.stack([view.pixels for view in seen])

        def explain(number: int) -> list[Part]:
            heats = self.heat(pixels, number, shifts_px)
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
        scaled = self._tensor(pixels)
        mean = (self._net(scaled) + self._net(scaled.flip(3))) / 2
        return np.asarray(mean.double().cpu().numpy(), np.float64)

    def heat(self, pixels: RGB, number: int, shifts_px: tuple[int, ...] = _SHIFTS_PX) -> Heat:
        """Grad-CAM of a class on the last stage's maps, over views (N, 32, 32, 3): (N, 32, 32).

        The mean over small displacements of each view, laid back into place: one alone has 4 x 4 places.
        """
        largest = max(shifts_px)
        padded = functional.pad(self._tensor(pixels), (largest,) * 4, mode="reflect")
        total = np.zeros(pixels.shape[:3], np.float32)
        for down in shifts_px:
            for right in shifts_px:
                top, left = largest + down, largest + right
                shifted = padded[:, :, top : top + SIDE_PX, left : left + SIDE_PX]
                logits, maps = tapped(self._net, self._net.stage3, shifted)
                coarse = torch.from_numpy(grad_cam(maps, logits[:, number]))[:, None]  # (N, 1, 4, 4)
                fine = functional.interpolate(coarse, (SIDE_PX, SIDE_PX), mode="bicubic", align_corners=False)
                back = functional.pad(fine, (largest,) * 4, mode="replicate")
                top, left = largest - down, largest - right
                total += back[:, 0, top : top + SIDE_PX, left : left + SIDE_PX].clamp(min=0).numpy()
        return np.asarray(total / len(shifts_px) ** 2, np.float32)

    def _tensor(self, pixels: RGB) -> Tensor:
        scaled = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))).to(self._device)
        return scaled.float() / 255  # (N, 3, 32, 32)


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Probabilities (N, K)."""
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(shifted / shifted.sum(1, keepdims=True))
