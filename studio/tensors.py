"""What a weight file of our recipes holds: tensors, and facts beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import safe_open

if TYPE_CHECKING:
    from torch import Tensor


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file by name, in memory, and its metadata.

    Raises:
        SafetensorError: the file is no such file, or cut.
    """
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.offset_keys()}, file.metadata() or {}
