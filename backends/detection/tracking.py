"""Things followed from frame to frame by ByteTrack (Zhang et al. 2022, https://arxiv.org/abs/2110.06864)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backends.detection.net import keep_to_itself

if TYPE_CHECKING:
    import supervision as sv

#: Boxes down to this score may go on with a track, though none begins with them: things half hidden score low.
FAINTEST = 0.1
_MATCH_COST = 0.8  # at most, of a box and a track: 1 - overlap x score


class Tracker:
    """Numbers what is found in the frames of one video, from 1 on; ultralytics' ByteTrack does the matching.

    Args:
        confidence: the least score with which a track begins.
        fps: frames that come in a second.
        remembered_s: for how long a track is looked for after it was last seen.
    """

    def __init__(self, confidence: float, fps: float, remembered_s: float) -> None:
        keep_to_itself()
        from ultralytics.trackers.byte_tracker import BYTETracker
        from ultralytics.utils import IterableSimpleNamespace

        self._tracker = BYTETracker(
            IterableSimpleNamespace(
                track_high_thresh=confidence,
                track_low_thresh=min(FAINTEST, confidence / 2),
                new_track_thresh=confidence,
                track_buffer=max(1, round(fps * remembered_s)),
                match_thresh=_MATCH_COST,
                fuse_score=True,
            )
        )
        self._numbers: dict[int, int] = {}

    def __call__(self, found: sv.Detections, resolution_hw: tuple[int, int]) -> sv.Detections:
        """The boxes of the next frame that belong to a track, with its number as `tracker_id`."""
        import supervision as sv
        from ultralytics.engine.results import Boxes

        assert found.confidence is not None
        assert found.class_id is not None
        rows = np.column_stack([found.xyxy, found.confidence, found.class_id]).astype(np.float32)  # (N, 6)
        followed = self._tracker.update(Boxes(rows.reshape(-1, 6), resolution_hw)).reshape(-1, 8)
        kept = found[followed[:, 7].astype(int)]
        assert isinstance(kept, sv.Detections)
        numbers = [self._numbers.setdefault(int(number), len(self._numbers) + 1) for number in followed[:, 4]]
        kept.tracker_id = np.array(numbers, int)  # the tracker's own numbers leave out those of short-lived guesses
        return kept
