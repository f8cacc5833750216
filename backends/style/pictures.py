"""What every way of painting does with the pictures it is given."""

from __future__ import annotations

import hashlib

from backends.style.fields import StyleInputs
from backends.style.palettes import RGB
from backends.style.styles import STYLES
from studio.media.image import Image


def style_rgb(name: str, own: Image | None) -> RGB:
    """The visitor's own style picture, or the shipped one of that name."""
    return own.rgb if own is not None else Image.open(STYLES[name].path).rgb


def style_key(name: str, own: Image | None) -> str:
    """What tells a style picture from others, without reading a shipped one."""
    return name if own is None else hashlib.sha256(own.rgb.tobytes()).hexdigest()


def asked(inputs: StyleInputs) -> list[tuple[str, Image | None, float]]:
    """The styles, each by name or as the visitor's own picture, with its share; the shares add up to 1."""
    styles: list[tuple[str, Image | None, float]] = [(inputs.painting, inputs.style, 1.0)]
    if inputs.second_style is not None or inputs.second != "none":
        styles = [(*styles[0][:2], 1 - inputs.blend), (inputs.second, inputs.second_style, inputs.blend)]
    return [style for style in styles if style[2] > 0]


def asked_styles(inputs: StyleInputs) -> list[tuple[RGB, float]]:
    """The style pictures of `asked`, each with its share."""
    return [(style_rgb(name, own), share) for name, own, share in asked(inputs)]


def scaled_note(given: Image, used: RGB) -> list[str]:
    """What to say where a picture was made smaller."""
    width, height = given.resolution_wh
    if used.shape[0] * used.shape[1] >= width * height:
        return []
    return [f"The picture was scaled down from {width:,} x {height:,} to {used.shape[1]:,} x {used.shape[0]:,} px."]
