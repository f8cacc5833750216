"""How a detector reads pictures: sizes, mirror images and what counts as one thing, chosen on the validation split."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from backends.detection.net import Look, Network, as_told
from backends.detection.views import Runner
from recipes.average_precision import Measured, evaluate
from recipes.boxed import Scenes


@dataclass(frozen=True)
class Reading:
    """What is tried.

    Attributes:
        sizes_px: of each network the longer sides at which it may read. Where nothing is fused, the best is kept; else
            all are read, and the best of the first network is that of one look.
        overlaps: from which overlap on to fuse what is found at all sizes; none to read at the best size alone.
        ways: with how many mirror images to read all sizes, see `backends.detection.views.mirrored_too`.
        frame_ways: the same for frames of videos and webcams, which the first network reads at one size.
    """

    sizes_px: tuple[tuple[int, ...], ...]
    overlaps: tuple[float, ...] = ()
    ways: tuple[int, ...] = (1,)
    frame_ways: int = 1


def chosen(
    reading: Reading, description: dict[str, Any], runs: Sequence[Runner], held_out: Scenes
) -> tuple[Network, dict[str, Any]]:
    """The network as the studio will read pictures with it, and its description for `backends.detection.net.as_told`.

    Args:
        description: of the network without a word on reading.
        runs: the trained networks.
        held_out: the validation split.
    """
    names = tuple(description["names"])
    known = [_remembering(run) for run in runs]
    orders = []
    for run, sizes_px in zip(known, reading.sizes_px, strict=True):
        single = {px: evaluate(Network(Look(run, px), names), held_out) for px in sizes_px}
        for px, found in single.items():
            print(f"val at {px} px: {found}", flush=True)
        orders.append(sorted(single, key=lambda px: -single[px].map50))
    told = {**description, "size_px": orders[0][0], "ways": reading.frame_ways}
    if not reading.overlaps:
        return as_told(told, runs.__getitem__), told
    tried: list[tuple[Measured, dict[str, Any]]] = []
    for ways, overlap in itertools.product(reading.ways, reading.overlaps):
        several = {**told, "looks": {"sizes_px": orders, "ways": ways, "overlap": overlap}}
        found = evaluate(as_told(several, known.__getitem__), held_out)
        print(f"val at {orders} px, {ways} ways, fused from an overlap of {overlap}: {found}", flush=True)
        tried.append((found, several))
    best = max(tried, key=lambda each: each[0].map50)[1]
    return as_told(best, runs.__getitem__), best


def _remembering(run: Runner) -> Runner:
    """Computes each picture once: all that is tried reads the same ones."""
    answers: dict[tuple[bytes, tuple[int, ...]], tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]] = {}

    def answer(inputs: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        key = blake2b(np.ascontiguousarray(inputs).tobytes()).digest(), inputs.shape
        if key not in answers:
            answers[key] = run(inputs)
        return answers[key]

    return answer
