"""Grad-CAM on networks small enough to be followed by hand."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from backends.pictures.gradcam import grad_cam, tapped, tokens_as_maps


class Weighing(nn.Module):
    """Two maps, of which class 0 wants the first and class 1 the second rather than the first."""

    def __init__(self) -> None:
        super().__init__()
        self.doubled = nn.Conv2d(2, 2, 1, bias=False)
        self.doubled.weight.data = 2 * torch.eye(2).view(2, 2, 1, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        sums = self.doubled(pixels).sum((2, 3))  # (N, 2)
        return torch.stack([sums[:, 0], sums[:, 1] - sums[:, 0]], dim=1)


PIXELS = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 3.0]]]])  # (1, 2, 2, 2)


def test_each_class_has_its_place() -> None:
    net = Weighing()
    answer, maps = tapped(net, net.doubled, PIXELS)
    assert answer.tolist() == [[2.0, 4.0]]
    assert grad_cam(maps, answer[:, 0]).tolist() == [[[2.0, 0.0], [0.0, 0.0]]]
    assert grad_cam(maps, answer[:, 1]).tolist() == [[[0.0, 0.0], [0.0, 6.0]]]  # what speaks against is left out


def test_the_weight_is_the_mean_of_the_gradient() -> None:
    maps = torch.rand(1, 3, 4, 5, requires_grad=True)
    score = (maps**2).sum((1, 2, 3))
    expected = ((2 * maps).mean((2, 3), keepdim=True) * maps).sum(1).relu()
    assert np.allclose(grad_cam(maps, score), expected.detach().numpy())


def test_pictures_of_a_batch_do_not_mix() -> None:
    net = Weighing()
    both = torch.cat([PIXELS, PIXELS.flip(3)])
    answer, maps = tapped(net, net.doubled, both)
    heats = grad_cam(maps, answer[:, 1])
    assert heats[0].argmax() == 3
    assert heats[1].argmax() == 2


def test_what_comes_before_the_layer_keeps_no_gradients_and_the_hook_is_gone() -> None:
    net = Weighing().requires_grad_(False)
    _, maps = tapped(net, net.doubled, PIXELS)
    assert maps.is_leaf
    assert maps.requires_grad
    assert not net(PIXELS).requires_grad


def test_tokens_are_laid_out_as_their_patches_were() -> None:
    patches = torch.arange(9.0).view(1, 9, 1).expand(1, 9, 2)
    tokens = torch.cat([torch.full((1, 1, 2), -1.0), patches], dim=1)  # a class token first
    maps = tokens_as_maps(tokens)
    assert maps.shape == (1, 2, 3, 3)
    assert maps[0, 1].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert torch.equal(tokens_as_maps(patches), maps)  # without one
