"""Makes the example video, a second and a half over a cup of coffee: `python -m backends.style.examples.make_video`."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import PIL.Image

from studio.media.mp4 import Mp4Writer

_FOLDER = Path(__file__).parent
_VIEW_WH, _FPS, _FRAMES = (240, 180), 8.0, 12


def main() -> None:
    """The view stands still for three quarters of a second, then moves in on the cup."""
    ground = PIL.Image.open(_FOLDER / "coffee.jpg").convert("RGB")
    width, height = ground.size
    with Mp4Writer(_FOLDER / "coffee.mp4", _FPS) as film:
        for number in range(_FRAMES):
            turned = max(0.0, 2 * number / _FRAMES - 1)
            share = 1 - 0.3 * (1 - math.cos(math.pi * turned)) / 2
            side = share * min(width / 4, height / 3)
            left, top = (width - 4 * side) / 2, (height - 3 * side) / 2
            view = ground.resize(_VIEW_WH, PIL.Image.Resampling.BICUBIC, (left, top, left + 4 * side, top + 3 * side))
            film.write(np.asarray(view, np.uint8), number / _FPS)


if __name__ == "__main__":
    main()
