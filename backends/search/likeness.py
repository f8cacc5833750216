"""Near duplicates by a perceptual hash: 64 bits of a picture's coarse look that scaling, JPEG and light leave alone.

pHash (Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions"): the picture in grey at 32 x
32 px, its discrete cosine transform, of which the 8 x 8 lowest frequencies are each above their median or not.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image

_SIDE_PX, _FREQUENCIES = 32, 8


def perceptual_hash(rgb: npt.NDArray[np.uint8]) -> bytes:
    """8 bytes of a picture, uint8 (H, W, 3)."""
    grey = PIL.Image.fromarray(rgb).convert("L").resize((_SIDE_PX, _SIDE_PX), PIL.Image.Resampling.BOX)
    low = cv2.dct(np.asarray(grey, np.float64))[:_FREQUENCIES, :_FREQUENCIES].ravel()
    low[0] = 0.0  # the brightness
    return np.packbits(low > np.median(low)).tobytes()


def bits_apart(first: bytes, second: bytes) -> int:
    """In how many of 64 bits two hashes differ."""
    return (int.from_bytes(first) ^ int.from_bytes(second)).bit_count()


def groups(hashes: Sequence[tuple[int, bytes]], most_bits: int) -> list[list[tuple[int, int]]]:
    """Pictures that are nearly the same as the first of their group.

    Args:
        hashes: (id, hash) of each picture; an earlier one comes first in its group.
        most_bits: the largest difference from the first.

    Returns:
        groups of at least two, each of (id, bits apart from the first), in the order of the pictures.
    """
    import faiss

    if not hashes:
        return []
    codes = np.frombuffer(b"".join(value for _, value in hashes), np.uint8).reshape(len(hashes), 8)
    index = faiss.IndexBinaryFlat(64)
    index.add(codes)
    starts, distances, places = index.range_search(codes, most_bits + 1)  # strictly below
    taken: set[int] = set()
    made = []
    for first in range(len(hashes)):
        if first in taken:
            continue
        near = sorted(
            (int(place), int(bits))
            for place, bits in zip(
                places[starts[first] : starts[first + 1]], distances[starts[first] : starts[first + 1]], strict=True
            )
            if place >= first and place not in taken
        )
        if len(near) > 1:
            taken |= {place for place, _ in near}
            made.append([(hashes[place][0], bits) for place, bits in near])
    return made
