"""VGG19 and ResNet-50 as other eyes: the real classes with random weights, pulled from a server on loopback."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torchvision.models import resnet50, vgg19

from backends.style.fields import StyleInputs, StyleOutputs
from backends.style.gatys import Gatys
from backends.style.imagenet import GatysResNet50, GatysVgg19, resnet_eye, vgg_eye
from bench.bare import BareRun
from studio.downloads import Downloads
from studio.errors import WeightsUnavailable
from studio.media.image import Image
from studio.weights import Shelf
from tests.hub.conftest import hub
from tests.hub.local_hub import LocalHub, pulled

__all__ = ["hub"]

pytestmark = pytest.mark.slow  # a hundred megabytes are written, sent and read


@pytest.fixture(scope="module")
def tensors() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return resnet50().state_dict()


def content(tensors: dict[str, torch.Tensor]) -> dict[str, bytes]:
    return {"model.safetensors": save({name: value.contiguous() for name, value in tensors.items()})}


def test_its_maps_lie_where_those_of_our_own_do(tensors: dict[str, torch.Tensor]) -> None:
    eye = resnet_eye(tensors).eval()
    found = eye(torch.rand(1, 3, 64, 48), ("whiten", "refine1", "halve2", "refine3"))
    shapes = [tuple(maps.shape[1:]) for maps in found.values()]
    assert shapes == [(3, 64, 48), (64, 32, 24), (256, 16, 12), (512, 8, 6)]
    assert list(eye(torch.rand(1, 3, 64, 48), ("refine1",))) == ["refine1"]
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    assert eye(mean, ("whiten",))["whiten"].abs().max() < 1e-6
    whole = resnet50()
    whole.load_state_dict(tensors)
    rgb = torch.rand(1, 3, 64, 64)
    first = whole.eval().conv1((rgb - eye.mean) / eye.deviation)
    assert torch.allclose(eye(rgb, ("refine1",))["refine1"], torch.relu(whole.bn1(first)), atol=1e-5)


@pytest.fixture(scope="module")
def vgg_tensors() -> dict[str, torch.Tensor]:
    """Those of the convolutions, and of one that they are not: the whole file is 574 MB."""
    torch.manual_seed(1)
    return vgg19().features.state_dict(prefix="features.") | {"classifier.6.bias": torch.zeros(1_000)}


def vgg_content(tensors: dict[str, torch.Tensor]) -> dict[str, bytes]:
    buffer = io.BytesIO()
    torch.save(tensors, buffer, _use_new_zipfile_serialization=False)  # as the real file is
    return {"vgg19.pth": buffer.getvalue()}


def test_the_maps_of_vgg19_are_those_of_torchvisions(vgg_tensors: dict[str, torch.Tensor]) -> None:
    eye = vgg_eye(vgg_tensors).eval()
    rgb = torch.rand(1, 3, 64, 48)
    found = eye(rgb, ("whiten", "refine1", "halve2", "refine3"))
    shapes = [tuple(maps.shape[1:]) for maps in found.values()]
    assert shapes == [(64, 64, 48), (128, 32, 24), (256, 16, 12), (512, 8, 6)]
    whole = vgg19().features.eval()
    whole.load_state_dict({name.removeprefix("features."): vgg_tensors[name] for name in vgg_tensors if "feat" in name})
    for maps, end in zip(found.values(), (4, 9, 18, 27), strict=True):
        assert torch.allclose(maps, whole[:end]((rgb - eye.mean) / eye.deviation), atol=1e-5)


def painted(backend: Gatys) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    inputs = StyleInputs(content=Image(rgb), painting="mosaic", size=64)
    answers = list(backend(inputs, BareRun()))
    assert isinstance(answers[-1], StyleOutputs)
    assert answers[-1].picture.resolution_wh == (64, 64)
    assert not np.array_equal(answers[-1].picture.rgb, rgb)


def test_resnet50_paints(hub: LocalHub, tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    painted(GatysResNet50(pulled(hub, tmp_path, content(tensors)), "cpu"))


def test_vgg19_paints(hub: LocalHub, tmp_path: Path, vgg_tensors: dict[str, torch.Tensor]) -> None:
    weights = pulled(hub, tmp_path, vgg_content(vgg_tensors), {"vgg19.pth": "model"}, site=hub.site)
    painted(GatysVgg19(weights, "cpu"))


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._path),)


def test_code_in_a_state_dictionary_is_not_run(hub: LocalHub, tmp_path: Path) -> None:
    made = tmp_path / "made"
    trap = vgg_content({"features.0.weight": Trap(made)})  # type: ignore[dict-item]
    weights = pulled(hub, tmp_path, trap, {"vgg19.pth": "model"}, site=hub.site)
    with pytest.raises(pickle.UnpicklingError):
        GatysVgg19(weights, "cpu")
    assert not made.exists()
    torch.load(weights.path(), weights_only=False)
    assert made.exists(), "it would have been run otherwise"


def test_tensors_of_another_network_are_refused(
    hub: LocalHub, tmp_path: Path, tensors: dict[str, torch.Tensor], vgg_tensors: dict[str, torch.Tensor]
) -> None:
    weights = pulled(hub, tmp_path, content(tensors | {"layer9.weight": torch.ones(2)}))
    with pytest.raises(RuntimeError, match=r"layer9\.weight"):
        GatysResNet50(weights, "cpu")
    del vgg_tensors["features.2.weight"]
    with pytest.raises(RuntimeError, match=r"2\.weight"):
        vgg_eye(vgg_tensors)


def test_another_file_than_the_pinned_one_is_removed(
    hub: LocalHub, tmp_path: Path, tensors: dict[str, torch.Tensor]
) -> None:
    files = content(tensors)
    hub.files.clear()
    hub.files |= files
    (tmp_path / "weights.toml").write_text(hub.row())
    name, data = next(iter(files.items()))
    hub.files[name] = data[:-1] + bytes([data[-1] ^ 1])
    shelf = Shelf(tmp_path, Downloads())
    download = shelf.pull(tmp_path, "net")
    assert download.wait(60)
    fault: Any = download.error
    assert isinstance(fault, WeightsUnavailable)
    with pytest.raises(WeightsUnavailable):
        shelf.resolve(tmp_path, "net")


def test_a_cut_download_goes_on(hub: LocalHub, tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    hub.faults.cut_at, hub.faults.cuts = 0.4, 1
    weights = pulled(hub, tmp_path, content(tensors))
    assert [start > 0 for start in hub.gets("model.safetensors")] == [False, True]
    GatysResNet50(weights, "cpu")
