"""Lines and zones that somebody draws over a picture, or over the first frame of a video."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator

MOST_SHAPES, MOST_CORNERS = 20, 50

Point = tuple[FiniteFloat, FiniteFloat]
"""(x, y) in pixels."""


class Shapes(BaseModel):
    """What is drawn, in pixels of the upright picture or frame; it may reach beyond the border.

    Attributes:
        lines: first and second point of each.
        zones: the corners of each, in order; the last one is joined to the first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    lines: list[tuple[Point, Point]] = Field(default_factory=list, max_length=MOST_SHAPES)
    zones: list[Annotated[list[Point], Len(3, MOST_CORNERS)]] = Field(default_factory=list, max_length=MOST_SHAPES)

    @field_validator("lines")
    @classmethod
    def _two_points(cls, lines: list[tuple[Point, Point]]) -> list[tuple[Point, Point]]:
        for first, second in lines:
            if first == second:
                raise ValueError(f"a line needs two different points, got {first} twice")
        return lines

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.lines or self.zones)


def arrow(line: npt.NDArray[np.floating[Any]], length_px: float) -> npt.NDArray[np.float32]:
    """An arrow from the middle of a line (2, 2) to the side where things go in, as a stroke (5, 2).

    That side is on the left of whoever goes from the first point to the second.
    """
    middle, along = line.mean(axis=0), line[1] - line[0]
    along = along / max(float(np.linalg.norm(along)), 1e-6)
    ahead = np.array([along[1], -along[0]])  # to the left, as y points down
    tip = middle + length_px * ahead
    back = tip - 0.4 * length_px * ahead
    barb = 0.3 * length_px * along
    return np.array([middle, tip, back + barb, tip, back - barb], np.float32)
