"""Tiny checkpoints of the real classifiers, from the local hub to an explained answer through the runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backends.pictures.task import ClassificationOutputs, image_classification
from studio.catalogue import Catalogue, Entry
from studio.errors import WeightsUnavailable
from studio.runtime import Runtime
from tests.backends.pictures.test_classifier import EXAMPLES
from tests.backends.pictures.test_imagenet import TINY, tiny_checkpoint
from tests.hub.local_hub import LocalHub

MakeRuntime = Callable[..., Runtime]


@pytest.mark.slow
@pytest.mark.parametrize(("adapter", "kind"), [("convnext", "ConvNext"), ("vit", "Vit")])
def test_download_load_run_and_explain(
    make_runtime: MakeRuntime,
    hub: LocalHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    adapter: str,
    kind: str,
) -> None:
    from backends.pictures import imagenet

    monkeypatch.setattr(getattr(imagenet, kind), "model_args", TINY[kind])
    hub.files.clear()
    hub.files["model.safetensors"] = tiny_checkpoint(kind, tmp_path / "made.safetensors").read_bytes()
    hub.faults.cut_at, hub.faults.cuts = 0.6, 1
    family = tmp_path / "pictures"
    family.mkdir()
    (family / "weights.toml").write_text(hub.row().replace("[net", f"[{adapter}"))
    runtime = make_runtime(Catalogue([Entry(image_classification, family)]))
    values = {"image": EXAMPLES / "cat.jpg", "explain": "tabby", "top_k": 3}

    with pytest.raises(WeightsUnavailable, match="to download") as caught:
        runtime.run("image_classification", values, adapter)
    assert f"pull {adapter}" in str(caught.value.hint)
    assert runtime.shelf.pull(family, adapter).wait(30)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # nothing more is fetched, or asked about
    asked = len(hub.requests)
    outputs = runtime.run("image_classification", values, adapter).outputs
    assert len(hub.requests) == asked
    assert isinstance(outputs, ClassificationOutputs)
    assert outputs.explained == "tabby, tabby cat"
    assert len(outputs.scores.root) == 3
    assert outputs.overlay.resolution_wh == (451, 300)
