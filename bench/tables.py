"""Ratios and how they are printed."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """A figure over its peer's, measured in pairs within one run.

    Attributes:
        ratios: one per pair; their median counts.
        at_most, at_least: the bound, one of the two.
        detail: both figures in their units.
    """

    name: str
    ratios: Sequence[float]
    at_most: float | None = None
    at_least: float | None = None
    detail: str = ""

    @property
    def met(self) -> bool:
        """Whether the median keeps to the bound."""
        value = median(self.ratios)
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)

    def row(self) -> str:
        """A line of the table."""
        bound = f"<= {self.at_most:g}" if self.at_most is not None else f">= {self.at_least:g}"
        figures = f"{median(self.ratios):>8.3f}{min(self.ratios):>8.3f}{max(self.ratios):>8.3f}"
        return f"{self.name:<52}{figures}{bound:>9}  {self.detail}{'' if self.met else '  MISSED'}"


def median(values: Iterable[float]) -> float:
    """The middle value."""
    return statistics.median(values)
