"""What a benchmark reports."""

from __future__ import annotations

from dataclasses import dataclass


class NoData(Exception):
    """The data set is not where ATELIER_DATA says."""


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        data, split: what it was measured on.
        metric: its name with its unit.
        ours: the figure.
        target: what it has to be, in words; empty where there is no target.
        met: whether it is that.
        reference: the published figure it stands beside, with where it is from.
        detail: what the figure is made of, in words; printed below the table.
    """

    data: str
    split: str
    metric: str
    ours: float
    target: str = ""
    met: bool = True
    reference: str = ""
    detail: str = ""
