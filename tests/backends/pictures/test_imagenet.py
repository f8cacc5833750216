"""The hub's classifiers at tiny size: the real classes with random weights, from a file to an explained answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from backends.pictures.task import ClassificationInputs, ClassificationOutputs
from studio.errors import InvalidInput
from studio.media.image import Image
from studio.runtime import EMBEDDED
from studio.weights import Shelf, Weights
from tests.backends.pictures.test_classifier import EXAMPLES, FAMILY

pytestmark = pytest.mark.slow  # timm and transformers take seconds to import

#: what makes the networks small, their kinds of layers all kept
TINY: dict[str, dict[str, Any]] = {
    "ConvNext": {"depths": (1, 1, 1, 1), "dims": (8, 8, 12, 16)},
    "Vit": {"embed_dim": 24, "depth": 2, "num_heads": 2},
}
PLACES = {"ConvNext": 7, "Vit": 14}


class Call:
    live = False


def tiny_checkpoint(name: str, file: Path) -> Path:
    """A checkpoint as timm publishes it, with random weights."""
    import timm
    import torch
    from safetensors.torch import save_file

    from backends.pictures import imagenet

    torch.manual_seed(0)
    net = timm.create_model(getattr(imagenet, name).architecture, pretrained=False, **TINY[name])
    torch.nn.init.normal_(net.get_classifier().weight, std=1.0)
    save_file(net.state_dict(), file, metadata={"format": "pt"})
    return file


@pytest.fixture(params=["ConvNext", "Vit"])
def model(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    from backends.pictures import imagenet

    kind = getattr(imagenet, request.param)
    monkeypatch.setattr(kind, "model_args", TINY[request.param])
    return kind(Weights({"model": tiny_checkpoint(request.param, tmp_path / "model.safetensors")}), "cpu")


def told(model: Any, picture: Path | Image = EXAMPLES / "cat.jpg", **more: object) -> ClassificationOutputs:
    image = Image.from_pil(PIL.Image.open(picture)) if isinstance(picture, Path) else picture
    outputs = model(ClassificationInputs(image=image, **more), Call())
    assert isinstance(outputs, ClassificationOutputs)
    return outputs


def test_a_thousand_labels_each_its_own(model: Any) -> None:
    assert len(set(model.labels)) == len(model.labels) == 1000
    assert model.labels[281] == "tabby, tabby cat"
    assert model.labels[134] != model.labels[517]


def test_the_answer_is_the_networks_own(model: Any) -> None:
    """The scores are those of the bare network of timm on the bare transform of timm."""
    import timm
    import torch

    kind = type(model)
    net = timm.create_model(kind.architecture, pretrained=False, **kind.model_args)
    net.load_state_dict(model._net.timm_model.state_dict())
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=net))
    with PIL.Image.open(EXAMPLES / "cat.jpg") as picture, torch.no_grad():
        expected = net.eval()(transform(picture)[None])[0].softmax(0)
    outputs = told(model)
    assert outputs.label == model.labels[int(expected.argmax())]
    assert list(outputs.scores.root.values()) == pytest.approx(expected.topk(5).values.tolist(), rel=1e-4)


def test_a_class_is_found_by_its_name_and_explained(model: Any) -> None:
    rgb = np.asarray(PIL.Image.open(EXAMPLES / "cat.jpg").convert("RGB"))
    part, *rest = model.look(rgb).explain(281)
    assert rest == []
    places = PLACES[type(model).__name__]
    assert part.heat.shape == (places, places)
    assert part.heat.min() >= 0
    assert part.heat.max() > 0
    left, top, right, bottom = part.box_xyxy
    assert right - left == pytest.approx(bottom - top)
    assert left + right == pytest.approx(rgb.shape[1])  # the middle
    assert told(model, explain="tabby").explained == "tabby, tabby cat"
    with pytest.raises(InvalidInput, match="knows no 'spaceship'"):
        told(model, explain="spaceship")


def test_what_it_sees_is_shown_and_lies_where_it_says(model: Any) -> None:
    """A picture whose red grows to the right and whose green grows downwards tells where its part is from."""
    rgb = np.zeros((300, 451, 3), np.uint8)
    rgb[:, :, 0] = np.linspace(0, 255, 451)
    rgb[:, :, 1] = np.linspace(0, 255, 300)[:, None]
    left, top, right, bottom = model.look(rgb).explain(0)[0].box_xyxy
    seen = told(model, Image(rgb)).seen
    assert seen.resolution_wh == (448, 448)
    places = np.array([[left, right], [top, bottom]]) * [[255 / 451], [255 / 300]]
    corners = seen.rgb[0, 0, :2], seen.rgb[-1, -1, :2]
    assert np.abs(np.array(corners, float).T - places).max() < 2


def test_a_long_picture_is_seen_in_part_and_it_says_so(model: Any) -> None:
    outputs = told(model, Image(np.full((40, 200, 3), 90, np.uint8)))
    assert any(note.startswith("The model sees the middle square only: 1") for note in outputs.notes)
    assert outputs.familiarity is None


@pytest.mark.parametrize("name", ["convnext", "vit"])
def test_the_real_weights_know_a_cat(name: str) -> None:
    if Shelf(EMBEDDED).state(FAMILY, name).name != "ready":
        pytest.skip("its weights are not here")
    from backends.pictures import imagenet

    kind = {"convnext": imagenet.ConvNext, "vit": imagenet.Vit}[name]
    assert "cat" in told(kind(Shelf(EMBEDDED).resolve(FAMILY, name), "cpu")).label


def test_features_go_into_the_last_layer(model: Any) -> None:
    """The last layer, put on the bare features, gives the model's own scores."""
    import torch

    rgb = Image.open(EXAMPLES / "cat.jpg").rgb
    features = model.features(rgb)
    assert np.linalg.norm(features) == pytest.approx(1, abs=1e-5)
    layer = model._net.timm_model.get_classifier()
    with torch.no_grad():
        direction = torch.from_numpy(features) @ layer.weight.T
    logits = np.log(model.look(rgb).probabilities)
    bias = layer.bias.detach().numpy() if layer.bias is not None else 0
    assert np.corrcoef(direction.numpy(), logits - bias)[0, 1] > 0.999
