"""Any style in one pass of a trained network: pictures, a webcam's frames, and videos."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock

import torch
from torch import Tensor

from backends.style import encoder, painter
from backends.style.encoder import Encoder
from backends.style.fields import LiveInputs, LiveOutputs, StyleInputs, StyleOutputs
from backends.style.painter import Painter, moments_of, noise_for
from backends.style.palettes import RGB, Palette, as_rgb, as_tensor, own_colours
from backends.style.pictures import asked, scaled_note, style_key, style_rgb
from backends.style.steady import Steadier
from backends.style.swap import Check
from backends.style.swapper import filled, resized
from backends.style.video import longest_px, painted_video
from studio.contract import Inputs, Outputs, Run
from studio.devices import has_bfloat16
from studio.errors import InvalidInput
from studio.media.image import Image
from studio.weights import Weights

#: The style picture's longer side beside that of the photograph, and its bounds.
_STYLE_SHARE, _STYLE_PX = 0.85, (64, 1024)
_STUDIES_KEPT = 32
#: Longer side of a webcam's frame as it is painted.
LIVE_PX = 256
_NOISE_SEED = 7


@dataclass(frozen=True)
class Study:
    """What is kept of a style picture: what it sets in the network, (1, settings), and its colours."""

    settings: Tensor
    palette: Palette


class FeedForward:
    """Paints a picture, a webcam's frame or a video in any style.

    Args:
        weights: files `model`, of `python -m recipes style_painter`, and `encoder`, of `style_encoder`.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        self._eye = Encoder.load(weights, device, "encoder").to(memory_format=torch.channels_last)
        self.net = Painter.load(weights, device)
        self.device = device
        self._studies: OrderedDict[tuple[str, int], Study] = OrderedDict()
        self._lock = Lock()

    def __call__(self, inputs: Inputs, run: Run) -> Outputs | Iterator[Outputs]:
        """Answer any of the family's tasks that it is for."""
        match inputs:
            case StyleInputs():
                return self._still(inputs, run)
            case LiveInputs() if inputs.video is not None and not run.live:
                study = self.study(inputs.painting, inputs.style, longest_px(inputs))
                return painted_video(SteadyNetwork(self, study, inputs.strength), inputs, run)
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
        key = style_key(painting, own), wanted_px
        with self._lock:
            if key in self._studies:
                self._studies.move_to_end(key)
                return self._studies[key]
        rgb = filled(as_tensor(resized(style_rgb(painting, own), wanted_px)).to(self.device), 1, encoder.LEAST_PX)
        made = Study(self.net.study(moments_of(self._eye, rgb)[None]), Palette.of(rgb))
        with self._lock:
            self._studies[key] = made
            while len(self._studies) > _STUDIES_KEPT:
                self._studies.popitem(last=False)
        return made

    @torch.inference_mode()
    def paint(
        self, photograph: Tensor, study: Study, strength: float, seed: int, palette: Palette, *, live: bool = False
    ) -> Tensor:
        """A photograph (3, H, W) in 0..1 of that palette, painted.

        Live, the network computes in bfloat16 where the processor does: in 0.6 of the time, and no value of a picture
        Live, the network computes in bfloat16 where the processor does: 0.6 of the time, and nothing that is seen.
        """
        height, width = photograph.shape[1:]
        plain = palette.moved(filled(photograph, painter.STEP_PX, painter.LEAST_PX), study.palette)
        noise = noise_for(plain.shape[1], plain.shape[2], seed).to(self.device)
        given = plain[None].contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=live and self.device == "cpu" and has_bfloat16()):
            painted = self.net(given, study.settings, noise)[0, :, :height, :width].float().clamp(0, 1)
        return painted if strength >= 0.5 else photograph.lerp(painted, 2 * strength)

    def _still(self, inputs: StyleInputs, run: Run) -> StyleOutputs:
        run.progress(0.1, "Reading the style")
        original = resized(inputs.content.rgb, inputs.size)
        studies = [(self.study(name, own, inputs.size, inputs.brush), share) for name, own, share in asked(inputs)]
        run.check()
        run.progress(0.5, "Painting")
        picture = self._painted(original, _mixed(studies), inputs.strength, inputs.seed, keep=inputs.keep_colours)
        return StyleOutputs(
            picture=Image(picture, "painted.jpg"),
            original=Image(original, "before.jpg"),
            notes=scaled_note(inputs.content, original),
        )

    def _frame(self, inputs: LiveInputs, image: Image, run: Run) -> LiveOutputs:
        original = resized(image.rgb, LIVE_PX if run.live else inputs.size)
        study = self.study(inputs.painting, inputs.style, max(original.shape[:2]))
        keep = inputs.keep_colours
        picture = self._painted(original, study, inputs.strength, _NOISE_SEED, keep=keep, live=run.live)
        notes = [] if run.live else scaled_note(image, original)
        return LiveOutputs(picture=Image(picture, "painted.jpg"), video=None, notes=notes)

    def _painted(
        self, original: RGB, study: Study, strength: float, seed: int, *, keep: bool, live: bool = False
    ) -> RGB:
        photograph = as_tensor(original).to(self.device)
        painted = self.paint(photograph, study, strength, seed, Palette.of(photograph), live=live)
        return as_rgb(own_colours(painted, photograph) if keep else painted)


class SteadyNetwork:
    """Paints frame after frame of one size: the noise of the camera is filtered out, that of the network stays."""

    def __init__(self, backend: FeedForward, study: Study, strength: float) -> None:
        self._backend, self._study, self._strength = backend, study, strength
        self.device = backend.device
        self._steadier = Steadier()

    def __call__(self, frame: Tensor, check: Check) -> Tensor:
        """The frame (3, H, W) in 0..1, painted."""
        check()
        steadied = self._steadier(frame)
        return self._backend.paint(steadied.rgb, self._study, self._strength, _NOISE_SEED, steadied.palette)


def _mixed(studies: list[tuple[Study, float]]) -> Study:
    """Styles in their shares, one or two of them."""
    first, *others = studies
    mixed = first[0]
    for study, share in others:
        mixed = Study(mixed.settings.lerp(study.settings, share), mixed.palette.mixed(study.palette, share))
    return mixed
