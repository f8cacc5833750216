"""Prints and drawings in lines: waves cut in wood, ink on paper, a woodcut."""

from __future__ import annotations

import cv2
import numpy as np

from recipes.paintings.canvas import SIDE, Floats, Generator, blurred, grid, hexes, mixed, noise, ramp, ridge, soft

_INK = hexes("1b2436")[0]


def woodblock_waves(rng: Generator) -> Floats:
    """A wave before a mountain: flat blues and cream in dark outlines, with the grain of the block."""
    x, y = grid()
    picture = ramp(y, (0, 0.22, 0.7), hexes("d9b98a", "efe3c4", "f2ead2"))
    picture = mixed(picture, hexes("c9583f")[0], soft(0.075 - np.hypot(x - 0.72, y - 0.2), 0.003))
    cone = 0.62 - 0.3 * np.exp(-np.abs(x - 0.4) / 0.17)
    picture = mixed(picture, hexes("5b7ba0")[0], soft(y - cone, 0.003))
    snow = soft(y - cone, 0.003) * soft(0.42 + 0.03 * np.abs(np.sin(45 * x)) - y, 0.003)
    picture = mixed(picture, hexes("f6f1e0")[0], snow)
    canvas = np.ascontiguousarray(picture)
    tones = ("9cbcc9", "3c6f9e", "7fa9bf", "1f4a7f", "c8d9d5", "2f5f93", "183a68")
    for number, tone in enumerate(tones):
        _wave(canvas, rng, 0.56 + 0.07 * number, 0.05 + 0.012 * number, hexes(tone)[0], 30 + 5 * number)
    grain = 0.5 + 0.5 * np.sin(260 * (y + 0.02 * noise(rng, 3, 3)))
    return canvas * (0.97 + 0.03 * grain * (0.5 + 0.5 * noise(rng, 60, 2)))[..., None]


def _wave(canvas: Floats, rng: Generator, base: float, tall: float, tone: Floats, curl_px: int) -> None:
    """A row of crests whose foam ends in claws."""
    period = rng.uniform(0.3, 0.42)
    turn = 2 * np.pi * (np.linspace(-0.4, 1.4, 1100) / period + rng.uniform(0, 1))
    swell = tall * (1 + 0.35 * np.sin(turn / 3.7))
    xs = np.linspace(-0.4, 1.4, 1100) + 0.13 * period * np.sin(turn) + 0.07 * period * np.cos(turn)
    crest = np.stack([xs, base - swell * np.cos(turn) - 0.12 * swell * np.cos(2 * turn - 0.8)], 1)  # pointed, leaning
    outline = np.concatenate([crest, [[1.3, 1.3], [-0.3, 1.3]]]) * SIDE
    cv2.fillPoly(canvas, [np.rint(outline).astype(np.int32)], _rgb(tone))
    for depth in range(1, 7):  # lines along the slope, as the cutter follows the water
        down = 0.02 * depth + 0.005 * depth * np.sin(3 * depth)
        lower = crest + np.array([0.012 * depth, down])
        share = hexes("f2ead2")[0] if depth % 2 else tone * 0.6
        for part in np.array_split(lower, 14)[depth % 3 :: 2]:
            cv2.polylines(
                canvas, [np.rint(part * SIDE).astype(np.int32)], False, _rgb(share), 6 - depth // 2, cv2.LINE_AA
            )
    cv2.polylines(canvas, [np.rint(crest * SIDE).astype(np.int32)], False, _rgb(_INK), 5, cv2.LINE_AA)
    for at, top in crest[np.cos(turn) > 0.78][::8] * SIDE:
        radius = int(curl_px * rng.uniform(0.45, 1))
        middle = (int(at + rng.normal(0, 8)), int(top + rng.uniform(-0.4, 0.7) * radius))
        cv2.circle(canvas, middle, radius // 2 + 3, _rgb(_INK), -1, cv2.LINE_AA)
        cv2.circle(canvas, middle, radius // 2, _rgb(hexes("f6f1e0")[0]), -1, cv2.LINE_AA)
        start = rng.uniform(0, 360)
        cv2.ellipse(canvas, middle, (radius // 3, radius // 3), start, 0, 220, _rgb(tone * 0.9), 3, cv2.LINE_AA)
    for _ in range(25):
        spray = rng.integers(0, len(crest))
        where = crest[spray] * SIDE - [rng.normal(0, 20), rng.uniform(10, 60)]
        cv2.circle(
            canvas, (int(where[0]), int(where[1])), int(rng.integers(2, 6)), _rgb(hexes("f9f5e8")[0]), -1, cv2.LINE_AA
        )


def ink_hatching(rng: Generator) -> Floats:
    """A tree and hills in pen and ink: shade is made of crossing lines."""
    x, y = grid()
    tone = 0.93 - 0.25 * np.clip(noise(rng, 3, 3), 0, 1) * (y < 0.5)
    for height, level in ((0.45, 0.95), (0.56, 0.8), (0.68, 0.95), (0.84, 0.65)):
        line = ridge(rng, height, 0.08, 4)[None]
        below = y - line
        shade = level - 0.75 * np.exp(-np.clip(below, 0, 1) / 0.06) + 0.22 * noise(rng, 6, 3)
        tone = np.where(below > 0, np.clip(shade, 0.02, 0.98), tone)
    trunk = np.abs(x - 0.68 - 0.02 * np.sin(12 * y)) < 0.022 + 0.05 * np.clip(y - 0.68, 0, 1)
    tone = np.where(trunk & (y > 0.35) & (y < 0.9), 0.25 + 9 * (x - 0.66), tone)
    for cx, cy, reach in (
        (0.68, 0.26, 0.17),
        (0.56, 0.36, 0.11),
        (0.8, 0.35, 0.12),
        (0.7, 0.4, 0.1),
        (0.15, 0.5, 0.08),
    ):
        away = np.hypot(x - cx, y - cy) / reach + 0.2 * noise(rng, 20, 3)
        ball = 0.6 + 0.5 * ((cx - x) + (cy - y)) / reach + 0.4 * noise(rng, 30, 2)
        tone = np.where(away < 1, np.clip(ball, 0.02, 0.95), tone)
    tone = blurred(tone.astype(np.float32), 2)
    paper = np.broadcast_to(hexes("f4ecd8")[0], (SIDE, SIDE, 3)).astype(np.float32).copy()
    shadow = np.zeros((SIDE, SIDE), np.float32)
    for limit, direction, gap in ((0.86, 0.75, 11), (0.66, -0.65, 11), (0.48, 0.1, 10), (0.32, 1.5, 9), (0.2, 0.4, 7)):
        _hatch(shadow, rng, tone < limit, direction, gap)
    edges = cv2.Canny((tone * 255).astype(np.uint8), 40, 90)
    shadow = np.maximum(shadow, cv2.dilate(edges, np.ones((3, 3), np.uint8)).astype(np.float32) / 255)
    paper *= (1 + 0.02 * noise(rng, 200, 2))[..., None]
    return mixed(paper, hexes("1d1a1a")[0], np.clip(blurred(shadow, 0.8), 0, 1) * 0.95)


def _hatch(shadow: Floats, rng: Generator, where: np.ndarray, direction: float, gap_px: float) -> None:
    """Slightly wavering parallel lines, drawn only where it is dark enough."""
    ahead = np.array([np.cos(direction), np.sin(direction)])
    across = np.array([-ahead[1], ahead[0]])
    reach = SIDE * 0.75
    for offset in np.arange(-reach, reach, gap_px):
        along = np.arange(-reach, reach, 5)
        waver = 3 * np.sin(along / 70 + rng.uniform(0, 6)) + rng.normal(0, 1.2)
        points = SIDE / 2 + ahead * along[:, None] + across * (offset + waver)[:, None]
        inside = (points >= 0).all(1) & (points < SIDE).all(1)
        cells = points.astype(int).clip(0, SIDE - 1)
        dark = inside & where[cells[:, 1], cells[:, 0]] & (rng.random(len(along)) > 0.03)
        for run in np.split(np.arange(len(along)), np.flatnonzero(np.diff(dark.astype(int))) + 1):
            if dark[run[0]] and len(run) > 2:
                thick = int(rng.choice((2, 3, 3)))
                cv2.polylines(shadow, [np.rint(points[run]).astype(np.int32)], False, 1.0, thick, cv2.LINE_AA)


def woodcut(rng: Generator) -> Floats:
    """Birches and a red sun: bold black lines that follow the forms and swell in the shade."""
    x, y = grid()
    tone, flow = 0.75 - 0.4 * y, y + 0.03 * noise(rng, 3, 2)
    sun = np.hypot(x - 0.55, y - 0.36)
    rays = np.where(sun > 0.17, sun, 0)
    flow, tone = np.where(y < 0.62, rays, flow), np.where(y < 0.62, 0.85 - 0.75 * np.clip(sun - 0.15, 0, 0.7), tone)
    for height, level in ((0.55, 0.35), (0.66, 0.55), (0.78, 0.3)):
        line = ridge(rng, height, 0.07, 4)
        inside = y > line[None]
        slope = (y - line[None]) * 0.9 + 0.25 * np.abs(np.sin(3 * x + height * 20)) * (y - line[None])
        flow = np.where(inside, slope, flow)
        tone = np.where(inside, level + 0.25 * noise(rng, 5, 2) - 0.35 * np.exp(-np.abs(y - line[None]) / 0.012), tone)
    for centre, wide in ((0.1, 0.05), (0.27, 0.035), (0.8, 0.055), (0.92, 0.035)):
        place = (x - centre - 0.015 * np.sin(7 * y + centre * 30)) / wide
        trunk = np.abs(place) < 1
        knots = np.clip(noise(rng, 14, 2), 0, 1)
        flow = np.where(trunk, y * 0.6 + 0.012 * place**2, flow)
        tone = np.where(
            trunk,
            0.95 - 0.75 * np.clip(place, -0.2, 1) ** 2 - 0.7 * (knots > 0.45) - 1.0 * (np.abs(place) > 0.86),
            tone,
        )
    line = 0.5 + 0.5 * np.sin(2 * np.pi * flow * 52 + 1.2 * noise(rng, 10, 2))
    black = soft(line - np.clip(tone, 0.02, 0.98).astype(np.float32), 0.12)
    black *= (flow > 0) | (y > 0.62)  # the sun's face stays free
    picture = np.broadcast_to(hexes("efe2c6")[0], (SIDE, SIDE, 3)).astype(np.float32)
    picture = mixed(picture, hexes("d2452d")[0], soft(0.16 - sun, 0.004) * (tone > 0.3))
    picture = mixed(picture, hexes("e0873f")[0], soft(y - 0.7, 0.3) * 0.8)
    worn = soft(noise(rng, 90, 2) + 1.25, 0.4)
    return mixed(picture, hexes("17130f")[0], blurred(black.astype(np.float32), 0.7) * worn)


def _rgb(colour: Floats) -> tuple[float, float, float]:
    return float(colour[0]), float(colour[1]), float(colour[2])
