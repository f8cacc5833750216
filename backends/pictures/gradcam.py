"""Grad-CAM: where in a picture the evidence for a class lies (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391).

Needs the maps of one layer and a score computed from them, and so works for any network that can be tapped. Own code,
because the method is four lines and the libraries that have it bring plotting and clustering along.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

#: float32 (h, w): how much each place speaks for a class, never negative; the scale is the network's own.
Heat = npt.NDArray[np.float32]


def tokens_as_maps(tokens: Tensor) -> Tensor:
    """The tokens of a vision transformer (N, T, C), laid out as its grid of patches (N, C, h, w).

    What stands before the patches (class token, registers) is left out. The grid is square.
    """
    side = math.isqrt(tokens.shape[1])
    patches = tokens[:, -side * side :].transpose(1, 2)  # (N, C, side * side)
    return patches.reshape(len(tokens), -1, side, side)


def tapped(net: Callable[[Tensor], Tensor], layer: nn.Module, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """A network's answer to pixels (N, 3, H, W), and the output of one of its layers, by which it can be derived.

    Where the parameters need no gradients, what comes before the layer costs as little as without any.
    """
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_())
        return kept[-1]

    hook = layer.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            answer = net(pixels)
    finally:
        hook.remove()
    return answer, kept[-1]


def grad_cam(output: Tensor, score: Tensor, as_maps: Callable[[Tensor], Tensor] = lambda output: output) -> Heat:
    """How much each place of a layer speaks for a class: float32 (N, h, w).

    The layer's maps are added up, each weighted by the mean of the score's gradient over it. What speaks against the
    class is left out.

    Args:
        output: of the layer, as `tapped` gives it.
        score: the logits of the class, (N).
        as_maps: brings the layer's output into the shape of maps (N, C, h, w), where it has another.
    """
    (gradient,) = torch.autograd.grad(score.sum(), output, retain_graph=True)
    weights = as_maps(gradient).mean((2, 3), keepdim=True)  # (N, C, 1, 1)
    heat = (weights * as_maps(output)).sum(1).relu()  # (N, h, w)
    return np.asarray(heat.detach().float().cpu().numpy(), np.float32)
