"""What is known of each track, and what crossed which line or was inside which zone."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from backends.detection.detector import class_names
from studio.media.table import Table
from studio.shapes import Shapes

if TYPE_CHECKING:
    import supervision as sv

_ALL = "all"
_TRACKS = (
    "track", "class", "first_s", "last_s", "frames", "mean_score", "path_px", "lines", "zones",
)  # fmt: skip
_COUNTS = ("where", "class", "in", "out", "inside", "most_at_once")


@dataclass
class Track:
    """One thing that was followed.

    Attributes:
        classes: how often it was taken for what; the most frequent one counts.
        path_px: how far its centre went.
        crossings: how often it went in and out across each line, by the line's place.
        zones: places of the zones in which it was.
    """

    first_s: float
    centre: npt.NDArray[np.float64]
    last_s: float = 0.0
    frames: int = 0
    scores: float = 0.0
    path_px: float = 0.0
    classes: Counter[str] = field(default_factory=Counter)
    crossings: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    zones: set[int] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Its class."""
        return self.classes.most_common(1)[0][0]


class Tally:
    """Counts over the frames of one video; what it keeps grows with the tracks, not with the frames.

    Args:
        shapes: lines and zones in pixels of the frames.
    """

    def __init__(self, shapes: Shapes) -> None:
        import supervision as sv

        centre = [sv.Position.CENTER]
        self.tracks: dict[int, Track] = {}
        self._shapes = shapes
        self._lines = [
            sv.LineZone(sv.Point(*first), sv.Point(*second), triggering_anchors=centre)
            for first, second in shapes.lines
        ]
        self._most_at_once = [0] * len(shapes.zones)

    def add(self, followed: sv.Detections, time_s: float) -> None:
        """Take in the boxes of the next frame, each with the number of its track."""
        assert followed.tracker_id is not None
        assert followed.confidence is not None
        centres = np.asarray((followed.xyxy[:, :2] + followed.xyxy[:, 2:]) / 2, np.float64)  # (N, 2)
        for number, name, score, centre in zip(
            followed.tracker_id.tolist(), class_names(followed), followed.confidence.tolist(), centres, strict=True
        ):
            track = self.tracks.setdefault(number, Track(time_s, centre))
            track.path_px += float(np.linalg.norm(centre - track.centre))
            track.centre, track.last_s = centre, time_s
            track.frames += 1
            track.scores += score
            track.classes[name] += 1
        for place, line in enumerate(self._lines):
            for way, crossed in enumerate(line.trigger(followed)):
                for number in followed.tracker_id[crossed].tolist():
                    self.tracks[number].crossings[place][way] += 1
        for place, zone in enumerate(self._shapes.zones):
            inside = followed.tracker_id[_inside(centres, np.array(zone, np.float32))].tolist()
            self._most_at_once[place] = max(self._most_at_once[place], len(inside))
            for number in inside:
                self.tracks[number].zones.add(place)

    @property
    def classes(self) -> Counter[str]:
        """How many tracks there are of each class."""
        return Counter(track.name for track in self.tracks.values())

    def told(self) -> tuple[list[str], list[str]]:
        """In few words what each line and each zone has counted so far, to be drawn beside it."""
        lines = [self._crossed(place) for place in range(len(self._lines))]
        zones = [
            sum(place in track.zones for track in self.tracks.values()) for place in range(len(self._shapes.zones))
        ]
        return [f"{into} in, {out} out" for into, out in lines], [str(count) for count in zones]

    def tracks_table(self) -> Table:
        """A row for each track."""
        rows = [
            (
                number,
                track.name,
                round(track.first_s, 3),
                round(track.last_s, 3),
                track.frames,
                round(track.scores / track.frames, 4),
                round(track.path_px, 1),
                _crossings(track),
                ", ".join(str(place + 1) for place in sorted(track.zones)),
            )
            for number, track in sorted(self.tracks.items())
        ]
        return Table(pd.DataFrame(rows, columns=list(_TRACKS)), "tracks.csv")

    def counts_table(self) -> Table | None:
        """For each line and each zone a row of all classes and one of each; None without any."""
        if not self._shapes:
            return None
        names = (None, *sorted(self.classes))
        lines = [
            (f"line {place + 1}", name or _ALL, *self._crossed(place, name), None, None)
            for place in range(len(self._lines))
            for name in names
        ]
        zones = [
            (f"zone {place + 1}", name or _ALL, None, None, self._been_in(place, name), None if name else most)
            for place, most in enumerate(self._most_at_once)
            for name in names
        ]
        frame = pd.DataFrame([*lines, *zones], columns=list(_COUNTS))
        whole = dict.fromkeys(_COUNTS[2:], "Int64")  # whole numbers, and gaps where a column does not apply
        return Table(frame.astype(whole), "counts.csv")

    def _been_in(self, place: int, name: str | None = None) -> int:
        """How many tracks of one class, or of all, have been in a zone."""
        return sum(place in track.zones for track in self.tracks.values() if name in (None, track.name))

    def _crossed(self, place: int, name: str | None = None) -> tuple[int, int]:
        """How often a line was crossed, in and out, by tracks of one class or of all."""
        both = [
            track.crossings[place]
            for track in self.tracks.values()
            if place in track.crossings and name in (None, track.name)
        ]
        return sum(into for into, _ in both), sum(out for _, out in both)


def _crossings(track: Track) -> str:
    """The lines that a track crossed: "1 in, 2 out"."""
    return ", ".join(
        f"{place + 1} {way}"
        for place, both in sorted(track.crossings.items())
        for way, times in zip(("in", "out"), both, strict=True)
        for _ in range(times)
    )


def _inside(points: npt.NDArray[np.float64], polygon: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which points (N, 2) lie inside a polygon or on its edge."""
    import cv2

    return np.array([cv2.pointPolygonTest(polygon, (float(x), float(y)), False) >= 0 for x, y in points], bool)
