"""Paintings made of brush strokes: impasto oil, a night sky, dots."""

from __future__ import annotations

import cv2
import numpy as np

from recipes.paintings.canvas import (
    SIDE,
    Floats,
    Generator,
    Painter,
    blurred,
    grid,
    hexes,
    mixed,
    noise,
    ramp,
    ridge,
    soft,
)


def impasto_oil(rng: Generator) -> Floats:
    """Poppies under cypresses in the evening: thick curved strokes of ochre, crimson, teal."""
    x, y = grid()
    scene = ramp(y, (0, 0.25, 0.45), hexes("2f7f93", "e8b04a", "f6d98c"))
    angle = 0.35 * noise(rng, 3, 2) + 0.2
    sun = np.hypot(x - 0.7, y - 0.28)
    scene = mixed(scene, hexes("fff2b0")[0], soft(0.09 - sun, 0.05))
    angle = np.where(sun < 0.3, np.arctan2(y - 0.28, x - 0.7) + np.pi / 2, angle)
    for height, tone in ((0.42, "3d5f8c"), (0.5, "1f6b6b"), (0.58, "b8862f")):
        line = ridge(rng, height, 0.06)
        inside = soft(y - line[None], 0.004)
        scene = mixed(scene, hexes(tone)[0], inside)
        slope = np.arctan(np.gradient(line) * SIDE)[None] + 0.25 * noise(rng, 4, 2)
        angle = np.where(inside > 0.5, slope, angle)
    field = soft(y - ridge(rng, 0.66, 0.03)[None], 0.01)
    scene = mixed(
        scene, ramp(noise(rng, 14, 3), (-1, -0.1, 0.1, 0.7), hexes("2b5a2e", "6e8f2d", "c32f2a", "e8563a")), field
    )
    angle = np.where(field > 0.5, -1.2 + 0.6 * noise(rng, 6, 2), angle)
    for centre, top, wide in ((0.16, 0.08, 0.05), (0.27, 0.2, 0.035), (0.9, 0.3, 0.03)):
        tree = soft(
            wide * np.sqrt(np.clip((y - top) / (0.75 - top), 0, 1)) - np.abs(x - centre + 0.01 * np.sin(30 * y)), 0.004
        )
        tree *= y < 0.76
        scene = mixed(scene, ramp(noise(rng, 20, 2), (-1, 1), hexes("0f2f2a", "2f6b45")), tree)
        angle = np.where(tree > 0.5, -np.pi / 2 + 0.5 * noise(rng, 10, 2), angle)
    painter = Painter(np.broadcast_to(hexes("a8703c")[0], scene.shape), rng)
    painter.follow(scene, angle, count=1_600, length_px=120, width_px=40, jitter=0.05, bend=0.7)
    painter.follow(scene, angle, count=4_500, length_px=80, width_px=24, jitter=0.06, bend=0.8)
    painter.follow(scene, angle, count=2_500, length_px=46, width_px=15, jitter=0.07, bend=0.6)
    return painter.finished(0.16)


def night_sky(rng: Generator) -> Floats:
    """Stars above a village: long strokes that swirl, deep blue and yellow."""
    x, y = grid()
    scene = ramp(y + 0.12 * noise(rng, 4, 3), (0, 0.35, 0.6), hexes("10245c", "2b5fa8", "7fb0c8"))
    stream_x, stream_y = np.ones_like(x), 0.5 * np.cos(7 * x)
    for cx, cy, reach, turn in ((0.36, 0.3, 0.14, 1), (0.6, 0.4, 0.1, -1)):
        away = np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / reach**2))
        stream_x += turn * -60 * (y - cy) * away
        stream_y += turn * 60 * (x - cx) * away
        rings = 0.5 + 0.5 * np.sin(70 * np.hypot(x - cx, y - cy))
        scene = mixed(scene, hexes("cfe3e0")[0], away * rings * 0.75)
    stars = [(0.83, 0.16, 0.085), (0.12, 0.14, 0.05), (0.5, 0.1, 0.04), (0.66, 0.2, 0.035), (0.2, 0.45, 0.04),
             (0.88, 0.44, 0.045), (0.06, 0.33, 0.03), (0.32, 0.07, 0.03)]  # fmt: skip
    for cx, cy, reach in stars:
        away = np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / (1.3 * reach) ** 2))
        stream_x += -160 * (y - cy) * away
        stream_y += 160 * (x - cx) * away
        halo = np.hypot(x - cx, y - cy) / reach
        scene = mixed(scene, hexes("f2d34a")[0], np.clip(1.15 - 0.75 * halo, 0, 1) * (0.7 + 0.3 * np.sin(12 * halo)))
        scene = mixed(scene, hexes("fff7cf")[0], soft(0.35 - halo, 0.2))
    angle = np.arctan2(stream_y, stream_x)
    for height, tone in ((0.64, "1f4a7a"), (0.74, "173a52")):
        line = ridge(rng, height, 0.07, 4)
        hill = soft(y - line[None], 0.004)
        scene = mixed(scene, hexes(tone)[0], hill)
        angle = np.where(hill > 0.5, np.arctan(np.gradient(line) * SIDE)[None] + 0.2, angle)
    for _ in range(26):
        left, top = rng.uniform(0.1, 0.95), rng.uniform(0.82, 0.95)
        wide, tall = rng.uniform(0.025, 0.05), rng.uniform(0.03, 0.05)
        house = (np.abs(x - left) < wide) & (np.abs(y - top) < tall)
        scene[house] = hexes("2c4f63", "3f5f52", "16283d")[rng.integers(3)]
        scene[(np.abs(x - left) < 0.008) & (np.abs(y - top) < 0.012)] = hexes("f5c542")[0]
        angle = np.where(house, np.pi / 2, angle)
    tree = soft(0.09 * np.clip((y - 0.12) / 0.9, 0, 1) ** 0.8 - np.abs(x - 0.15 + 0.025 * np.sin(16 * y)), 0.004)
    scene = mixed(scene, ramp(np.sin(60 * x + 20 * noise(rng, 5, 2)), (-1, 1), hexes("0c1a1c", "2f4a35")), tree)
    angle = np.where(tree > 0.5, -np.pi / 2 + 0.5 * np.sin(16 * y), angle)
    painter = Painter(np.broadcast_to(hexes("16305f")[0], scene.shape), rng)
    painter.follow(scene, angle, count=1_500, length_px=150, width_px=22, jitter=0.04)
    painter.follow(scene, angle, count=7_000, length_px=90, width_px=12, jitter=0.055)
    painter.follow(scene, angle, count=3_000, length_px=50, width_px=8, jitter=0.05)
    return painter.finished(0.13)


def pointillism(rng: Generator) -> Floats:
    """Sails at noon: separate dots whose colours mix in the eye."""
    x, y = grid()
    scene = ramp(y, (0, 0.3, 0.46), hexes("6fa8dc", "bcd9ee", "ffe9c4"))
    scene = mixed(scene, hexes("ffffff")[0], soft(noise(rng, 4, 3) - 0.25, 0.8) * soft(0.32 - y, 0.2) * 0.8)
    shore = soft(y - ridge(rng, 0.42, 0.025)[None], 0.01)
    scene = mixed(scene, ramp(noise(rng, 9, 2), (-1, 1), hexes("4b7f4a", "a7b34a")), shore)
    water = soft(y - 0.5, 0.01)
    waves = np.sin(90 * y + 3 * noise(rng, 6, 2))
    scene = mixed(scene, ramp(waves, (-1, 0, 1), hexes("2c6aa8", "4e9cc9", "a8d8e0")), water)
    glitter = soft(0.12 + 0.25 * (y - 0.5) - np.abs(x - 0.62), 0.2) * water * soft(waves, 0.5)
    scene = mixed(scene, hexes("ffd68a")[0], glitter * 0.9)
    for cx, cy, tall, tone in ((0.3, 0.62, 0.32, "f4efe2"), (0.72, 0.55, 0.2, "e9744f"), (0.52, 0.52, 0.12, "f4efe2")):
        up = (cy - y) / tall
        for side in (-1, 1):
            sail = (
                (up > 0.06)
                & (up < 1)
                & (side * (x - cx) > 0.004)
                & (side * (x - cx) < 0.4 * tall * np.clip(1 - up, 0, None) ** 0.8)
            )
            shade = hexes(tone)[0] * (1.0 if side > 0 else 0.82)
            scene[sail] = shade
        hull = (np.abs(x - cx) < 0.42 * tall * (1 + 0.6 * up)) & (up < 0.05) & (up > -0.12)
        scene[hull] = hexes("5a2f3c")[0]
        mirrored = (np.abs(x - cx + 0.012 * waves) < 0.25 * tall) & (up < -0.12) & (up > -0.7)
        scene = mixed(scene, hexes(tone)[0], (0.45 * mirrored).astype(np.float32))
    grass = soft(y - ridge(rng, 0.86, 0.04)[None], 0.01)
    scene = mixed(scene, ramp(noise(rng, 18, 2), (-1, 0, 1), hexes("2f5d3a", "8fae3c", "e7c34b")), grass)
    canvas = np.broadcast_to(hexes("f3ead6")[0], scene.shape).astype(np.float32).copy()
    spread = cv2.cvtColor(blurred(scene, 3), cv2.COLOR_RGB2HSV)
    for radius_px, count in ((9, 16_000), (7, 15_000), (5, 9_000)):
        for cx, cy in rng.uniform(0, SIDE, (count, 2)):
            hue, saturation, value = spread[int(cy), int(cx)]
            hue += rng.choice((0, 0, 0, 25, -25, 180)) + rng.normal(0, 8)  # now and then the complement
            pure = np.array(
                [[[hue % 360, min(1, saturation * 1.35 + 0.12), np.clip(value + rng.normal(0, 0.08), 0, 1)]]],
                np.float32,
            )
            colour = cv2.cvtColor(pure, cv2.COLOR_HSV2RGB)[0, 0]
            radius = radius_px * rng.uniform(0.75, 1.2)
            where, size = (int(cx * 16), int(cy * 16)), int(radius * 16)
            cv2.circle(canvas, where, size, tuple(float(part) for part in colour), -1, cv2.LINE_8, 4)
    return canvas
