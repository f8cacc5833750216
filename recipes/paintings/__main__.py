"""Draws the style pictures anew: `python -m recipes.paintings [folder]`. The same code draws the same pictures."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image

from backends.style.styles import FOLDER, STYLES
from recipes.paintings.brushes import impasto_oil, night_sky, pointillism
from recipes.paintings.canvas import SIDE, Floats, Generator
from recipes.paintings.pieces import cubist_facets, mosaic, stained_glass
from recipes.paintings.prints import ink_hatching, woodblock_waves, woodcut
from recipes.paintings.washes import watercolour

PAINTINGS: dict[str, Callable[[Generator], Floats]] = {
    "impasto oil": impasto_oil,
    "pointillism": pointillism,
    "woodblock waves": woodblock_waves,
    "ink hatching": ink_hatching,
    "stained glass": stained_glass,
    "mosaic": mosaic,
    "watercolour": watercolour,
    "cubist facets": cubist_facets,
    "woodcut": woodcut,
    "night sky": night_sky,
}


def painted(name: str, variant: int = 0) -> npt.NDArray[np.uint8]:
    """A style picture: uint8 (512, 512, 3); other variants than 0 are drawn with other random numbers."""
    drawn = PAINTINGS[name](np.random.default_rng(zlib.crc32(name.encode()) + variant))
    small = cv2.resize(np.clip(drawn, 0, 1).astype(np.float32), (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
    return np.rint(small * 255).astype(np.uint8)


def write(name: str, file: Path | BinaryIO) -> None:
    """Draw a style picture and write it as WebP."""
    PIL.Image.fromarray(painted(name)).save(file, "WEBP", quality=88, method=6)


def main(folder: Path, names: list[str]) -> None:
    """Draw them into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        write(name, folder / STYLES[name].path.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, sys.argv[2:] or list(STYLES))
