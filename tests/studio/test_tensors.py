"""Weight files: tensors, and facts beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from studio.tensors import dequantized, quantized, read

WEIGHT = torch.randn(5, 3, 2, 2, generator=torch.Generator().manual_seed(0))
TENSORS = {"first.weight": WEIGHT, "first.bias": torch.arange(5.0), "steps": torch.tensor(7)}


def test_a_file_is_read_with_its_facts(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "file", metadata={"classes": "cat,dog"})
    tensors, facts = read(tmp_path / "file")
    assert facts == {"classes": "cat,dog"}
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_a_file_without_facts_has_none(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "file")
    assert read(tmp_path / "file")[1] == {}


def test_eight_bits_are_near_and_take_a_quarter(tmp_path: Path) -> None:
    kept = quantized(TENSORS)
    assert kept["first.weight"].dtype == torch.int8
    save_file(kept, tmp_path / "file")
    tensors, _ = read(tmp_path / "file")
    assert tensors.keys() == TENSORS.keys()
    bound = WEIGHT.flatten(1).abs().amax(1) / 254 + 1e-6
    assert ((tensors["first.weight"] - WEIGHT).flatten(1).abs().amax(1) <= bound).all()
    assert torch.equal(tensors["first.bias"], TENSORS["first.bias"])
    assert torch.equal(tensors["steps"], TENSORS["steps"])


def test_what_is_packed_again_does_not_change() -> None:
    once = dequantized(quantized(TENSORS))["first.weight"]
    assert torch.equal(dequantized(quantized({"w": once}))["w"], once)


def test_rows_of_zeros_stay_zeros() -> None:
    assert torch.equal(dequantized(quantized({"w": torch.zeros(2, 3)}))["w"], torch.zeros(2, 3))


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "file")
    whole = (tmp_path / "file").read_bytes()
    (tmp_path / "file").write_bytes(whole[:-8])
    with pytest.raises(SafetensorError):
        read(tmp_path / "file")
