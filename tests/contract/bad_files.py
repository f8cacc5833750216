"""Files that no task may accept, each small in bytes."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import PIL.Image

from studio.media.base import Blob

TEXT = b"This is a letter, and nothing but a letter.\n" * 20


def empty(ending: str) -> Blob:
    """Nothing at all."""
    return Blob(f"empty{ending}", b"")


def renamed_text(ending: str) -> Blob:
    """A text under the name of something else."""
    return Blob(f"letter{ending}", TEXT)


def binary_noise(ending: str) -> Blob:
    """Bytes of no format."""
    return Blob(f"noise{ending}", bytes(range(256)) * 8)


def truncated_jpeg() -> Blob:
    """The first half of a photograph: its header is fine."""
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(noise).save(buffer, "JPEG")
    return Blob("half.jpg", buffer.getvalue()[: buffer.tell() // 2])


def huge_png() -> Blob:
    """A header that promises 30,000 x 30,000 pixels, in some sixty bytes."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\0")) + _chunk(b"IEND", b"")
    return Blob("huge.png", data)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def animated_gif() -> Blob:
    """Two frames."""
    frames = [PIL.Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=100)
    return Blob("moving.gif", buffer.getvalue())
