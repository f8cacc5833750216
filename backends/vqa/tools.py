"""The studio's own tasks as tools: each is asked once for a picture, however many questions need it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from backends.vqa.lines import BoxXyxy, Line, Row, lines_of, rows_of
from studio.contract import Run
from studio.media.base import Blob
from studio.media.image import Image

#: A specialist's box counts from this score on.
_SURE_BOX = 0.5


@dataclass(frozen=True)
class Found:
    """Boxes of one kind, with their scores where there are any."""

    boxes: list[BoxXyxy]
    scores: list[float]
    labels: list[str]


class Tools:
    """The tools for one picture.

    Attributes:
        steps: what was asked of which task and what came of it, in order; answers add their own.
    """

    def __init__(self, image: Image, run: Run) -> None:
        self.image = image
        self.steps: list[tuple[str, str]] = []
        self._run = run
        self._detected: dict[str, Found] = {}
        self._measured: dict[BoxXyxy | None, Any] = {}

    def step(self, what: str, result: str) -> None:
        """Note a step of the program."""
        self.steps.append((what, result))

    @cached_property
    def lines(self) -> list[Line]:
        """The lines of text, in reading order."""
        data, _ = self.image.encode()
        answered: Any = self._run.call("text_recognition", {"file": Blob(f"picture{self.image.suffix}", data)})
        found = lines_of(answered.lines.frame.to_dict("records"))
        found = [line for line in found if sum(sign.isalnum() for sign in line.text) >= 2 or line.score >= 0.95]
        self.step("read the picture (text_recognition)", f"{len(found)} line{'s' * (len(found) != 1)}")
        return found

    @cached_property
    def rows(self) -> list[Row]:
        """The lines that stand side by side, together."""
        return rows_of(self.lines)

    @cached_property
    def faces(self) -> Found:
        """The faces; whose they are is not asked."""
        answered: Any = self._run.call("face_identification", {"image": self.image})
        boxes = [box.xyxy for box in answered.image.boxes]
        self.step("look for faces (face_identification)", f"{len(boxes)} found")
        return Found(boxes, [], ["face"] * len(boxes))

    @cached_property
    def plates(self) -> Any:
        """The answer of the task `licence_plates`."""
        answered: Any = self._run.call("licence_plates", {"image": self.image})
        self.step("read licence plates (licence_plates)", answered.verdict)
        return answered

    @cached_property
    def kind(self) -> Any:
        """The answer of the task `image_classification`."""
        answered: Any = self._run.call("image_classification", {"image": self.image}, "pictures")
        self.step("classify the picture (image_classification)", f"{answered.label}, {answered.score:.2f}")
        return answered

    def detected(self, specialist: str) -> Found | None:
        """What a specialist of object detection finds; None where the picture is unlike those it learned from."""
        if specialist not in self._detected:
            answered: Any = self._run.call(
                "object_detection", {"image": self.image, "confidence": _SURE_BOX, "most": 300}, specialist
            )
            strange = any(re.search("unlike those", note) for note in answered.notes)
            self._detected[specialist] = Found(
                [] if strange else [box.xyxy for box in answered.boxes],
                [] if strange else [box.score for box in answered.boxes],
                ["strange"] if strange else [box.label for box in answered.boxes],
            )
            what = "the picture is unlike what it knows" if strange else answered.summary
            self.step(f"find {specialist} (object_detection)", what)
        found = self._detected[specialist]
        return None if found.labels == ["strange"] else found

    def measured(self, box: BoxXyxy | None = None) -> Any:
        """Colours and light of the picture or of a part of it, by the task `image_measures`."""
        if box not in self._measured:
            part = self.image
            if box is not None:
                left, top, right, bottom = (round(edge) for edge in box)
                rgb = self.image.rgb[max(0, top) : max(bottom, top + 1), max(0, left) : max(right, left + 1)]
                part = Image(rgb.copy(), lossless=True)
            answered: Any = self._run.call("image_measures", {"image": part})
            where = "the picture" if box is None else "that part"
            self.step(f"measure {where} (image_measures)", answered.summary)
            self._measured[box] = answered
        return self._measured[box]

    def described(self) -> Any:
        """The answer of the task `image_captioning`."""
        answered: Any = self._run.call("image_captioning", {"image": self.image}, "observations")
        self.step("observe the picture (image_captioning)", f"{len(answered.facts)} sentences")
        return answered
