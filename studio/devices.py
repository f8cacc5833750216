"""Where models can run, how much memory there is and is taken, and giving it back."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress

import psutil

from studio.contract import Adapter

#: Share of a GPU's memory for models, where the operator names no figure; the rest is for activations.
GPU_SHARE = 0.8


def choose_device(wanted: str, adapter: Adapter) -> str:
    """The device an adapter runs on: the first of its own that this machine has, or the operator's if it can use it.

    A GPU with less memory than the adapter's `gpu_memory_mb` is passed over.
    """
    candidates = adapter.devices if wanted == "auto" else tuple(d for d in adapter.devices if d in (wanted, "cpu"))
    for device in candidates or ("cpu",):
        if device == "cpu" or (has(device) and total_mb(device) >= adapter.gpu_memory_mb):
            return device
    return "cpu"


def has(device: str) -> bool:
    """Whether the machine has it."""
    import torch

    return torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself. One without AMX or AVX-512 BF16 is slower with it."""
    import torch

    able = torch.cpu.get_capabilities()
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))


def total_mb(device: str) -> int:
    """Memory of a device in MB. An Apple GPU has the machine's."""
    if device == "cuda":
        import torch

        return int(torch.cuda.get_device_properties(0).total_memory / 1e6)
    return int(psutil.virtual_memory().total / 1e6)


def used_mb(device: str) -> float:
    """Memory that this process takes on a device, in MB: resident memory, or what tensors take on a GPU."""
    if device == "cuda":
        import torch

        return torch.cuda.memory_allocated() / 1e6
    if device == "mps":
        import torch

        return torch.mps.current_allocated_memory() / 1e6
    return psutil.Process().memory_info().rss / 1e6


def give_back() -> None:
    """Return what nobody refers to any more to the system, on every device."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if torch is not None and torch.backends.mps.is_available():
        torch.mps.empty_cache()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # only glibc keeps freed memory so, and only it has this
            ctypes.CDLL(None).malloc_trim(0)


class OutOfGpuMemory(RuntimeError):
    """The memory of a GPU that is not in this process did not suffice."""


def out_of_gpu_memory(fault: BaseException) -> bool:
    """Whether an error says that a GPU's memory did not suffice."""
    if isinstance(fault, OutOfGpuMemory):
        return True
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(fault, RuntimeError):
        return False
    return isinstance(fault, torch.OutOfMemoryError) or "MPS backend out of memory" in str(fault)
