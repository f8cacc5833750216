"""Pictures painted step by step: from coarse to fine, by patches of the style, then refined in an encoder's maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from backends.style.encoder import Encoder, Eye
from backends.style.fields import StyleInputs, StyleOutputs
from backends.style.losses import content, sliced_wasserstein, total_variation
from backends.style.palettes import RGB, as_rgb, as_tensor, own_colours, softened
from backends.style.patches import Manner, Source, repainted
from backends.style.pictures import asked_styles, scaled_note
from backends.style.swapper import filled, resized
from backends.style.transport import recoloured
from studio.contract import Run
from studio.errors import Cancelled
from studio.media.image import Image
from studio.weights import Weights

#: Sides of the patches at a quarter, a half and the whole of the size, in the order of the passes; in pixels.
_PLAN: tuple[tuple[int, ...], ...] = ((9, 9), (21, 21), (33, 33, 21, 21, 11))
_LOCAL_CONTRAST = 0.8
#: Pictures and styles are made at least that large; smaller ones are filled up.
_LEAST_PX = 48
#: Steps of the refinement, its rate, the layers that it looks at, and what each of them weighs.
_STEPS, _RATE = 14, 0.015
_STYLE_LAYERS, _CONTENT_LAYERS = ("whiten", "refine1", "refine2"), ("refine1",)
_STYLE_WEIGHT = 0.02


@dataclass(frozen=True)
class Touch:
    """How far a picture goes from the photograph to the style.

    Attributes:
        tone: share of the photograph's light and colour that each pass begins with.
        reach: how fine these are, as a share of a patch; finer keeps more of the forms.
        detail: how much of the picture is painted with the smallest patches: where there is much to see.
        lines: share of the photograph's fine light and dark that is added in the end, so that faces stay readable.
        painted: share of the result beside the photograph itself.
    """

    tone: float
    reach: float
    detail: float
    lines: float
    painted: float

    @classmethod
    def of(cls, strength: float) -> Touch:
        """For a strength in 0..1: below a half the photograph itself comes back, at 0 it is all there is."""
        painted = min(1.0, 2 * strength)
        return cls(0.9 - 0.15 * strength, 0.06 + 0.1 * strength, 2.2 - 2 * strength, 0.8 - 0.7 * strength, painted)


class Gatys:
    """Style transfer by optimisation; nothing is learned for a style, so that any picture can be one.

    Args:
        weights: file `model`, of `python -m recipes style_encoder`.
        eye: another network to see with, in place of that one.
    """

    def __init__(self, weights: Weights, device: str, eye: Eye | None = None) -> None:
        self._eye: Eye = eye or Encoder.load(weights, device)
        self._device = device

    def __call__(self, inputs: StyleInputs, run: Run) -> Iterator[StyleOutputs]:
        """Coarse pictures first, then the answer; after a cancel what was painted until then."""
        original = resized(inputs.content.rgb, inputs.size)
        for note in scaled_note(inputs.content, original):
            run.note(note)
        photograph = as_tensor(original).to(self._device)
        latest: StyleOutputs | None = None
        try:
            for painted in self._painted(photograph, inputs, run):
                latest = _outputs(painted, photograph, original, inputs)
                yield latest
        except Cancelled:
            if latest is not None:
                run.note("Cancelled: this is what was painted until then.")
                yield latest
            raise

    def _painted(self, photograph: Tensor, inputs: StyleInputs, run: Run) -> Iterator[Tensor]:
        """The picture (3, H, W) after each pass."""
        generator = torch.Generator().manual_seed(inputs.seed)
        touch, height, width = Touch.of(inputs.strength), *photograph.shape[1:]
        with torch.inference_mode():
            run.progress(0.02, "Mixing the colours")
            styles = self._styles(inputs)
            whole = filled(photograph, 8, _LEAST_PX)
            clear = _clear(whole)
            plain = torch.stack([share * recoloured(clear, rgb, inputs.seed) for rgb, share in styles]).sum(0)
        picture, done = plain, 0
        passes = sum(len(sides) for sides in _PLAN)
        for level, sides in enumerate(_PLAN):
            scale = 2 ** (len(_PLAN) - 1 - level)
            with torch.inference_mode():
                target = _smaller(plain, scale)
                pieces = [(turned, share) for rgb, share in styles for turned in _turned(_smaller(rgb, scale))]
                soft = [Source.of(self._eye, rgb, share, _blurred(rgb)) for rgb, share in pieces]
                sharp = [Source.of(self._eye, rgb, share) for rgb, share in pieces]
                picture = _to(picture, target)
            for number, side in enumerate(sides):
                run.progress(0.05 + 0.75 * done / passes, f"Painting at {max(target.shape[1:])} px")
                with torch.inference_mode():
                    guided, sources = _guided(picture, target, side, touch), sharp
                    if number == 0:  # blurred pictures are compared: so it adds what the level before could not show
                        guided, sources = picture.lerp(_blurred(target), touch.tone), soft
                    manner = Manner(_fitting(side, [picture, *(rgb for rgb, _ in pieces)]))
                    painted = repainted(self._eye, guided, sources, manner, generator, run.check)
                    last = side == _PLAN[-1][-1]
                    picture = picture.lerp(painted, _detailed(target, touch.detail)) if last else painted
                done += 1
            run.progress(0.05 + 0.75 * done / passes)
            yield photograph.lerp(_to(picture, plain)[:, :height, :width], touch.painted)
        refined = self._refined(picture.clone(), plain.clone(), styles, generator, run)
        refined = (refined[:, :height, :width] + touch.lines * _lines(photograph)).clamp(0, 1)
        yield photograph.lerp(refined, touch.painted)

    def _styles(self, inputs: StyleInputs) -> list[tuple[Tensor, float]]:
        """The style pictures at the size of the brush, each with its share."""
        side_px = max(_LEAST_PX, round(inputs.size * inputs.brush))
        return [
            (filled(as_tensor(resized(rgb, side_px)).to(self._device), 8, _LEAST_PX), share)
            for rgb, share in asked_styles(inputs)
        ]

    def _refined(
        self, picture: Tensor, plain: Tensor, styles: list[tuple[Tensor, float]], generator: torch.Generator, run: Run
    ) -> Tensor:
        """The picture with its maps brought nearer to the style's, and to the photograph's."""
        with torch.no_grad():
            seen = [(self._eye(_laid_out(rgb), _STYLE_LAYERS), share) for rgb, share in styles]
            wanted = self._eye(_laid_out(plain), _CONTENT_LAYERS)
            scale = {name: maps.std().clamp_min(1e-3) for name, maps in seen[0][0].items()}
        change = torch.zeros_like(picture).requires_grad_()
        adam = torch.optim.Adam([change], _RATE)
        for step in range(_STEPS):
            run.progress(0.8 + 0.2 * step / _STEPS, "Refining the strokes")
            with torch.enable_grad():
                now = picture + change
                maps = self._eye(_laid_out(now), _STYLE_LAYERS)
                loss = 4 * change.square().mean() + 0.02 * total_variation(now)
                loss = loss + 0.05 * content(maps, wanted, scale)
                for known, share in seen:
                    for name, values in known.items():
                        mine, theirs = (part[0].flatten(1) / scale[name] for part in (maps[name], values))
                        loss = loss + _STYLE_WEIGHT * share * sliced_wasserstein(mine, theirs, generator)
                adam.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
        return (picture + change.detach()).clamp(0, 1)


def _clear(photograph: Tensor) -> Tensor:
    """A photograph with more contrast between neighbouring parts: a style of few tones would leave a face blank."""
    around = softened(photograph, max(2, max(photograph.shape) // 32))
    return (photograph + _LOCAL_CONTRAST * (photograph - around).mean(0, keepdim=True)).clamp(0, 1)


def _lines(photograph: Tensor) -> Tensor:
    """The fine light and dark of a photograph, (1, H, W)."""
    return (photograph - softened(photograph, 3)).mean(0, keepdim=True)


def _guided(picture: Tensor, target: Tensor, side: int, touch: Touch) -> Tensor:
    """A picture with the light and colour of the recoloured photograph, as fine as the patches leave room for."""
    reach = max(1, round(touch.reach * side))
    return picture + touch.tone * (softened(target, reach) - softened(picture, reach))


def _fitting(side: int, pictures: list[Tensor]) -> int:
    """The side of the patches, or the largest odd one that fits into each of the pictures."""
    return min(side, (min(length for rgb in pictures for length in rgb.shape[1:]) - 1) // 2 * 2 - 1)


def _outputs(painted: Tensor, photograph: Tensor, original: RGB, inputs: StyleInputs) -> StyleOutputs:
    if inputs.keep_colours:
        painted = own_colours(painted, photograph)
    return StyleOutputs(picture=Image(as_rgb(painted), "painted.jpg"), original=Image(original, "before.jpg"), notes=[])


def _detailed(target: Tensor, gain: float) -> Tensor:
    """Where there is much to see in a picture (3, H, W), (1, H, W) in 0..1: faces and edges rather than skies."""
    busy = softened((target - softened(target, 3)).mean(0, keepdim=True).abs(), 6)
    return (gain * busy / (2 * busy.mean()).clamp_min(1e-6)).clamp(0, 1)


def _turned(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """A style (3, H, W), upright and lying, so that strokes may follow either way."""
    return rgb, torch.rot90(rgb, 1, (1, 2))


def _laid_out(rgb: Tensor) -> Tensor:
    """A batch of one picture, with the channels of a pixel side by side: a third faster on a processor."""
    return rgb[None].contiguous(memory_format=torch.channels_last)


def _smaller(rgb: Tensor, scale: int) -> Tensor:
    return rgb if scale == 1 else functional.avg_pool2d(rgb, scale)


def _blurred(rgb: Tensor) -> Tensor:
    """What is left of a picture (3, H, W) at half the size."""
    return _to(functional.avg_pool2d(rgb, 2, ceil_mode=True), rgb)


def _to(rgb: Tensor, like: Tensor) -> Tensor:
    size = like.shape[1], like.shape[2]
    return rgb if rgb.shape[1:] == like.shape[1:] else functional.interpolate(rgb[None], size, mode="bilinear")[0]
