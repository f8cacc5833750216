"""Paints photographs by matching them with a style from coarse to fine: small sizes for strokes, full for form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import PIL.Image
from torch import Tensor
from torch.nn import functional

from backends.style.encoder import LEAST_PX, Encoder
from backends.style.palettes import RGB, Palette, as_tensor, softened
from backends.style.swap import CELL_PX, Bank, Check, Matching, assembled, cut, describe, finer, match

#: The longer side of the smallest size that is matched is at least this, in pixels.
_COARSEST_PX = 112
_FIRST = Matching(whole=0.5, rounds=5, wild=0.5)
_NEXT = Matching(whole=0.4, rounds=4)


@dataclass(frozen=True)
class Study:
    """What is kept of a style picture: its cells at several sizes, each half the next; the full one is the last."""

    banks: tuple[Bank, ...]

    @property
    def palette(self) -> Palette:
        """Its colours."""
        return self.banks[-1].palette

    def filled(self, photograph: Tensor) -> Tensor:
        """A photograph (3, H, W), its last row and column repeated, of a size that can be halved for every bank."""
        most = 2 ** (len(self.banks) - 1)
        return filled(photograph, CELL_PX * most, LEAST_PX * most)


@dataclass(frozen=True)
class Touch:
    """How far a picture goes from the photograph to the style; see `Touch.of`.

    Attributes:
        guide: share of the photograph in what the pieces are chosen by; the rest is what the smaller size made.
        tone: share of the photograph's soft light and colour in the result.
        detail: share of its fine light and dark.
        painted: share of the result beside the photograph itself.
    """

    guide: float
    tone: float
    detail: float
    painted: float

    @classmethod
    def of(cls, strength: float) -> Touch:
        """For a strength in 0..1: below a half the photograph itself comes back, at 0 it is all there is."""
        return cls(0.8 - 0.3 * strength, 0.65 - 0.4 * strength, 0.6 - 0.3 * strength, min(1.0, 2 * strength))


class Swapper:
    """Studies styles and paints photographs; holds nothing but the encoder."""

    def __init__(self, eye: Encoder) -> None:
        self._eye = eye
        self.device = next(eye.parameters()).device

    def study(self, style: RGB, style_px: int, photograph_px: int) -> Study:
        """The cells of a style picture that long on its longer side, for photographs that long on theirs."""
        levels = 1
        while photograph_px / 2**levels >= _COARSEST_PX:
            levels += 1
        least_px = 2 * LEAST_PX * 2 ** (levels - 1)
        rgb = filled(as_tensor(resized(style, style_px)).to(self.device), 1, least_px)
        return Study(tuple(cut(self._eye, _halved(rgb, level)) for level in range(levels - 1, -1, -1)))

    def paint(self, photograph: Tensor, study: Study, strength: float, seed: int, check: Check) -> Tensor:
        """A photograph (3, H, W) in 0..1, painted."""
        height, width = photograph.shape[1:]
        plain = recoloured(study.filled(photograph), Palette.of(photograph), study)
        touch = Touch.of(strength)
        chosen = self.matched(plain, study, touch, seed, check)
        painted = finished(assembled(chosen, study.banks[-1]), plain, touch, study)[:, :height, :width]
        return photograph.lerp(painted, touch.painted)

    def matched(self, plain: Tensor, study: Study, touch: Touch, seed: int, check: Check) -> Tensor:
        """The matching at full size, (2, rows, columns), by way of the smaller ones."""
        guide = _halved(plain, len(study.banks) - 1)
        first = Matching(_FIRST.whole, _FIRST.rounds, _FIRST.wild, seed)
        chosen = match(describe(self._eye, guide, study.banks[0]), grid_of(guide), study.banks[0], first, check)
        for number, bank in enumerate(study.banks[1:], 1):
            plainer = _halved(plain, len(study.banks) - 1 - number)
            size = plainer.shape[1], plainer.shape[2]
            rough = assembled(chosen, study.banks[number - 1])
            guide = functional.interpolate(rough[None], size, mode="bilinear")[0].lerp(plainer, touch.guide)
            start = finer(chosen, grid_of(plainer), bank)
            chosen = match(describe(self._eye, guide, bank), grid_of(plainer), bank, _NEXT, check, start)
        return chosen

    def followed(self, guide: Tensor, study: Study, check: Check, start: Tensor, loyalty: Tensor) -> Tensor:
        """The matching of a frame at full size, from that of the frame before; see `match`."""
        bank = study.banks[-1]
        return match(describe(self._eye, guide, bank), grid_of(guide), bank, _NEXT, check, start, loyalty)


def recoloured(photograph: Tensor, palette: Palette, study: Study) -> Tensor:
    """A photograph (3, H, W) of that palette in the style's colours."""
    return study.palette.coloured(palette.whitened(photograph))


def grid_of(rgb: Tensor) -> tuple[int, int]:
    """Rows and columns of cells of a picture (3, H, W)."""
    return rgb.shape[1] // CELL_PX, rgb.shape[2] // CELL_PX


def finished(strokes: Tensor, plain: Tensor, touch: Touch, study: Study) -> Tensor:
    """The strokes with some of the recoloured photograph's tone and detail, so that faces stay readable.

    Where pieces overlap, colours mix and pale; so the palette is made the style's again.
    """
    soft = softened(plain)
    detail = (plain - soft).mean(0, keepdim=True)
    mixed = strokes + touch.tone * (soft - softened(strokes)) + touch.detail * detail
    return recoloured(mixed, Palette.of(mixed), study)


def resized(rgb: RGB, longer_px: int) -> RGB:
    """A picture at that length of its longer side, no side shorter than a pixel."""
    height, width = rgb.shape[:2]
    share = longer_px / max(height, width)
    size = max(1, round(width * share)), max(1, round(height * share))
    if size == (width, height):
        return rgb
    return np.asarray(PIL.Image.fromarray(rgb).resize(size, PIL.Image.Resampling.LANCZOS), np.uint8)


def filled(rgb: Tensor, step_px: int, least_px: int) -> Tensor:
    """A picture (3, H, W) with its last row and column repeated to a multiple of the step, and to the least size."""
    height, width = rgb.shape[1:]
    down, right = (max(least_px, -(-side // step_px) * step_px) - side for side in (height, width))
    return functional.pad(rgb[None], (0, right, 0, down), mode="replicate")[0]


def _halved(rgb: Tensor, times: int) -> Tensor:
    return functional.avg_pool2d(rgb, 2**times) if times else rgb
