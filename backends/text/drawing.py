"""Frames around lines."""

from __future__ import annotations

from collections.abc import Sequence

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from backends.text.geometry import Quad
from studio.media.image import Image

ACCENT = "#C4552D"
ON_ACCENT = "#FFFFFF"

_LABEL_PX = 11


def framed(image: Image, quads: Sequence[Quad], longest_px: int) -> Image:
    """The picture, at most that large, with a frame around each line and its number at the frame's first corner."""
    scale = min(1.0, longest_px / max(image.resolution_wh))
    size_wh = tuple(max(1, round(side * scale)) for side in image.resolution_wh)
    picture = image.pil().resize((size_wh[0], size_wh[1]), PIL.Image.Resampling.LANCZOS, reducing_gap=2.0)
    canvas = PIL.ImageDraw.Draw(picture)
    line_px = max(1, round(max(picture.size) / 800))
    font = PIL.ImageFont.load_default(size=_LABEL_PX)
    for number, quad in enumerate(quads, start=1):
        corners = [(float(x) * scale, float(y) * scale) for x, y in quad]
        canvas.polygon(corners, outline=ACCENT, width=line_px)
        _number(canvas, str(number), corners[0], font, picture.width)
    return Image.from_pil(picture, "page.jpg")


def _number(
    canvas: PIL.ImageDraw.ImageDraw,
    text: str,
    corner: tuple[float, float],
    font: PIL.ImageFont.FreeTypeFont | PIL.ImageFont.ImageFont,
    width_px: int,
) -> None:
    """A number to the left of a corner, inside the picture: there it hides none of the writing where there is room."""
    left, top, right, bottom = canvas.textbbox((0, 0), text, font=font)
    width, height = right - left + 4, bottom - top + 4
    x = min(max(0.0, corner[0] - width - 1), width_px - width)
    y = max(0.0, corner[1])
    canvas.rectangle((x, y, x + width - 1, y + height - 1), fill=ACCENT)
    canvas.text((x + 2 - left, y + 2 - top), text, font=font, fill=ON_ACCENT)
