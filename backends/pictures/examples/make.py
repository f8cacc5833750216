"""Makes the example pictures of the family: `python -m backends.pictures.examples.make`.

Needs scikit-image, which carries the originals; the README beside this says whose they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageOps
import skimage.data

_FOLDER = Path(__file__).parent


def main() -> None:
    """Write the three pictures."""
    for name, original in (("cat.jpg", "chelsea"), ("rocket.jpg", "rocket")):
        PIL.Image.fromarray(_original(original)).save(_FOLDER / name, quality=86)
    horse = PIL.Image.fromarray(np.where(_original("horse"), 255, 0).astype(np.uint8))  # it is True where paper is
    PIL.ImageOps.expand(horse, border=24, fill=255).save(_FOLDER / "horse.png", optimize=True)


def _original(name: str) -> Any:
    return getattr(skimage.data, name)()


if __name__ == "__main__":
    main()
