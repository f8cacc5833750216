"""Mirror images that are read too, and boxes of several looks made into one set."""

from __future__ import annotations

import numpy as np
import pytest

from backends.detection.net import torch_runner
from backends.detection.views import fused, mirrored_too
from tests.backends.detection.test_net import fresh


@pytest.mark.parametrize(("ways", "axes"), [(2, (-1,)), (4, (-1,)), (4, (-2,)), (4, (-2, -1))])
def test_read_with_its_mirror_images_a_mirrored_picture_has_mirrored_answers(ways: int, axes: tuple[int, ...]) -> None:
    all_ways = mirrored_too(torch_runner(fresh(), "cpu"), ways)
    inputs = np.random.default_rng(0).random((1, 3, 64, 96), np.float32)
    (raw, _), (mirrored, _) = all_ways(inputs), all_ways(np.ascontiguousarray(np.flip(inputs, axes)))
    cells = [np.arange(count).reshape(rows, -1) for rows, count in ((8, 96), (4, 24), (2, 6))]
    order = np.concatenate(
        [first + np.flip(grid, axes).ravel() for first, grid in zip((0, 96, 120), cells, strict=True)]
    )
    middle = [96 - raw[0, 0] if -1 in axes else raw[0, 0], 64 - raw[0, 1] if -2 in axes else raw[0, 1]]
    assert np.allclose(mirrored[0, :2][:, order], middle, atol=1e-3)
    assert np.allclose(mirrored[0, 2:][:, order], raw[0, 2:], atol=1e-3)
    assert mirrored_too(all_ways, 1) is all_ways


def rows(*boxes: tuple[float, ...]) -> np.ndarray:
    return np.array(boxes, np.float32).reshape(-1, 6)


def test_a_thing_s_edges_are_the_means_weighted_by_scores_and_its_score_that_over_all_looks() -> None:
    together = fused([rows((0, 0, 10, 10, 0.9, 0)), rows((0, 0, 10, 12, 0.3, 0)), rows()], 0.5)
    assert np.allclose(together, [[0, 0, 10, 10.5, 0.4, 0]])


def test_other_classes_and_other_places_are_other_things() -> None:
    one = rows((0, 0, 10, 10, 0.5, 0), (0, 0, 10, 10, 0.9, 1), (50, 50, 60, 60, 0.8, 0))
    assert np.allclose(fused([one], 0.5), one[[1, 2, 0]]), "best first"
    apart = fused([one[:1], rows((4, 0, 14, 10, 0.5, 0))], 0.5)
    assert apart[:, 4].tolist() == pytest.approx([0.25, 0.25]), "they overlap by 6 of 14"
    assert len(fused([one[:1], rows((4, 0, 14, 10, 0.5, 0))], 0.4)) == 1


def test_no_score_is_above_one_and_nothing_gives_nothing() -> None:
    twice = rows((0, 0, 10, 10, 0.9, 0), (0, 0, 10, 9, 0.8, 0))
    assert fused([twice], 0.5)[:, 4].tolist() == [1]
    assert fused([rows(), rows()], 0.5).shape == (0, 6)


def test_a_box_joins_the_thing_that_it_overlaps_most() -> None:
    first = rows((0, 0, 10, 10, 0.9, 0), (0, 0, 10, 20, 0.8, 0))
    together = fused([first, rows((0, 0, 10, 16, 0.8, 0))], 0.55)
    assert np.allclose(together, [[0, 0, 10, 18, 0.8, 0], [0, 0, 10, 10, 0.45, 0]]), "10 of 16 less than 16 of 20"
