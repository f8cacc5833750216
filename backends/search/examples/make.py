"""Makes the example pictures: `python -m backends.search.examples.make`.

Needs scikit-image, which carries the photographs, and the font DejaVu; the README beside this says whose they are.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import skimage.data

from backends.search.describing import texts_of
from studio.runtime import Runtime
from studio.settings import Settings

_FOLDER = Path(__file__).parent / "pictures"
_LONGEST_PX = 360
_RECEIPT = (
    "CAFE MIRADOR",
    "8 Mill Street, Lindow",
    "",
    "21/03/2024   10:14",
    "2 x Coffee           5.60",
    "1 x Almond cake      3.90",
    "1 x Orange juice     2.70",
    "",
    "TOTAL               12.20",
    "Cash                20.00",
    "Change               7.80",
)


def main() -> None:
    """Write all of them."""
    _FOLDER.mkdir(exist_ok=True)
    for name, original in (("cat", "chelsea"), ("rocket", "rocket"), ("astronaut", "astronaut")):
        picture = PIL.Image.fromarray(_original(original))
        picture.thumbnail((_LONGEST_PX, _LONGEST_PX), PIL.Image.Resampling.LANCZOS)
        picture.save(_FOLDER / f"{name}.jpg", quality=86)
    with PIL.Image.open(_FOLDER / "cat.jpg") as cat:
        cat.resize((180, 120), PIL.Image.Resampling.LANCZOS).save(_FOLDER / "cat_again.jpg", quality=60)
    for name, ground, ink in (("circle", "white", "#D3202A"), ("square", "#E8EEF6", "#1F4FBF")):
        picture = PIL.Image.new("RGB", (240, 200), ground)
        pen = PIL.ImageDraw.Draw(picture)
        (pen.ellipse if name == "circle" else pen.rectangle)((60, 40, 180, 160), fill=ink)
        picture.save(_FOLDER / f"{name}.png", optimize=True)
    _written(("FERRY TO THE ISLAND", "daily 9:30 and 17:00"), 30, (460, 140), "white", "#0B4F6C").save(
        _FOLDER / "sign.png", optimize=True
    )
    _written(_RECEIPT, 18, (330, 330), "#26221E", "#F4F1EA").save(_FOLDER / "receipt.png", optimize=True)
    _describe()


def _describe() -> None:
    """Write what is read in the pictures and observed about them, as adding them would."""
    with tempfile.TemporaryDirectory() as home:
        runtime = Runtime(Settings(home=Path(home)))
        pictures = sorted(path for path in _FOLDER.iterdir() if path.suffix in (".jpg", ".png"))
        described = {
            path.name: texts_of(runtime.run("image_captioning", {"image": path}, "observations").outputs)
            for path in pictures
        }
        runtime.close()
    text = json.dumps(described, ensure_ascii=False, indent=1)
    (_FOLDER / "described.json").write_text(f"{text}\n", "utf-8")


def _written(lines: tuple[str, ...], size_px: int, size_wh: tuple[int, int], ink: str, ground: str) -> PIL.Image.Image:
    picture = PIL.Image.new("RGB", size_wh, ground)
    pen = PIL.ImageDraw.Draw(picture)
    font = PIL.ImageFont.truetype("DejaVuSansMono.ttf", size_px)
    for number, line in enumerate(lines):
        pen.text((20, 24 + number * 1.45 * size_px), line, font=font, fill=ink)
    return picture


def _original(name: str) -> Any:
    return getattr(skimage.data, name)()


if __name__ == "__main__":
    main()
