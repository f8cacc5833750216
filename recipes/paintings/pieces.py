"""Pictures put together from pieces: stained glass, mosaic, cubist facets."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from recipes.paintings.canvas import SIDE, Floats, Generator, blurred, grid, hexes, lit, mixed, noise, ramp, soft


def stained_glass(rng: Generator) -> Floats:
    """A rose window: panes that glow, between lead."""
    x, y = grid()
    radius, turn = np.hypot(x - 0.5, y - 0.5), np.arctan2(y - 0.5, x - 0.5)
    seeds, tones = [], []
    palettes = [hexes(*row) for row in (("f6c338", "f2e08a"), ("b3202c", "e04a2f"), ("1f4fa8", "2f86c9", "173a86"),
                                        ("2a8a57", "7fb53c"), ("6b2a86", "b3202c", "1f4fa8"), ("1b3f94", "2a7fb5"),
                                        ("2a8a57", "d9932b", "8a2440"), ("1f4fa8", "163070"))]  # fmt: skip
    for ring, count in enumerate((1, 8, 12, 18, 24, 30, 36, 44)):
        for step in range(count):
            at = 2 * np.pi * (step + 0.5 * (ring % 2)) / count + rng.normal(0, 0.02)
            seeds.append((0.5 + 0.1 * ring * np.cos(at), 0.5 + 0.1 * ring * np.sin(at)))
            tones.append(palettes[ring][step % len(palettes[ring])])
    _, pane = cKDTree(seeds).query(np.stack([x, y], -1).reshape(-1, 2), k=1)
    pane = pane.reshape(SIDE, SIDE)
    each = rng.normal(0, 0.07, (len(seeds), 1))
    glass = (np.clip(np.array(tones) + each, 0, 1).astype(np.float32))[pane]
    lead = (
        _borders(pane, 9)
        | (np.abs((radius / 0.1 + 0.5) % 2 - 1) < 0.045)
        | (np.abs(np.sin(4 * turn)) < 0.012 / (radius + 0.02))
    )
    away = cv2.distanceTransform((~lead).astype(np.uint8), cv2.DIST_L2, 5)
    glow = 0.62 + 0.5 * np.clip(away / 34, 0, 1)
    streaks = 1 + 0.13 * noise(rng, 24, 3) + 0.06 * np.sin(140 * (x + 0.1 * noise(rng, 5, 2)))
    shining = (
        glass * (glow * streaks)[..., None]
        + 0.18 * np.clip(away / 60, 0, 1)[..., None] * (0.5 + 0.5 * noise(rng, 40, 2))[..., None]
    )
    metal = (
        0.09
        + 0.1
        * blurred(lead.astype(np.float32), 3)[..., None]
        * lit(blurred(lead.astype(np.float32), 4), 1.5)[..., None]
    )
    return mixed(shining.astype(np.float32), metal.astype(np.float32), blurred(lead.astype(np.float32), 1))


def mosaic(rng: Generator) -> Floats:
    """Fish in the waves: small stones laid along the outlines, with pale grout."""
    x, y = grid()
    scene = ramp(
        y + 0.03 * np.sin(14 * x), (0, 0.35, 0.36, 0.7, 1), hexes("e8d9a8", "e2b45c", "63a5b5", "2f6fa0", "1d3f74")
    )
    outline = np.sin(20 * y + 1.5 * np.sin(9 * x))
    scene = mixed(scene, hexes("a6d0cf")[0], (soft(outline - 0.6, 0.3) * (y > 0.37) * 0.8).astype(np.float32))
    field = (y + 0.05 * np.sin(9 * x)).astype(np.float32)
    sun = np.hypot(x - 0.75, y - 0.18)
    scene = mixed(scene, hexes("d9542b")[0], soft(0.1 - sun, 0.01))
    scene = mixed(scene, hexes("f7e3a0")[0], soft(0.03 - np.abs(sun - 0.125), 0.01))
    field = np.where(sun < 0.24, sun, field)
    for cx, cy, long, facing, tones in ((0.36, 0.58, 0.26, 1, ("c2452d", "f0a33c", "f4e6c0")),
                                        (0.7, 0.8, 0.2, -1, ("d8a12e", "f3d98a", "7a2e2a"))):  # fmt: skip
        u, v = facing * (x - cx) / long, (y - cy) / long + 0.08 * np.sin(5 * (x - cx) / long)
        body = 1 - np.hypot(u, v * 2.1 + 0)
        tail = (u < -0.75) & (u > -1.35) & (np.abs(v) < 0.05 + 0.75 * (-0.75 - u))
        fin = (np.abs(u + 0.05) < 0.3) & (v < -0.38) & (v > -0.62 - 0.3 * u)
        scales = np.sin(24 * u) * np.sin(30 * v)
        scene = mixed(scene, ramp(v + 0.1 * scales, (-0.5, 0, 0.5), hexes(*tones)), soft(body, 0.02))
        scene[tail | fin] = hexes(tones[0])[0]
        scene[np.abs(body) < 0.03] = hexes("3a1d22")[0]
        scene[np.hypot(u - 0.62, v + 0.1) < 0.085] = hexes("fbf3d8")[0]
        scene[np.hypot(u - 0.63, v + 0.1) < 0.045] = hexes("1a1a22")[0]
        field = np.where((body > -0.5), (0.5 * long * body).astype(np.float32), field)
    field = blurred(field.astype(np.float32), 3)
    angle = np.arctan2(cv2.Sobel(field, cv2.CV_32F, 0, 1, ksize=5), cv2.Sobel(field, cv2.CV_32F, 1, 0, ksize=5))
    grout = np.ascontiguousarray(hexes("d8cfbb")[0] * (1 + 0.05 * noise(rng, 120, 2))[..., None])
    return _tiled(grout, scene, angle, rng, 25)


def _tiled(picture: Floats, scene: Floats, angle: Floats, rng: Generator, side_px: int) -> Floats:
    """Square stones, turned along the field, spread evenly by Lloyd's method with the city-block distance.

    Hausner 2001, "Simulating decorative mosaics": cells under that distance, turned by the field, are nearly squares.
    """
    count = (SIDE // side_px) ** 2
    steps = np.linspace(side_px / 2, SIDE - side_px / 2, SIDE // side_px)
    middles = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2) + rng.uniform(-6, 6, (count, 2))
    coarse = np.stack(np.meshgrid(np.arange(2, SIDE, 4), np.arange(2, SIDE, 4)), -1).reshape(-1, 2).astype(np.float32)
    for _ in range(14):
        cells = middles.astype(int).clip(0, SIDE - 1)
        turned = angle[cells[:, 1], cells[:, 0]]
        _, near = cKDTree(middles).query(coarse, k=6)
        offset = coarse[:, None] - middles[near]
        along = offset[..., 0] * np.cos(turned[near]) + offset[..., 1] * np.sin(turned[near])
        across = -offset[..., 0] * np.sin(turned[near]) + offset[..., 1] * np.cos(turned[near])
        owner = near[np.arange(len(coarse)), np.maximum(np.abs(along), np.abs(across)).argmin(1)]
        sums = np.stack([np.bincount(owner, coarse[:, n], count) for n in (0, 1)], 1)
        sizes = np.bincount(owner, minlength=count)[:, None]
        middles = np.where(sizes > 0, sums / np.maximum(sizes, 1), middles)
    cells, relief = middles.astype(int).clip(0, SIDE - 1), np.zeros((SIDE, SIDE), np.float32)
    for (column, row), (cx, cy) in zip(cells, middles, strict=True):
        colour = np.clip(scene[row, column] * rng.normal(1, 0.09) + rng.normal(0, 0.02, 3), 0, 1)
        size = (side_px * rng.uniform(0.8, 0.92), side_px * rng.uniform(0.74, 0.9))
        box = cv2.boxPoints(((float(cx), float(cy)), size, float(np.degrees(angle[row, column]) + rng.normal(0, 4))))
        points = np.rint((box + rng.normal(0, 1.1, (4, 2))) * 16).astype(np.int32)
        cv2.fillConvexPoly(picture, points, tuple(float(part) for part in colour), cv2.LINE_AA, 4)
        cv2.fillConvexPoly(relief, points, 1.0, cv2.LINE_AA, 4)
    return picture * lit(blurred(relief, 1.5), 0.14)[..., None] * (1 + 0.04 * noise(rng, 200, 2))[..., None]


def cubist_facets(rng: Generator) -> Floats:
    """A still life taken apart: overlapping planes of brown, grey, ochre and some blue, each shaded to one edge."""
    x, y = grid()
    picture = ramp(y + 0.2 * noise(rng, 3, 2), (0, 0.5, 1), hexes("8c8577", "b59a6a", "5c4a3a")).astype(np.float32)
    tones = hexes("d9b56f", "8a5a34", "5b5e63", "e8dcc0", "3f3530", "a88a5c", "46617a", "c08a44", "7b7468", "9c4f33")
    for number in range(190):
        big = 0.36 * (1 - number / 230) + 0.05
        cx, cy = 0.5 + rng.normal(0, 0.24), 0.5 + rng.normal(0, 0.26)
        corners = int(rng.integers(3, 6))
        at = np.sort(rng.uniform(0, 2 * np.pi, corners))
        points = np.stack(
            [
                cx + big * np.cos(at) * rng.uniform(0.5, 1, corners),
                cy + big * np.sin(at) * rng.uniform(0.5, 1, corners),
            ],
            1,
        )
        _plane(picture, points, tones[rng.integers(len(tones))], rng, x, y)
    for cx, cy, reach, start in (
        (0.45, 0.62, 0.1, 20),
        (0.45, 0.62, 0.06, 20),
        (0.55, 0.38, 0.16, 200),
        (0.3, 0.4, 0.13, 90),
    ):
        centre = (int(cx * SIDE), int(cy * SIDE))
        cv2.ellipse(
            picture,
            centre,
            (int(reach * SIDE), int(reach * SIDE)),
            0,
            start,
            start + 210,
            (0.13, 0.1, 0.09),
            6,
            cv2.LINE_AA,
        )
    for offset in np.linspace(-0.03, 0.03, 5):
        begin, end = (int((0.44 + offset) * SIDE), int(0.74 * SIDE)), (int((0.62 + offset) * SIDE), int(0.18 * SIDE))
        cv2.line(picture, begin, end, (0.16, 0.12, 0.1), 3, cv2.LINE_AA)
    bristle = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), sigmaX=9, sigmaY=1)
    return picture * (1 + 0.2 * bristle)[..., None]


def _plane(picture: Floats, points: Floats, tone: Floats, rng: Generator, x: Floats, y: Floats) -> None:
    """A facet, dark at one edge and light at the other, with an ink line along part of its outline."""
    shape = np.rint(points * SIDE).astype(np.int32)
    left, top = (shape.min(0) - 1).clip(0, SIDE - 1)
    right, bottom = (shape.max(0) + 2).clip(1, SIDE)
    window = slice(top, bottom), slice(left, right)
    mask = np.zeros((bottom - top, right - left), np.float32)
    cv2.fillPoly(mask, [shape - [left, top]], 1.0, cv2.LINE_AA)
    way = rng.uniform(0, 2 * np.pi)
    along = (x[window] - points[:, 0].mean()) * np.cos(way) + (y[window] - points[:, 1].mean()) * np.sin(way)
    reach = np.abs(along[mask > 0.5]).max(initial=0.01)
    shade = tone * (1.02 + 0.42 * along / reach)[..., None]
    picture[window] = mixed(picture[window], np.clip(shade, 0, 1).astype(np.float32), mask * rng.uniform(0.7, 0.95))
    edges = int(rng.integers(1, len(shape)))
    cv2.polylines(picture, [shape[: edges + 1]], False, (0.14, 0.11, 0.1), int(rng.integers(2, 6)), cv2.LINE_AA)


def _borders(labels: np.ndarray, width_px: int) -> np.ndarray:
    """Where neighbouring pixels have different labels, widened."""
    edge = np.zeros(labels.shape, np.uint8)
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edge[1:] |= labels[1:] != labels[:-1]
    return cv2.dilate(edge, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width_px, width_px))) > 0
