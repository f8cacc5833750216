"""From distances of pairs to rates, a curve and a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Roc:
    """The curve over all thresholds, strictest first; each array of shape (T,).

    Attributes:
        thresholds: distance up to which a pair is accepted; the first accepts none and is -inf.
        false_accept_rates, true_accept_rates: 0..1.
    """

    thresholds: Vector
    false_accept_rates: Vector
    true_accept_rates: Vector

    @classmethod
    def of(cls, distances: Vector, same: npt.NDArray[np.bool_]) -> Roc:
        """The curve of pairs with those distances (N,), where `same` (N,) says which are of one person."""
        from sklearn.metrics import roc_curve

        false_rates, true_rates, scores = roc_curve(same, -distances, drop_intermediate=False)
        return cls(-scores, false_rates, true_rates)

    @property
    def equal_error_rate(self) -> float:
        """Where the false accept rate meets the false reject rate, between two thresholds by a straight line."""
        gap = self.false_accept_rates - (1 - self.true_accept_rates)  # rises from -1 to 1
        after = int(np.argmax(gap >= 0))
        before = after - 1
        weight = -gap[before] / (gap[after] - gap[before])
        rates = self.false_accept_rates
        return float(rates[before] + weight * (rates[after] - rates[before]))

    def threshold_at(self, false_accept_rate: float) -> float:
        """The largest threshold that keeps to the rate, halfway to the next distance, rounded down to 4 decimals.

        Halfway, so that a pair of the curve is not on the edge itself.
        """
        last = int(np.flatnonzero(self.false_accept_rates <= false_accept_rate)[-1])
        if last == len(self.thresholds) - 1:
            between = self.thresholds[last]
            return float(np.ceil(between * 1e4) / 1e4)
        beyond = self.thresholds[last + 1]
        within = self.thresholds[last] if last > 0 else 0.0
        middle = float((within + beyond) / 2)
        rounded = float(np.floor(middle * 1e4) / 1e4)
        return rounded if rounded >= within else middle


def rates(distances: Vector, same: npt.NDArray[np.bool_], threshold: float) -> tuple[float, float]:
    """(true accept rate, false accept rate) at a threshold; pairs are accepted up to and with it."""
    accepted = distances <= threshold
    return float(accepted[same].mean()), float(accepted[~same].mean())


def roc_plot(roc: Roc, chosen: tuple[float, float]) -> dict[str, Any]:
    """A Vega-Lite specification of the curve, with the chosen point (false, true accept rate) marked.

    Greys and hues of middle lightness: readable on a light and on a dark ground.
    """
    curve = [
        {
            "far": round(float(f), 6),
            "tar": round(float(t), 6),
            "threshold": round(float(d), 4) if np.isfinite(d) else 0.0,
        }
        for f, t, d in _thinned(roc)
    ]
    x = {"field": "far", "type": "quantitative", "title": "False accept rate", "scale": {"domain": [0, 1]}}
    y = {"field": "tar", "type": "quantitative", "title": "True accept rate", "scale": {"domain": [0, 1]}}
    tooltip = [
        {"field": "far", "type": "quantitative", "title": "False accept rate", "format": ".4f"},
        {"field": "tar", "type": "quantitative", "title": "True accept rate", "format": ".4f"},
        {"field": "threshold", "type": "quantitative", "title": "Threshold", "format": ".4f"},
    ]
    return {
        "description": "ROC curve: true accept rate over false accept rate, with the chosen threshold marked.",
        "width": "container",
        "height": 320,
        "background": "transparent",
        "layer": [
            {
                "data": {"values": [{"far": 0, "tar": 0}, {"far": 1, "tar": 1}]},
                "mark": {"type": "line", "color": "#7d7d7d", "strokeDash": [4, 4], "strokeWidth": 1},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": curve},
                "mark": {"type": "line", "color": "#3f7fbf", "interpolate": "step-after", "strokeWidth": 2},
                "encoding": {"x": x, "y": y, "order": {"field": "threshold"}},
            },
            {
                "data": {"values": curve},
                "mark": {"type": "point", "color": "#3f7fbf", "size": 30, "opacity": 0.01},
                "encoding": {"x": x, "y": y, "tooltip": tooltip},
            },
            {
                "data": {"values": [{"far": chosen[0], "tar": chosen[1]}]},
                "mark": {"type": "point", "color": "#c2572b", "filled": True, "size": 90},
                "encoding": {"x": x, "y": y},
            },
        ],
        "config": {
            "view": {"stroke": None},
            "axis": {
                "labelColor": "#7d7d7d",
                "titleColor": "#7d7d7d",
                "domainColor": "#7d7d7d",
                "tickColor": "#7d7d7d",
                "gridColor": "#7d7d7d",
                "gridOpacity": 0.25,
            },
        },
    }


def _thinned(roc: Roc, at_most: int = 1000) -> list[tuple[float, float, float]]:
    """Points (false rate, true rate, threshold) of the curve; evenly fewer where there are too many."""
    points = list(zip(roc.false_accept_rates, roc.true_accept_rates, roc.thresholds, strict=True))
    if len(points) <= at_most:
        return points
    kept = np.unique(np.linspace(0, len(points) - 1, at_most).round().astype(int))
    return [points[index] for index in kept]
