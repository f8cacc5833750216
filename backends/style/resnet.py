"""Optimisation with the maps of ResNet-50 (He et al. 2016), which torchvision trained on ImageNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import resnet50

from backends.style.gatys import Gatys
from studio.weights import Weights

#: Of ImageNet's training pictures, per channel, in 0..1.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ResNetEye(nn.Module):
    """Maps of RGB pictures (N, 3, H, W) in 0..1, under the names of our own encoder's layers of the same step.

    `whiten` is the normalised picture itself, `refine1` the 64 maps of the first convolution, 2 px apart, `halve2` the
    256 of the first stage, 4 px apart.

    Args:
        tensors: of the whole network, as torchvision names them.
    """

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        net = resnet50()
        net.load_state_dict(tensors)
        self.first = nn.Sequential(net.conv1, net.bn1, net.relu)
        self.stage = nn.Sequential(net.maxpool, net.layer1)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1))

    def forward(self, rgb: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The maps of the named layers."""
        found = {"whiten": (rgb - cast(Tensor, self.mean)) / cast(Tensor, self.deviation)}
        found["refine1"] = self.first(found["whiten"])
        if "halve2" in layers:
            found["halve2"] = self.stage(found["refine1"])
        return {name: found[name] for name in layers}


class GatysResNet50(Gatys):
    """As `Gatys`, seen with other eyes.

    Args:
        weights: file `model`, of torchvision's first weights for ResNet-50.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        eye = ResNetEye(load_file(weights.path())).eval().requires_grad_(False)
        super().__init__(weights, device, eye.to(device))
