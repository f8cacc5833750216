"""Makes the picture of steel and the video of a smear: `python -m backends.detection.examples.make`.

The steel is drawn, and is no picture of NEU-DET, whose licence does not say that it may be passed on. The smears are
from BCCD's test split (MIT); the video moves over them as a stage under a microscope does. The car is from the test
split of OpenALPR's benchmark (AGPL-3.0).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter

from studio.media.mp4 import Mp4Writer

_FOLDER = Path(__file__).parent
_SIDE_PX = 200
_VIEW_WH, _FPS, _FRAMES = (640, 480), 12.0, 72
_FILM_WH = (480, 360)


def main() -> None:
    """Write the picture and the video."""
    scratched().save(_FOLDER / "scratched_steel.png", optimize=True)
    pass_by(_FOLDER / "smear.mp4")


def scratched(seed: int = 4) -> PIL.Image.Image:
    """Rolled steel under grazing light: grain along the strip, uneven shade, and three bright scratches."""
    rng = np.random.default_rng(seed)
    grain = rng.normal(0, 9, (_SIDE_PX, _SIDE_PX))
    along = rng.normal(0, 5, (_SIDE_PX, 1)).repeat(_SIDE_PX, axis=1)
    shade = np.linspace(-10, 12, _SIDE_PX)[None, :]
    canvas = PIL.Image.fromarray(np.clip(96 + grain + along + shade, 0, 255).astype(np.uint8))
    canvas = canvas.filter(PIL.ImageFilter.GaussianBlur(0.8))
    draw = PIL.ImageDraw.Draw(canvas)
    for points, light, width_px in (
        ([(52, 0), (55, 60), (53, 130), (56, 199)], 214, 5),
        ([(118, 18), (121, 80), (120, 152)], 196, 4),
        ([(160, 96), (163, 150), (162, 199)], 178, 3),
    ):
        draw.line(points, light, width_px, joint="curve")
    return canvas.filter(PIL.ImageFilter.GaussianBlur(0.7))


def pass_by(path: Path) -> None:
    """Six seconds over two smears that lie side by side, from left to right, as large as the detector learned cells."""
    smears = [PIL.Image.open(_FOLDER / name).convert("RGB") for name in ("smear.jpg", "smear_sparse.jpg")]
    ground = np.concatenate([np.asarray(smear) for smear in smears], axis=1)  # (480, 1280, 3)
    width, height = _VIEW_WH
    with Mp4Writer(path, _FPS) as film:
        for number in range(_FRAMES):
            share = number / (_FRAMES - 1)
            left = round(share * (ground.shape[1] - width))
            view = PIL.Image.fromarray(ground[:height, left : left + width])
            film.write(np.asarray(view.resize(_FILM_WH, PIL.Image.Resampling.LANCZOS)), number / _FPS)


if __name__ == "__main__":
    main()
