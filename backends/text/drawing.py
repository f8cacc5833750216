"""Frames around lines, and pictures of the steps by which a plate was read."""

from __future__ import annotations

from collections.abc import Sequence

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from backends.text.geometry import RGB, Quad
from studio.media.image import Image

ACCENT = "#C4552D"
ON_ACCENT = "#FFFFFF"
GROUND, TEXT = "#FAF7F1", "#25211C"

_LABEL_PX = 11
_CELL_WH, _GAP_PX, _CAPTION_PX = (300, 110), 12, 24


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


def steps_sheet(plates: Sequence[tuple[str, Sequence[tuple[str, RGB]]]]) -> Image:
    """A row for each plate: its steps as captioned pictures from left to right, its text below.

    Args:
        plates: (text, [(caption, picture (H, W, 3)), ...]) of each; all with the same number of steps.
    """
    columns = max(len(steps) for _, steps in plates)
    cell_wh = _CELL_WH[0] + _GAP_PX, _CELL_WH[1] + _CAPTION_PX + _GAP_PX
    row_px = cell_wh[1] + _CAPTION_PX
    sheet = PIL.Image.new("RGB", (columns * cell_wh[0] + _GAP_PX, len(plates) * row_px + _GAP_PX), GROUND)
    canvas = PIL.ImageDraw.Draw(sheet)
    font, large = PIL.ImageFont.load_default(size=14), PIL.ImageFont.load_default(size=18)
    for row, (text, steps) in enumerate(plates):
        top = _GAP_PX + row * row_px
        canvas.text((_GAP_PX, top), text, font=large, fill=ACCENT)
        for column, (caption, rgb) in enumerate(steps):
            left = _GAP_PX + column * cell_wh[0]
            canvas.text((left, top + _CAPTION_PX), caption, font=font, fill=TEXT)
            sheet.paste(_inside(rgb), (left, top + 2 * _CAPTION_PX))
    return Image.from_pil(sheet, "steps.png", lossless=True)


def _inside(rgb: RGB) -> PIL.Image.Image:
    picture = PIL.Image.fromarray(rgb)
    scale = min(_CELL_WH[0] / picture.width, _CELL_WH[1] / picture.height)
    size_wh = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size_wh, PIL.Image.Resampling.BICUBIC)
