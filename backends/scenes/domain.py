"""Whether a picture is of the world that the networks know: how far its features are from those of drawn scenes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor

from backends.scenes.net import SceneEncoder

#: Share of the drawn scenes that are taken for strange.
STRANGE = 0.01
_PREFIX = "domain."


class Domain:
    """The drawn scenes' features: their mean (F), the inverse of their covariance (F, F), and a limit.

    After Lee et al. 2018 (https://arxiv.org/abs/1807.03888).
    """

    def __init__(self, mean: Tensor, precision: Tensor, limit: Tensor) -> None:
        self._mean, self._precision, self._limit = mean, precision, limit

    @classmethod
    @torch.inference_mode()
    def fitted(cls, encoder: SceneEncoder, pictures: Tensor) -> Self:
        """From drawn scenes, uint8 (N, 3, 96, 96): one half gives mean and covariance, the other the limit."""
        parts = torch.split(pictures, 250)
        found = torch.cat([_features(encoder.maps(part.float().div(255))) for part in parts]).double()
        kept, rest = found[: len(found) // 2], found[len(found) // 2 :]
        covariance = torch.cov(kept.T)
        even = 1e-4 * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=torch.float64)
        domain = cls(kept.mean(0), torch.linalg.inv(covariance + even), torch.ones(1))
        domain._limit = domain._distances(rest).quantile(1 - STRANGE)[None]
        return domain

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Self:
        """From a weight file's tensors, as `tensors` names them."""
        return cls(*(tensors[f"{_PREFIX}{name}"].double() for name in ("mean", "precision", "limit")))

    @property
    def tensors(self) -> dict[str, Tensor]:
        """As they are kept in a weight file."""
        kept = {"mean": self._mean, "precision": self._precision, "limit": self._limit}
        return {f"{_PREFIX}{name}": value.float() for name, value in kept.items()}

    def strangeness(self, maps: Tensor) -> Tensor:
        """Squared Mahalanobis distances (N) of pictures from their maps (N, 128, 12, 12), in multiples of the limit."""
        return self._distances(_features(maps).cpu().double()) / self._limit

    def _distances(self, found: Tensor) -> Tensor:
        apart = found - self._mean
        return (apart @ self._precision * apart).sum(1)


def network_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What in a weight file belongs to the network, as float32."""
    return {name: value.float() for name, value in tensors.items() if not name.startswith(_PREFIX)}


def _features(maps: Tensor) -> Tensor:
    """The maps' means and deviations over a picture: (N, 256)."""
    deviations, means = torch.std_mean(maps.float(), (2, 3))
    return torch.cat([means, deviations], 1)
