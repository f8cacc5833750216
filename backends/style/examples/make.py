"""Makes the example pictures anew from pictures in the scikit-image package: `python -m backends.style.examples.make`.

scikit-image comes with the development requirements.
"""

from __future__ import annotations

import sys
from pathlib import Path

import PIL.Image
import skimage.data


def main(folder: Path) -> None:
    """Write every example picture into the folder."""
    for name, side_px in (("astronaut", 512), ("coffee", 512), ("rocket", 512)):
        picture = PIL.Image.fromarray(getattr(skimage.data, name)())
        picture.thumbnail((side_px, side_px), PIL.Image.Resampling.LANCZOS)
        picture.save(folder / f"{name}.jpg", quality=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
