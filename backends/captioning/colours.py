"""Which colours a picture has, in the plain words that people agree on.

Each pixel is given the name of the nearest of 23 colours in CIELAB, where distances are about those that people see
(CIE 1976). The names are the eleven basic ones of English (Berlin and Kay 1969), with light and dark where it matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image

RGB = npt.NDArray[np.uint8]

_NAMED = {
    "black": "#141414",
    "dark grey": "#484848",
    "grey": "#808080",
    "light grey": "#BEBEBE",
    "white": "#F8F8F8",
    "red": "#D22020",
    "dark red": "#701818",
    "pink": "#F4A0B4",
    "orange": "#F08A24",
    "brown": "#7A4A24",
    "beige": "#DCC8A4",
    "yellow": "#F2DC30",
    "olive green": "#76782E",
    "green": "#3C9A3C",
    "dark green": "#1C4A24",
    "light green": "#A4DC90",
    "turquoise": "#30BEB4",
    "dark turquoise": "#125A6A",
    "light blue": "#98C8EC",
    "blue": "#2A5CC8",
    "dark blue": "#14207A",
    "purple": "#7C3A9C",
    "magenta": "#D83CA4",
}
NAMES = tuple(_NAMED)
_SIDE_PX = 96
_LEAST_SHARE = 0.01


@dataclass(frozen=True)
class Colour:
    """A colour of a picture.

    Attributes:
        share: of the picture's area that has it, 0..1.
        rgb: the mean of these pixels, 0..255.
    """

    name: str
    share: float
    rgb: tuple[int, int, int]

    @property
    def hex(self) -> str:
        """As `#RRGGBB`."""
        return "#{:02X}{:02X}{:02X}".format(*self.rgb)


def colours(rgb: RGB) -> list[Colour]:
    """The colours of a picture, uint8 (H, W, 3), the largest first; those of less than 1 % are left out."""
    small = PIL.Image.fromarray(rgb)
    small.thumbnail((_SIDE_PX, _SIDE_PX), PIL.Image.Resampling.BOX)
    pixels = np.asarray(small).reshape(-1, 3)  # (N, 3)
    nearest = np.square(lab(pixels[None])[0, :, None] - _named_lab()[None]).sum(2).argmin(1)  # (N,)
    found = []
    for number, name in enumerate(NAMES):
        here = nearest == number
        share = float(here.mean())
        if share >= _LEAST_SHARE:
            red, green, blue = pixels[here].mean(0).round().astype(int).tolist()
            found.append(Colour(name, share, (red, green, blue)))
    return sorted(found, key=lambda colour: -colour.share)


def main_colours(found: list[Colour], least: float = 0.1, most: int = 3) -> list[Colour]:
    """The colours that one would name: those that cover at least a tenth, three at most, one at any rate."""
    return [colour for colour in found[:most] if colour.share >= least] or found[:1]


def lab(rgb: RGB) -> npt.NDArray[np.float32]:
    """The pixels, uint8 (H, W, 3), in CIELAB under daylight (D65): L* in 0..100, a* and b*."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))


def _named_lab() -> npt.NDArray[np.float32]:
    """The named colours (23, 3) in CIELAB."""
    named = [[int(value[i : i + 2], 16) for i in (1, 3, 5)] for value in _NAMED.values()]
    return np.asarray(lab(np.array([named], np.uint8))[0])
