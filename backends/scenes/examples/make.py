"""Draws the example scenes, those of other families too: `python -m backends.scenes.examples.make`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image

from backends.scenes.composing import composed
from backends.scenes.drawing import draw, drawn_style

_SIDE_PX = 384
_FAMILIES = Path(__file__).parents[2]
#: File: what is in it, and the seed of its ground and places.
SCENES = {
    "scenes/examples/hearts.png": ("three small red hearts\na large blue 7, bottom right", 4),
    "captioning/examples/scene.png": ("a large striped orange star\ntwo small black diamonds", 10),
    "vqa/examples/scene.png": (
        "two large purple hearts\na small yellow star, top left\na large green dotted ring, bottom right",
        5,
    ),
}


def main() -> None:
    """Write all of them."""
    for file, (text, seed) in SCENES.items():
        rng = np.random.default_rng(seed)
        scene = composed(text, rng)
        picture = draw(scene, drawn_style(rng, len(scene.things)), rng, _SIDE_PX)
        PIL.Image.fromarray(picture).save(_FAMILIES / file, optimize=True)


if __name__ == "__main__":
    main()
