"""Keeps what stands still in a video still: noise is averaged away, what moves is taken as it is."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from backends.style.palettes import Palette, softened

#: Change of a pixel's surroundings, in 0..1, up to which it is noise, and from which it is movement.
_STILL, _MOVING = 0.03, 0.10
#: Share of a still pixel's new value that is taken, so that slow changes are followed.
_FOLLOWED = 0.08
#: Mean change of a whole frame that means another scene.
_CUT = 0.22


@dataclass(frozen=True)
class Steadied:
    """A frame without its noise.

    Attributes:
        rgb: (3, H, W) in 0..1.
        moved: how much each pixel moved, (H, W), 0 for noise and 1 for movement.
        palette: the colours of the scene so far.
        new: whether another scene begins.
    """

    rgb: Tensor
    moved: Tensor
    palette: Palette
    new: bool


class Steadier:
    """Filters frames in time, each pixel as far as it stands still: a recursive filter that movement switches off."""

    def __init__(self) -> None:
        self._last: Steadied | None = None

    def __call__(self, rgb: Tensor) -> Steadied:
        """The next frame (3, H, W) in 0..1; all have one size."""
        palette = Palette.of(rgb)
        if self._last is None or float((rgb - self._last.rgb).abs().mean()) > _CUT:
            self._last = Steadied(rgb, rgb.new_ones(rgb.shape[1:]), palette, True)
            return self._last
        change = softened((rgb - self._last.rgb).mean(0, keepdim=True), 2)[0].abs()
        moved = ((change - _STILL) / (_MOVING - _STILL)).clamp(0, 1)
        steady = self._last.rgb.lerp(rgb, moved.clamp_min(_FOLLOWED))
        self._last = Steadied(steady, moved, self._last.palette.mixed(palette, _FOLLOWED), False)
        return self._last


def of_cells(moved: Tensor, cell_px: int) -> Tensor:
    """The largest movement in each cell and around it, (rows, columns), of movements (H, W)."""
    largest = functional.max_pool2d(moved[None], cell_px)
    return functional.max_pool2d(largest, 3, 1, 1)[0]
