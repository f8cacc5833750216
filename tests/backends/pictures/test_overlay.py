"""Heat over pictures: where it lies, its colours, and what was not seen."""

from __future__ import annotations

import numpy as np
import pytest

from backends.pictures.overlay import LONGEST_PX, RGB, Part, overlay


def grey(height: int, width: int) -> RGB:
    return np.full((height, width, 3), 128, np.uint8)


def spot(row: int, column: int) -> np.ndarray:
    heat = np.zeros((4, 4), np.float32)
    heat[row, column] = 5
    return heat


def yellow(rgb: RGB) -> np.ndarray:
    """How much more yellow than blue each place is."""
    return rgb[:, :, :2].astype(float).mean(2) - rgb[:, :, 2]


def test_the_hottest_place_is_yellow_and_the_coldest_violet() -> None:
    shown = overlay(grey(80, 80), [Part(spot(0, 3), (0, 0, 80, 80))])
    assert np.unravel_index(yellow(shown).argmax(), (80, 80)) == pytest.approx((8, 71), abs=9)
    red, green, blue = (int(level) for level in shown[75, 5])
    assert green < red < blue
    assert shown[5, 75].min() < shown[5, 75].max() - 60


def test_brightness_grows_with_the_heat() -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32)[None].repeat(64, 0)
    shown = overlay(grey(64, 64), [Part(ramp, (0, 0, 64, 64))])
    luma = (shown @ np.array([0.299, 0.587, 0.114]))[32]
    assert np.all(np.diff(luma) > -1)
    assert luma[-1] - luma[0] > 90


def test_what_the_network_did_not_see_is_faded_grey() -> None:
    shown = overlay(grey(60, 100), [Part(np.ones((4, 4), np.float32), (20, 0, 80, 60))])
    assert np.ptp(shown[:, :20]) == 0
    assert shown[0, 0, 0] > 150
    assert np.ptp(shown[30, 50]) > 60


def test_parts_fade_into_each_other() -> None:
    hot, cold = np.ones((4, 4), np.float32), np.zeros((4, 4), np.float32)
    shown = overlay(grey(60, 120), [Part(hot, (0, 0, 80, 60)), Part(cold, (40, 0, 120, 60))])
    steps = np.abs(np.diff(shown[30].astype(int), axis=0)).max()
    assert steps < 25  # of up to 150: no seam
    assert yellow(shown)[30, 5] > 60 > 0 > yellow(shown)[30, 115]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (3, 2)])
def test_the_smallest_pictures(size: tuple[int, int]) -> None:
    shown = overlay(grey(*size), [Part(np.ones((4, 4), np.float32), (0, 0, size[1], size[0]))])
    assert shown.shape == (*size, 3)


def test_no_heat_at_all_is_all_violet() -> None:
    shown = overlay(grey(20, 20), [Part(np.zeros((4, 4), np.float32), (0, 0, 20, 20))])
    assert np.ptp(shown.reshape(-1, 3), axis=0).max() == 0


def test_large_pictures_are_reduced_and_their_parts_with_them() -> None:
    shown = overlay(grey(1000, 4000), [Part(spot(2, 0), (2000, 0, 4000, 1000))])
    assert shown.shape == (LONGEST_PX // 4, LONGEST_PX, 3)
    row, column = np.unravel_index(yellow(shown).argmax(), shown.shape[:2])
    assert 512 <= column < 512 + 128
    assert row > 128
