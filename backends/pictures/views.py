"""From a picture of any size to the 32 x 32 px that the network knows: one view of it, or several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import PIL.Image

from backends.pictures.overlay import RGB

SIDE_PX = 32
#: A picture this many times as long as wide, or as wide as long, is looked at in several views.
_SQUARE = 1.1


@dataclass(frozen=True)
class View:
    """A part of a picture as the network takes it.

    Attributes:
        pixels: uint8 (32, 32, 3).
        box_xyxy: the part, in pixels of the picture.
    """

    pixels: RGB
    box_xyxy: tuple[int, int, int, int]


def views(rgb: RGB) -> list[View]:
    """The middle square first; of an oblong picture also the squares at both ends, and the whole, squeezed.

    On photographs no view alone, nor any other that was tried (the whole with mirrored edges, closer crops), is read
    better than the others. But where they disagree the picture is mostly of something that the network does not know,
    and then the mean of their probabilities is low, as it should be.

    Args:
        rgb: uint8 (H, W, 3).
    """
    height, width = rgb.shape[:2]
    side = min(height, width)
    spare_x, spare_y = width - side, height - side
    shares = (0.5, 0.0, 1.0) if max(height, width) > _SQUARE * side else (0.5,)
    corners = [(int(spare_x * share), int(spare_y * share)) for share in shares]
    boxes = [(left, top, left + side, top + side) for left, top in corners]
    if len(boxes) > 1:
        boxes.append((0, 0, width, height))
    picture = PIL.Image.fromarray(rgb)
    return [View(_reduced(picture, box), box) for box in boxes]


def _reduced(picture: PIL.Image.Image, box_xyxy: tuple[int, int, int, int]) -> RGB:
    """The part in 32 x 32 px. Pillow's bicubic filter is as wide as the reduction: no pixel is skipped."""
    if picture.size == (SIDE_PX, SIDE_PX):
        return np.asarray(picture)
    return np.asarray(picture.resize((SIDE_PX, SIDE_PX), PIL.Image.Resampling.BICUBIC, box=box_xyxy))
