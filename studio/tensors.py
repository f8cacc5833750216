"""What a weight file of our recipes holds: tensors, some of them in eight bits, and facts beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import safe_open

if TYPE_CHECKING:
    from torch import Tensor

#: Where the scales of a tensor in eight bits are kept: one for each of its rows.
_SCALES = ":scales"


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file by name, in memory, and its metadata.

    Raises:
        SafetensorError: the file is no such file, or cut.
    """
    with safe_open(path, "pt") as file:
        return dequantized({name: file.get_tensor(name) for name in file.offset_keys()}), file.metadata() or {}


def quantized(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights (rows, ...) among tensors in symmetric 8-bit integers, a scale a row; the others as they are.

    A number is off by at most 1/254 of the largest of its row.
    """
    import torch

    kept: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2 or not tensor.is_floating_point():
            kept[name] = tensor
            continue
        rows = tensor.float().flatten(1)
        scales = rows.abs().amax(1, keepdim=True).clamp(min=1e-12) / 127
        kept[name] = (rows / scales).round().to(torch.int8).view(tensor.shape)
        kept[name + _SCALES] = scales[:, 0]
    return kept


def dequantized(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `quantized` was given, as float32 where it was changed."""
    plain: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        scales = tensors.get(name + _SCALES)
        if scales is not None:
            plain[name] = tensor.float() * scales.view(-1, *[1] * (tensor.ndim - 1))
        elif not name.endswith(_SCALES):
            plain[name] = tensor
    return plain
