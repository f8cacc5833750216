"""Several looks at one picture: its mirror images, and the boxes of several sizes made into one set."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

#: (N, 6): left, top, right, bottom in pixels of the picture, score, class.
Found = npt.NDArray[np.float32]
#: Letterboxed pictures float32 (1, 3, h, w) in 0..1 to raw answers, see `backends.detection.net.settled`, and to the
#: deepest features, averaged over the picture (F).
Runner = Callable[[npt.NDArray[np.float32]], tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]

STRIDE_PX = 32
#: Sides of the cells of the three grids whose cells are the candidates.
_STRIDES_PX = (8, 16, STRIDE_PX)
#: Axes of a picture (3, H, W) along which its mirror images are made.
_MIRRORS = ((-1,), (-2,), (-2, -1))


def mirrored_too(run: Runner, ways: int) -> Runner:
    """Reads each picture and its mirror images, and answers with the mean of all, candidate by candidate.

    Args:
        ways: 1 for the picture alone; 2 with left and right changed, too; 4 also upside down, in both ways. It takes as
            many times the time, and is for things that have no left and right, or no up and down.
    """
    if ways == 1:
        return run

    def all_ways(inputs: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        raw, features = run(inputs)
        total = raw.astype(np.float32)
        for axes in _MIRRORS[: ways - 1]:
            mirrored, _ = run(np.ascontiguousarray(np.flip(inputs, axes)))
            total += _turned_back(mirrored, inputs.shape[2:], axes)
        return total / np.float32(ways), features

    return all_ways


def _turned_back(raw: npt.NDArray[np.float32], size: tuple[int, ...], axes: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Raw answers (1, 4 + classes, candidates) for a mirror image, as answers for the picture itself (H, W)."""
    raw = raw.copy()
    for axis in axes:
        raw[:, {-1: 0, -2: 1}[axis]] *= -1  # the middle of each box
        raw[:, {-1: 0, -2: 1}[axis]] += size[axis]
    grids, first = [], 0
    for stride in _STRIDES_PX:
        height, width = (side // stride for side in size)
        grid = raw[..., first : first + height * width].reshape(*raw.shape[:2], height, width)
        grids.append(np.flip(grid, axes).reshape(*raw.shape[:2], -1))
        first += height * width
    return np.concatenate(grids, 2)


def fused(looks: Sequence[Found], overlap: float) -> Found:
    """What several looks at one picture have found, as one: weighted boxes fusion, best first.

    Boxes of one class that overlap are one thing. Its edges are the means of theirs, weighted by their scores; its
    score is the sum of theirs over the number of looks, so that what few of them saw counts less
    (Solovyev, Wang and Gabruseva 2021, https://arxiv.org/abs/1910.13302).

    Args:
        overlap: boxes belong to a thing whose box they overlap by more than this (intersection over union).
    """
    boxes = np.concatenate(looks)
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    things = [_fused(boxes[boxes[:, 5] == kind], len(looks), overlap) for kind in np.unique(boxes[:, 5])]
    together = np.concatenate(things) if things else boxes
    return together[np.argsort(-together[:, 4], kind="stable")]


def _fused(boxes: Found, looks: int, overlap: float) -> Found:
    """The same for boxes of one class, best first."""
    import supervision as sv

    sums = np.empty((len(boxes), 5), np.float32)  # of the edges times the scores, and of the scores
    means = np.empty((len(boxes), 4), np.float32)
    count = 0
    for box in boxes:
        overlaps = sv.box_iou_batch(box[None, :4], means[:count])[0] if count else np.zeros(1)
        place = int(overlaps.argmax())
        if overlaps[place] <= overlap:
            place, count = count, count + 1
            sums[place] = 0
        sums[place] += (*(box[:4] * box[4]), box[4])
        means[place] = sums[place, :4] / sums[place, 4]
    scores = np.minimum(sums[:count, 4] / looks, 1)
    return np.column_stack([means[:count], scores, np.full(count, boxes[0, 5])]).astype(np.float32)
