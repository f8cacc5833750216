"""Optimisation with the maps of networks that torchvision trained on ImageNet: VGG19 and ResNet-50."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import resnet50, vgg19

from backends.style.encoder import LAYERS
from backends.style.gatys import Gatys
from studio.weights import Weights

#: Of ImageNet's training pictures, per channel, in 0..1.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: The layers of VGG19 (Simonyan and Zisserman 2015) that end with the last maps 1, 2, 4 and 8 px apart.
_VGG_STAGES = (slice(0, 4), slice(4, 9), slice(9, 18), slice(18, 27))


class ImageNetEye(nn.Module):
    """Maps of RGB pictures (N, 3, H, W) in 0..1, under the names of our own encoder's layers of the same step.

    Args:
        stages: networks, each for the maps of the one before, that make maps 1, 2, 4 and 8 px apart.
    """

    def __init__(self, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1))

    def forward(self, rgb: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The maps of the named layers. Nothing deeper than the deepest one is computed."""
        steps = {name: LAYERS[name][1] for name in layers}
        maps = (rgb - cast(Tensor, self.mean)) / cast(Tensor, self.deviation)
        by_step: dict[int, Tensor] = {}
        for number, stage in enumerate(self.stages):
            if 2**number <= max(steps.values()):
                maps = by_step[2**number] = stage(maps)
        return {name: by_step[step] for name, step in steps.items()}


def resnet_eye(tensors: Mapping[str, Tensor]) -> ImageNetEye:
    """ResNet-50 (He et al. 2016). One pixel apart: the normalised picture; then 64, 256 and 512 maps.

    Args:
        tensors: of the whole network, as torchvision names them.
    """
    net = resnet50()
    net.load_state_dict(tensors)
    first = nn.Sequential(net.conv1, net.bn1, net.relu)
    return ImageNetEye([nn.Identity(), first, nn.Sequential(net.maxpool, net.layer1), net.layer2])


def vgg_eye(tensors: Mapping[str, Tensor]) -> ImageNetEye:
    """VGG19, with which Gatys et al. painted: 64, 128, 256 and 512 maps, the last of each of four blocks.

    Args:
        tensors: of the whole network, as torchvision names them; its linear layers are left out.
    """
    with torch.device("meta"):
        features = vgg19().features
    own = {name.removeprefix("features."): value for name, value in tensors.items() if name.startswith("features.")}
    features.load_state_dict(own, assign=True)
    layers = [nn.ReLU() if isinstance(layer, nn.ReLU) else layer for layer in features]  # torchvision's write over maps
    return ImageNetEye([nn.Sequential(*layers[stage]) for stage in _VGG_STAGES])


class GatysResNet50(Gatys):
    """As `Gatys`, seen with the eyes of ResNet-50.

    Args:
        weights: file `model`, of torchvision's first weights for ResNet-50.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        super().__init__(weights, device, _ready(resnet_eye(load_file(weights.path())), device))


class GatysVgg19(Gatys):
    """As `Gatys`, seen with the eyes of VGG19.

    Args:
        weights: file `model`, of torchvision's weights for VGG19: a state dictionary in PyTorch's format of before 1.6,
            read without any code in it.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        tensors = torch.load(weights.path(), map_location="cpu", weights_only=True)
        super().__init__(weights, device, _ready(vgg_eye(tensors), device))


def _ready(eye: ImageNetEye, device: str) -> ImageNetEye:
    return eye.eval().requires_grad_(False).to(device)
