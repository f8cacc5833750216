"""Draws boxes, their labels and their marked points over a picture."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from studio.results import Box, BoxedImage

ACCENT = "#C4552D"
GREY = "#8A8782"
PLATE_TEXT = "#FFFFFF"

Font = PIL.ImageFont.FreeTypeFont | PIL.ImageFont.ImageFont


def draw(boxed: BoxedImage) -> PIL.Image.Image:
    """The picture with its boxes, the ones in the accent colour on top.

    Lines and letters scale with the picture, so that they look alike in a thumbnail and in a photograph.
    """
    picture = boxed.image.pil()
    canvas = PIL.ImageDraw.Draw(picture)
    size_px = max(picture.size)
    line_px = max(1, round(size_px / 250))
    font = load_font(min(max(11, round(size_px / 36)), 64))
    boxes = sorted(boxed.boxes, key=lambda box: box.accent)
    for box in boxes:
        _outline(canvas, box, line_px)
    for box in boxes:  # labels last: no line crosses them
        _label(canvas, box, line_px, font, picture.size)
    return picture


@functools.lru_cache(maxsize=8)
def load_font(size_px: int) -> Font:
    """The typeface of the pages, which Streamlit brings along; Pillow's own, which lacks accents, without Streamlit."""
    package = importlib.util.find_spec("streamlit")
    for folder in (package.submodule_search_locations or []) if package else []:
        for path in Path(folder, "static").rglob("SourceSansVF-Upright*.woff2"):
            font = PIL.ImageFont.truetype(str(path), size_px)
            font.set_variation_by_name("Semibold")
            return font
    return PIL.ImageFont.load_default(size=size_px)


def _colour(box: Box) -> str:
    return ACCENT if box.accent else GREY


def _outline(canvas: PIL.ImageDraw.ImageDraw, box: Box, line_px: int) -> None:
    left, right = sorted((box.xyxy[0], box.xyxy[2]))
    top, bottom = sorted((box.xyxy[1], box.xyxy[3]))
    canvas.rectangle((left, top, right, bottom), outline=_colour(box), width=line_px)
    radius_px = max(1.0, line_px * 0.9)
    for x, y in box.points:
        canvas.ellipse((x - radius_px, y - radius_px, x + radius_px, y + radius_px), fill=_colour(box))


def _label(canvas: PIL.ImageDraw.ImageDraw, box: Box, line_px: int, font: Font, resolution_wh: tuple[int, int]) -> None:
    """The label on a plate above the box, or inside it where there is no room, never outside the picture."""
    text = " ".join(part for part in (box.label, f"{box.score:.2f}" if box.score is not None else "") if part)
    if not text:
        return
    ink_left, ink_top, ink_right, ink_bottom = canvas.textbbox((0, 0), text, font=font)
    pad_px = max(2, line_px * 2)
    width, height = ink_right - ink_left + 2 * pad_px, ink_bottom - ink_top + 2 * pad_px
    left, top = min(box.xyxy[0], box.xyxy[2]), min(box.xyxy[1], box.xyxy[3])
    x = max(0.0, min(left, resolution_wh[0] - width))
    y = top - height if top >= height else top
    y = max(0.0, min(y, resolution_wh[1] - height))
    canvas.rectangle((x, y, x + width - 1, y + height - 1), fill=_colour(box))
    canvas.text((x + pad_px - ink_left, y + pad_px - ink_top), text, font=font, fill=PLATE_TEXT)
