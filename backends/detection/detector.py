"""What every detector of the family offers, whichever library it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import supervision as sv

RGB = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Wanted:
    """What to keep of what is found.

    Attributes:
        confidence: the least score.
        iou: the largest overlap of two boxes of one class; detectors without non-maximum suppression ignore it.
        most: how many boxes at most, the best ones.
        class_ids: the classes to keep; None for all.
        quick: speed counts more than quality, as for one frame of many.
    """

    confidence: float = 0.25
    iou: float = 0.6
    most: int = 100
    class_ids: frozenset[int] | None = None
    quick: bool = False


class Detector(Protocol):
    """A loaded detector.

    Attributes:
        names: its classes; a class id is a place in them.
        specialist: whether it knows one kind of picture alone.
        at_once: how many pictures it may look at at the same time, each from a thread of its own.
    """

    names: tuple[str, ...]
    specialist: bool
    at_once: int

    def detect(self, rgb: RGB, wanted: Wanted) -> sv.Detections:
        """What is in a picture or a frame (H, W, 3), best first.

        Boxes are in its pixels and inside it; `confidence`, `class_id` and `data["class_name"]` are set, also where
        nothing was found. `metadata["strange"]` is true if the picture is unlike all that the detector learned from.
        """


def class_names(found: sv.Detections) -> list[str]:
    """The class of each box, by name."""
    return [str(name) for name in found.data["class_name"]]


def detections(rows: npt.NDArray[np.float32], names: tuple[str, ...], wanted: Wanted, strange: bool) -> sv.Detections:
    """Rows (N, 6) of left, top, right, bottom, score and class as `supervision` has them, without the unwanted."""
    import supervision as sv

    kept = rows[rows[:, 4] >= wanted.confidence]
    if wanted.class_ids is not None:
        kept = kept[np.isin(kept[:, 5].astype(int), sorted(wanted.class_ids))]
    kept = kept[np.argsort(-kept[:, 4], kind="stable")][: wanted.most]
    class_ids = kept[:, 5].astype(int)
    return sv.Detections(
        xyxy=kept[:, :4],
        confidence=kept[:, 4],
        class_id=class_ids,
        data={"class_name": np.array([names[i] for i in class_ids], dtype=str)},
        metadata={"strange": strange},
    )
