"""The encoder: its maps are the classifier's, of any size, at every depth."""

from __future__ import annotations

import pytest
import torch

from backends.style.encoder import LAYERS, LEAST_PX, Encoder
from recipes.style_encoder import ORIGINAL, Config, difference, first_network, folded


def test_the_folded_maps_are_the_classifiers() -> None:
    original = first_network(ORIGINAL)
    encoder = folded(original)
    assert difference(encoder, original, Config()) < 10
    encoder.refine2.bias.add_(0.01)
    assert difference(encoder, original, Config()) > 100, "the comparison sees a small change"


def test_every_layer_has_the_channels_and_the_size_that_it_says() -> None:
    maps = Encoder()(torch.rand(2, 3, 48, 40))
    assert list(maps) == list(LAYERS)
    for name, (channels, step) in LAYERS.items():
        assert maps[name].shape == (2, channels, 48 // step, 40 // step), name


def test_pictures_of_the_least_size_have_all_maps() -> None:
    maps = Encoder()(torch.rand(1, 3, LEAST_PX, LEAST_PX + 1))
    assert all(torch.isfinite(values).all() for values in maps.values())


def test_one_layer_alone_is_the_same_as_among_all() -> None:
    encoder, rgb = Encoder(), torch.rand(1, 3, 32, 32)
    everything = encoder(rgb)
    for name in LAYERS:
        assert torch.equal(encoder(rgb, (name,))[name], everything[name]), name


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="conv9"):
        Encoder()(torch.rand(1, 3, 32, 32), ("conv9",))
