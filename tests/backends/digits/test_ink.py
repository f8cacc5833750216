"""Finding, scaling and centring ink, against arrays that can be checked by eye."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from backends.digits.ink import find_ink, normalise

Plane = npt.NDArray[np.float32]


def paper(height: int = 100, width: int = 100, level: float = 1.0) -> Plane:
    return np.full((height, width), level, np.float32)


def box_of(plane: Plane) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of the ink, inclusive."""
    rows, columns = np.flatnonzero(plane.max(1) > 0), np.flatnonzero(plane.max(0) > 0)
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


def test_an_upright_bar_fills_the_box_of_20_and_stands_in_the_middle() -> None:
    picture = paper()
    picture[10:50, 70:78] = 0  # 40 x 8 px, in a corner
    ink = find_ink(picture)
    assert ink is not None
    expected = np.zeros((28, 28), np.float32)
    expected[4:24, 12:16] = 1  # half the size
    assert np.array_equal(ink.plane, expected)
    assert (ink.light_on_dark, ink.touches_edge) == (False, False)


def test_the_centre_of_mass_goes_to_pixel_14_and_not_the_box() -> None:
    shape = np.zeros((20, 20), np.float32)
    shape[:, :8] = 1  # an upright bar at the left ...
    shape[14:, :] = 1  # ... with a foot to the right
    plane = normalise(shape)
    x = float((plane.sum(0) * (np.arange(28) + 0.5)).sum() / plane.sum())
    y = float((plane.sum(1) * (np.arange(28) + 0.5)).sum() / plane.sum())
    assert 14 <= x < 15
    assert 14 <= y < 15
    assert box_of(plane) == (2, 21, 7, 26)
    assert plane.sum() == shape.sum()


def test_proportions_are_kept() -> None:
    picture = paper(60, 120)
    picture[20:30, 20:100] = 0  # 10 x 80
    ink = find_ink(picture)
    assert ink is not None
    top, bottom, left, right = box_of(ink.plane)
    assert right - left + 1 == 20
    assert bottom - top + 1 in (2, 3)  # 10 x 20 / 80 = 2.5


@pytest.mark.parametrize(("ground", "stroke"), [(1.0, 0.0), (0.0, 1.0), (0.9, 0.35), (0.2, 0.6), (0.5, 0.0)])
def test_dark_on_light_and_light_on_dark_come_out_alike(ground: float, stroke: float) -> None:
    picture = paper(level=ground)
    picture[20:80, 45:57] = stroke
    picture[68:80, 30:70] = stroke
    black_on_white = np.where(picture == np.float32(stroke), 0, 1).astype(np.float32)
    ink, plain = find_ink(picture), find_ink(black_on_white)
    assert ink is not None
    assert plain is not None
    assert np.allclose(ink.plane, plain.plane, atol=1e-5)
    assert ink.light_on_dark == (stroke > ground)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_blank_paper_has_no_ink(level: float) -> None:
    assert find_ink(paper(level=level)) is None
    grain = np.random.default_rng(0).normal(0, 0.01, (100, 100)).astype(np.float32)
    assert find_ink(paper(level=level) + grain) is None


def test_grain_of_the_paper_is_no_ink() -> None:
    picture = paper(200, 200, 0.8)
    picture[40:160, 90:110] = 0.2
    clean = find_ink(picture)
    noisy = find_ink(picture + np.random.default_rng(1).normal(0, 0.02, picture.shape).astype(np.float32))
    assert clean is not None
    assert noisy is not None
    assert box_of(noisy.plane) == box_of(clean.plane)
    assert np.abs(noisy.plane - clean.plane).mean() < 0.01


def test_a_fine_pen_is_thickened_so_that_it_does_not_fade() -> None:
    picture = paper(300, 300)
    picture[30:270, 149:151] = 0  # 2 px of 240: 0.17 px in the box
    picture[30:32, 90:210] = 0
    ink = find_ink(picture)
    assert ink is not None
    assert ink.plane[10:20].sum(axis=1) == pytest.approx(2, abs=0.4)


def test_mnist_pictures_come_out_as_they_went_in() -> None:
    """A digit that already is 20 px high with its centre of mass on pixel 14."""
    plane = np.zeros((28, 28), np.float32)
    plane[4:24, 13:16] = 1
    plane[4:6, 9:13] = 0.6
    plane[22:24, 16:20] = 0.6
    ink = find_ink(plane)
    assert ink is not None
    assert ink.light_on_dark
    assert np.array_equal(ink.plane, plane)


def test_ink_at_the_edge_is_noticed_and_large_pictures_are_reduced() -> None:
    picture = paper(2000, 1500)
    picture[900:, 700:800] = 0
    ink = find_ink(picture)
    assert ink is not None
    assert ink.touches_edge
    assert ink.plane.shape == (28, 28)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (2, 2), (3, 500)])
def test_tiny_pictures_do_no_harm(shape: tuple[int, int]) -> None:
    picture = paper(*shape)
    assert find_ink(picture) is None
    picture[0, 0] = 0
    ink = find_ink(picture)
    assert ink is None or (ink.plane.shape == (28, 28) and np.isfinite(ink.plane).all())
