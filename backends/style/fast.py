"""Any style at once: no optimisation, an encoder and a matching from coarse to fine."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock

import torch

from backends.style.encoder import Encoder
from backends.style.fields import LiveInputs, LiveOutputs, StyleInputs, StyleOutputs
from backends.style.palettes import as_rgb, as_tensor, own_colours
from backends.style.pictures import scaled_note, style_key, style_rgb
from backends.style.swapper import Study, Swapper, resized
from backends.style.video import SteadyPainter, longest_px, painted_video
from studio.contract import Inputs, Outputs, Run
from studio.errors import InvalidInput
from studio.media.image import Image
from studio.weights import Weights

#: The style picture's longer side beside that of the photograph: a little smaller, so that faces stay readable.
_STYLE_SHARE = 0.85
_STYLE_PX = 64, 1024
#: Longer side of a webcam's frame as it is painted.
LIVE_PX = 256
_STUDIES_KEPT = 6


class Fast:
    """Paints a picture, a webcam's frame or a video in any style.

    Args:
        weights: file `model`, of `python -m recipes style_encoder`.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        self.swapper = Swapper(Encoder.load(weights, device).to(memory_format=torch.channels_last))
        self._studies: OrderedDict[tuple[str, int, int], Study] = OrderedDict()
        self._lock = Lock()

    def __call__(self, inputs: Inputs, run: Run) -> Outputs | Iterator[Outputs]:
        """Answer any of the family's tasks that it is for."""
        match inputs:
            case StyleInputs():
                return self._still(inputs, run)
            case LiveInputs() if inputs.video is not None and not run.live:
                study = self.study(inputs.painting, inputs.style, longest_px(inputs))
                return painted_video(SteadyPainter(self.swapper, study, inputs.strength), inputs, run)
            case LiveInputs() if inputs.image is not None:
                return self._frame(inputs, inputs.image, run)
            case LiveInputs():
                raise InvalidInput(
                    "There is nothing to paint.", field="image", expected="a picture, a camera's frame or a video"
                )
        raise TypeError(f"no style task has inputs of type {type(inputs).__name__}")

    @torch.inference_mode()
    def study(self, painting: str, own: Image | None, longer_px: int, brush: float = 1.0) -> Study:
        """What is kept of a style, shipped or own, for pictures whose longer side is that long; kept for the next."""
        least, most = _STYLE_PX
        wanted_px = min(most, max(least, round(longer_px * _STYLE_SHARE * brush)))
        key = style_key(painting, own), wanted_px, longer_px
        with self._lock:
            if key in self._studies:
                self._studies.move_to_end(key)
                return self._studies[key]
        made = self.swapper.study(style_rgb(painting, own), wanted_px, longer_px)
        with self._lock:
            self._studies[key] = made
            while len(self._studies) > _STUDIES_KEPT:
                self._studies.popitem(last=False)
        return made

    @torch.inference_mode()
    def _still(self, inputs: StyleInputs, run: Run) -> StyleOutputs:
        run.progress(0.05, "Reading the style")
        original = resized(inputs.content.rgb, inputs.size)
        photograph = as_tensor(original).to(self.swapper.device)
        study = self.study(inputs.painting, inputs.style, inputs.size, inputs.brush)
        run.progress(0.3, "Painting")
        painted = self.swapper.paint(photograph, study, inputs.strength, inputs.seed, run.check)
        if inputs.second_style is not None or inputs.second != "none":
            run.progress(0.65, "Painting the second style")
            other = self.study(inputs.second, inputs.second_style, inputs.size, inputs.brush)
            second = self.swapper.paint(photograph, other, inputs.strength, inputs.seed, run.check)
            painted = painted.lerp(second, inputs.blend)
        if inputs.keep_colours:
            painted = own_colours(painted, photograph)
        return StyleOutputs(
            picture=Image(as_rgb(painted), "painted.jpg"),
            original=Image(original, "before.jpg"),
            notes=scaled_note(inputs.content, original),
        )

    @torch.inference_mode()
    def _frame(self, inputs: LiveInputs, image: Image, run: Run) -> LiveOutputs:
        original = resized(image.rgb, LIVE_PX if run.live else inputs.size)
        photograph = as_tensor(original).to(self.swapper.device)
        study = self.study(inputs.painting, inputs.style, max(original.shape[:2]))
        painted = self.swapper.paint(photograph, study, inputs.strength, 0, run.check)
        if inputs.keep_colours:
            painted = own_colours(painted, photograph)
        return LiveOutputs(
            picture=Image(as_rgb(painted), "painted.jpg"),
            video=None,
            notes=[] if run.live else scaled_note(image, original),
        )
