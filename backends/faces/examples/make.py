"""Makes the example pictures of the face tasks from two public-domain portraits.

The portraits come inside two Python packages; see README.md in this folder for their origin and licence.

Run with `python -m backends.faces.examples.make`.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import matplotlib
import skimage
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

HERE = Path(__file__).parent
#: Left, top, right, bottom of head and shoulders, in pixels of the originals.
HOPPER_XYXY = (40, 20, 490, 530)
COLLINS_XYXY = (80, 0, 400, 330)


def main() -> None:
    """Write every example beside this file."""
    hopper = Image.open(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg").convert("RGB")
    collins = Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png").convert("RGB")
    save(hopper.crop(HOPPER_XYXY), "hopper.jpg")
    save(collins.crop(COLLINS_XYXY), "collins.jpg")
    save(darkened(mirrored(hopper.crop((110, 30, 430, 430)))), "hopper_mirrored_darker.jpg")
    save(side_by_side(hopper.crop(HOPPER_XYXY), collins.crop(COLLINS_XYXY)), "hopper_and_collins.jpg")
    (HERE / "pairs.zip").write_bytes(pairs_zip(hopper, collins))


def save(picture: Image.Image, name: str) -> None:
    """Write a JPEG of this folder."""
    (HERE / name).write_bytes(jpeg(picture))


def jpeg(picture: Image.Image) -> bytes:
    """The picture as JPEG of quality 88."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def mirrored(picture: Image.Image) -> Image.Image:
    """Left and right swapped."""
    return ImageOps.mirror(picture)


def darkened(picture: Image.Image) -> Image.Image:
    """At 55 % of its brightness."""
    return ImageEnhance.Brightness(picture).enhance(0.55)


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    """Both at the height of the lower one."""
    height = min(left.height, right.height)
    parts = [p.resize((round(p.width * height / p.height), height), Image.Resampling.LANCZOS) for p in (left, right)]
    out = Image.new("RGB", (parts[0].width + parts[1].width, height))
    out.paste(parts[0], (0, 0))
    out.paste(parts[1], (parts[0].width, 0))
    return out


def pairs_zip(hopper: Image.Image, collins: Image.Image) -> bytes:
    """A pairs.csv over small variants of both portraits: enough to see the task work, too few to trust the answer."""
    pictures = {
        f"{name}_{index}.jpg": variant
        for name, portrait, xyxy in (("hopper", hopper, HOPPER_XYXY), ("collins", collins, COLLINS_XYXY))
        for index, variant in enumerate(variants(portrait.crop(xyxy)), start=1)
    }
    names = sorted(pictures)
    rows = ["first,second,same"]
    for position, first in enumerate(names):
        rows += [f"{first},{other},{int(first[0] == other[0])}" for other in names[position + 1 :]]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in [
            ("pairs.csv", ("\n".join(rows) + "\n").encode()),
            *((name, jpeg(pictures[name])) for name in names),
        ]:
            archive.writestr(zipfile.ZipInfo(name, date_time=(2024, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()


def variants(portrait: Image.Image) -> list[Image.Image]:
    """The same portrait small, mirrored, darker, turned a little, and blurred: five pictures of one photograph."""
    small = portrait.resize((220, round(220 * portrait.height / portrait.width)), Image.Resampling.LANCZOS)
    return [
        small,
        mirrored(small),
        darkened(small),
        small.rotate(12, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128)),
        small.filter(ImageFilter.GaussianBlur(2)),
    ]


if __name__ == "__main__":
    main()
