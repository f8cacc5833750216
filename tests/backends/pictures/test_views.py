"""Which parts of a picture are looked at, and how they are reduced."""

from __future__ import annotations

import numpy as np
import pytest

from backends.pictures.views import SIDE_PX, views


def test_a_picture_of_the_networks_own_size_is_untouched() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    (view,) = views(picture)
    assert np.array_equal(view.pixels, picture)
    assert view.box_xyxy == (0, 0, 32, 32)


def test_an_oblong_picture_is_looked_at_four_times() -> None:
    wide = [view.box_xyxy for view in views(np.zeros((200, 300, 3), np.uint8))]
    assert wide == [(50, 0, 250, 200), (0, 0, 200, 200), (100, 0, 300, 200), (0, 0, 300, 200)]
    high = [view.box_xyxy for view in views(np.zeros((300, 200, 3), np.uint8))]
    assert high == [(0, 50, 200, 250), (0, 0, 200, 200), (0, 100, 200, 300), (0, 0, 200, 300)]
    assert len(views(np.zeros((200, 215, 3), np.uint8))) == 1


def test_the_views_show_their_parts() -> None:
    picture = np.zeros((100, 300, 3), np.uint8)
    picture[:, 100:200, 0] = 255  # red in the middle
    middle, first, last, whole = (view.pixels for view in views(picture))
    assert middle[:, 3:-3, 0].min() == 255
    assert first[:, :-3].max() == last[:, 3:].max() == 0
    assert whole[16, 16, 0] == 255
    assert whole[16, 4, 0] == 0


def test_no_pixel_is_skipped_in_the_reduction() -> None:
    fine = np.zeros((640, 640, 3), np.uint8)
    fine[:, ::2] = 255  # stripes that skipping pixels would make all black or all white
    (view,) = views(fine)
    assert np.abs(view.pixels.astype(int) - 127).max() <= 2


@pytest.mark.parametrize("size", [(1, 1), (2, 500), (500, 1), (33, 31), (32, 64)])
def test_any_size_becomes_the_networks(size: tuple[int, int]) -> None:
    for view in views(np.full((*size, 3), 77, np.uint8)):
        assert view.pixels.shape == (SIDE_PX, SIDE_PX, 3)
        assert np.unique(view.pixels).tolist() == [77]
