"""Watercolour: transparent washes with bleeding edges on grained paper."""

from __future__ import annotations

import numpy as np

from recipes.paintings.canvas import SIDE, Floats, Generator, blurred, grid, hexes, noise, ramp, ridge, soft


def watercolour(rng: Generator) -> Floats:
    """Hills in the mist, and blossoms: soft washes, dark where their edges dried."""
    x, y = grid()
    paper = 1 + 0.035 * noise(rng, 220, 2)
    light = np.ones((SIDE, SIDE, 3), np.float32) * hexes("fdfaf3")[0]
    sky = soft(0.5 - y + 0.16 * noise(rng, 3, 4), 0.5)
    light = _wash(
        light, sky * 0.75, ramp(x + 0.5 * noise(rng, 2, 2), (0, 0.5, 1), hexes("7fb4d9", "b9a7d6", "f3b6a6")), rng
    )
    light = _wash(
        light, soft(0.08 - np.hypot(x - 0.66, y - 0.24) + 0.01 * noise(rng, 8, 3), 0.02), hexes("ffc46b")[0], rng
    )
    for height, tones in (
        (0.42, ("9db7d4", "c9b7d8")),
        (0.5, ("6f9bbd", "7fb0a8")),
        (0.6, ("4f8a86", "93b06a")),
        (0.72, ("3d6f6b", "c2b24f")),
    ):
        below = y - ridge(rng, height, 0.09, 4)[None] + 0.012 * noise(rng, 24, 3)
        shape = soft(below, 0.008) * (1 - 0.75 * soft(below - 0.16 + 0.08 * noise(rng, 4, 3), 0.2))
        light = _wash(light, shape, ramp(noise(rng, 3, 3), (-0.6, 0.6), hexes(*tones)), rng)
    water = soft(y - 0.82 + 0.02 * noise(rng, 8, 2), 0.02) * (0.55 + 0.3 * np.sin(60 * y + 6 * noise(rng, 4, 2)))
    light = _wash(light, water.astype(np.float32), ramp(x, (0, 1), hexes("5a9fc0", "8fc4c4")), rng)
    ragged = noise(rng, 20, 2)
    for _ in range(46):
        cx, cy, reach = rng.uniform(0, 0.42), rng.uniform(0.02, 0.62), rng.uniform(0.015, 0.05)
        blot = soft(reach - np.hypot(x - cx, y - cy) + 0.02 * ragged, 0.01)
        tone = hexes("e26a8a", "f2a0a8", "c2407a", "f6c2b0")[rng.integers(4)]
        light = _wash(light, blot * rng.uniform(0.4, 0.9), tone, None)
    branch = 0.003 + 0.009 * np.clip(y - 0.1, 0, 1)
    for bend, start in ((0.12, 0.12), (0.3, 0.05), (-0.2, 0.3)):
        twig = soft(branch - np.abs(x - start - bend * np.clip(0.75 - y, 0, 1) ** 1.4 - 0.01 * np.sin(25 * y)), 0.004)
        light = _wash(light, (0.8 * twig).astype(np.float32), hexes("5a3f3a")[0], rng)
    for _ in range(90):  # drops that fell off the brush
        cx, cy, reach = rng.uniform(0, 1), rng.uniform(0, 1), rng.exponential(0.004) + 0.002
        light = _wash(
            light,
            0.5 * soft(reach - np.hypot(x - cx, y - cy), 0.003),
            hexes("7fa9c4", "e59aa4", "9cb36a")[rng.integers(3)],
            None,
        )
    return light * np.clip(paper, 0.9, 1.06)[..., None]


def _wash(light: Floats, shape: Floats, colour: Floats, rng: Generator | None) -> Floats:
    """A glaze: paint takes away light. It gathers at the edges, and in patches where it was wet."""
    shape = shape.astype(np.float32)
    bloom = 1 if rng is None else np.clip(1 + 0.4 * noise(rng, 5, 4) + 0.1 * noise(rng, 70, 2), 0.35, 1.6)
    thick = shape * bloom * 0.8 + 1.1 * np.clip(shape - blurred(shape, 7), 0, 1)
    return np.asarray(light * np.clip(1 - (1 - colour) * np.clip(thick, 0, 1.3)[..., None], 0, 1))
