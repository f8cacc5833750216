"""The style pictures that ship: drawn by code of our own, `python -m recipes.paintings`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

FOLDER = Path(__file__).parent / "styles"

#: Names of the styles, as forms and programs have them.
Painting = Literal[
    "impasto oil",
    "pointillism",
    "woodblock waves",
    "ink hatching",
    "stained glass",
    "mosaic",
    "watercolour",
    "cubist facets",
    "woodcut",
    "night sky",
]


@dataclass(frozen=True)
class Style:
    """A picture that shows how to paint.

    Attributes:
        about: strokes, palette and scale in words: what a model is told that is guided by words.
    """

    name: str
    about: str

    @property
    def path(self) -> Path:
        """The picture: 512 x 512 px."""
        return FOLDER / f"{self.name.replace(' ', '_')}.webp"


_ABOUT = {
    "impasto oil": "thick oil paint in short curved strokes, ochre, crimson and teal",
    "pointillism": "small separate dots of pure colour on pale ground",
    "woodblock waves": "Japanese woodblock print, flat Prussian blues and cream, dark outlines, curling waves",
    "ink hatching": "black pen and ink, cross-hatching on cream paper",
    "stained glass": "stained glass, glowing panes of saturated colour between black lead",
    "mosaic": "mosaic of small square stones with pale grout, blue, gold and terracotta",
    "watercolour": "wet watercolour, soft transparent washes that bleed into each other on white paper",
    "cubist facets": "cubist painting, overlapping angular facets in brown, grey and ochre",
    "woodcut": "woodcut, bold black lines carved along the forms, two colours",
    "night sky": "long swirling brush strokes in deep blue with bright yellow stars",
}
#: All styles by name, in the order of the form.
STYLES = {name: Style(name, _ABOUT[name]) for name in get_args(Painting)}
