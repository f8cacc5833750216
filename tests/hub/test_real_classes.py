"""A tiny checkpoint of a real class, pulled from the local hub and loaded as a hub adapter would load it."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.downloads import Downloads
from studio.weights import Shelf
from tests.hub.local_hub import LocalHub


@pytest.mark.slow
def test_a_tiny_vit_is_the_same_after_the_pull(hub: LocalHub, tmp_path: Path) -> None:
    import torch
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=16, patch_size=8
    )
    model = ViTForImageClassification(config).eval()
    model.save_pretrained(tmp_path / "made")
    hub.files.clear()
    hub.files |= {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    hub.faults.cut_at, hub.faults.cuts = 0.6, 1
    (tmp_path / "weights.toml").write_text(hub.row())
    shelf = Shelf(tmp_path, Downloads())
    download = shelf.pull(tmp_path, "net")
    assert download.wait(30)
    assert download.error is None
    folder = shelf.resolve(tmp_path, "net").path("model").parent
    pulled = ViTForImageClassification.from_pretrained(folder, local_files_only=True).eval()
    pixels = torch.randn(1, 3, 16, 16)  # (B, C, H, W)
    with torch.no_grad():
        assert torch.equal(pulled(pixels).logits, model(pixels).logits)
