"""Optimisation with the maps of ResNet-50 (He et al. 2016), which torchvision trained on ImageNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import resnet50

from backends.style.encoder import LAYERS
from backends.style.gatys import Gatys
from studio.weights import Weights

#: Of ImageNet's training pictures, per channel, in 0..1.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ResNetEye(nn.Module):
    """Maps of RGB pictures (N, 3, H, W) in 0..1, under the names of our own encoder's layers of the same step.

    One pixel apart it is the normalised picture itself; 2, 4 and 8 px apart the first convolution's 64 maps, and the
    256 and 512 of the first two stages.

    Args:
        tensors: of the whole network, as torchvision names them.
    """

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        net = resnet50()
        net.load_state_dict(tensors)
        first = nn.Sequential(net.conv1, net.bn1, net.relu)
        self.stages = nn.ModuleList([first, nn.Sequential(net.maxpool, net.layer1), net.layer2])
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1))

    def forward(self, rgb: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The maps of the named layers. Nothing deeper than the deepest one is computed."""
        steps = {name: LAYERS[name][1] for name in layers}
        maps = (rgb - cast(Tensor, self.mean)) / cast(Tensor, self.deviation)
        by_step = {1: maps}
        for number, stage in enumerate(self.stages, 1):
            if 2**number <= max(steps.values()):
                maps = by_step[2**number] = stage(maps)
        return {name: by_step[step] for name, step in steps.items()}


class GatysResNet50(Gatys):
    """As `Gatys`, seen with other eyes.

    Args:
        weights: file `model`, of torchvision's first weights for ResNet-50.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        eye = ResNetEye(load_file(weights.path())).eval().requires_grad_(False)
        super().__init__(weights, device, eye.to(device))
