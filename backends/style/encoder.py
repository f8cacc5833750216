"""The network whose maps say what a picture shows and how it is painted: our picture classifier's trunk, folded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from studio.weights import Weights

#: Channels of each layer's maps, and the pixels between two of their places; from the picture upwards.
LAYERS = {
    "whiten": (24, 1),
    "full1": (64, 1),
    "halve1": (64, 2),
    "refine1": (64, 2),
    "full2": (256, 2),
    "halve2": (256, 4),
    "refine2": (256, 4),
    "full3": (256, 4),
    "halve3": (256, 8),
    "refine3": (256, 8),
}
#: Smallest height and width that the deepest layer can be computed for, in pixels.
LEAST_PX = 16


class Eye(Protocol):
    """Whatever has maps of pictures: `Encoder`, or another network under the names of its layers."""

    def __call__(self, rgb: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The maps of the named layers of pictures (N, 3, H, W) in 0..1; see `Encoder.forward`."""


class Encoder(nn.Module):
    """Maps of RGB pictures (N, 3, H, W) in 0..1 at ten depths, of any size from 16 px.

    Seven convolutions without short cuts and without normalisation: the first network of `backends.pictures.net`
    without its linear layer, where each batch normalisation, and the scaling of the pixels, is folded into the
    convolution before it. Made by `python -m recipes style_encoder`.

    Each stage has four maps: `full` before its maxima are taken, `halve` after, `refine` after one more convolution.
    Edges are mirrored, where the classifier pads with zeros: a frame of zeros would be a pattern of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        channels = 24
        for stage, width in enumerate((64, 256, 256), 1):
            self.add_module(f"halve{stage}", nn.Conv2d(channels, width, 3))
            self.add_module(f"refine{stage}", nn.Conv2d(width, width, 3))
            channels = width

    @classmethod
    def load(cls, weights: Weights, device: str, file: str = "model") -> Encoder:
        """The trained one, frozen, on a device, from that file of the weights."""
        net = cls()
        net.load_state_dict(load_file(weights.path(file)))
        return net.eval().requires_grad_(False).to(device)

    def forward(self, rgb: Tensor, layers: Sequence[str] = tuple(LAYERS)) -> dict[str, Tensor]:
        """The maps of the named layers, (N, C, about H / step, about W / step) with the figures of `LAYERS`.

        Nothing deeper than the deepest one is computed.

        Raises:
            ValueError: a layer that there is not.
        """
        if unknown := set(layers) - LAYERS.keys():
            raise ValueError(f"expected layers among {', '.join(LAYERS)}, got {', '.join(sorted(unknown))}")
        found: dict[str, Tensor] = {}
        maps = functional.gelu(self.whiten(functional.pad(rgb, (0, 1, 0, 1), mode="reflect")))
        found["whiten"] = maps
        for stage in (1, 2, 3):
            if not set(layers) - found.keys():
                break
            sharp = _mirrored(getattr(self, f"halve{stage}"), maps)
            if f"full{stage}" in layers:
                found[f"full{stage}"] = functional.gelu(sharp)
            maps = found[f"halve{stage}"] = functional.gelu(functional.max_pool2d(sharp, 2))
            if set(layers) - found.keys():
                maps = found[f"refine{stage}"] = functional.gelu(_mirrored(getattr(self, f"refine{stage}"), maps))
        return {name: found[name] for name in layers}


def _mirrored(convolution: nn.Conv2d, maps: Tensor) -> Tensor:
    """A 3 x 3 convolution of maps whose edges are mirrored."""
    return cast(Tensor, convolution(functional.pad(maps, (1, 1, 1, 1), mode="reflect")))
