"""Which operation answers which task's inputs, and the one for a picture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from backends.detection.detector import RGB, Detector, Wanted, class_names, detections
from backends.detection.drawing import Painter
from backends.detection.fields import DetectionInputs, DetectionOutputs, FoundBox, VideoInputs, WordsInputs
from backends.detection.formats import as_files, as_table
from backends.detection.remarks import counted, knowledge
from backends.detection.video import follow
from studio.contract import Inputs, Outputs, Run
from studio.errors import InvalidInput
from studio.media.image import Image

if TYPE_CHECKING:
    import supervision as sv


def answer(detector: Detector, inputs: Inputs, run: Run) -> Outputs | Iterator[Outputs]:
    """Do what the type of the inputs asks for. Raises TypeError for inputs of another family."""
    match inputs:
        case DetectionInputs():
            return find(detector, inputs, run)
        case VideoInputs():
            return follow(detector, inputs, chosen(detector.names, inputs.classes), run)
    raise TypeError(f"no detection task has inputs of type {type(inputs).__name__}")


def find(detector: Detector, inputs: DetectionInputs, run: Run) -> DetectionOutputs:
    """What is in a picture. A webcam's frame gets no files."""
    class_ids = chosen(detector.names, inputs.classes)
    wanted = Wanted(inputs.confidence, inputs.iou, inputs.most, class_ids, quick=run.live)
    found = detector.detect(inputs.image.rgb, wanted)
    return _outputs(inputs.image, found, detector.names, _notes(detector, found, wanted), run)


class OpenDetector(Protocol):
    """A detector that is told in words what to look for."""

    def detect(self, rgb: RGB, phrases: tuple[str, ...], wanted: Wanted) -> npt.NDArray[np.float32]:
        """What the phrases name in a picture (H, W, 3): rows (N, 6) of box, score and the phrase's place."""


def find_words(detector: OpenDetector, inputs: WordsInputs, run: Run) -> DetectionOutputs:
    """What the words name in a picture. Raises InvalidInput if there are none, or too many."""
    names = phrases(inputs.words)
    wanted = Wanted(inputs.confidence, inputs.iou, inputs.most)
    found = detections(detector.detect(inputs.image.rgb, names, wanted), names, wanted, strange=False)
    there = set(class_names(found))
    missed = [name for name in names if name not in there]
    said = [f"Not found with a confidence of {wanted.confidence:g}: {', '.join(missed)}."] if missed else []
    return _outputs(inputs.image, found, names, said, run)


def phrases(words: str) -> tuple[str, ...]:
    """The things that a text names, separated by commas, full stops, semicolons or lines; each once.

    Raises:
        InvalidInput: there are none, or more than `MOST_PHRASES`.
    """
    parts = (" ".join(part.split()).casefold() for part in re.split(r"[,.;\n]", words))
    named = tuple(dict.fromkeys(part for part in parts if any(letter.isalnum() for letter in part)))
    if not 1 <= len(named) <= MOST_PHRASES:
        raise InvalidInput(
            "Say what to look for.",
            field="words",
            expected=f"one to {MOST_PHRASES} things, separated by commas: the dog, a red cup",
            got=f"{len(named)} things",
        )
    return named


MOST_PHRASES = 20


def _outputs(image: Image, found: sv.Detections, names: tuple[str, ...], said: list[str], run: Run) -> DetectionOutputs:
    counts = Counter(class_names(found))
    return DetectionOutputs(
        summary=counted(counts),
        picture=Image(Painter(image.resolution_wh)(image.rgb, found), "detections.png"),
        table=as_table(found),
        counts=dict(counts.most_common()),
        boxes=_boxes(found),
        files=[] if run.live else as_files(found, names, image),
        notes=said,
    )


def chosen(names: tuple[str, ...], asked: str) -> frozenset[int] | None:
    """The classes that a text names, separated by commas; None for an empty one.

    Raises:
        InvalidInput: the detector knows no such class.
    """
    wanted = [part for part in (" ".join(part.split()).casefold() for part in asked.split(",")) if part]
    if not wanted:
        return None
    known = {name.casefold(): place for place, name in enumerate(names)}
    for part in wanted:
        if part not in known:
            raise InvalidInput(
                "This detector does not know that class.",
                field="classes",
                expected=f"names among: {', '.join(names)}",
                got=part[:80],
                hint="Leave it empty for all classes.",
            )
    return frozenset(known[part] for part in wanted)


def _notes(detector: Detector, found: sv.Detections, wanted: Wanted) -> list[str]:
    strange = bool(found.metadata.get("strange"))
    said = knowledge(detector, wanted, nothing=len(found) == 0, strange=strange)
    if len(found) == wanted.most:
        said.append(f"There may be more: only the best {wanted.most} boxes are kept.")
    return said


def _boxes(found: sv.Detections) -> list[FoundBox]:
    assert found.confidence is not None
    rows = zip(
        found.xyxy.astype(float).round(2).tolist(),
        found.confidence.tolist(),
        class_names(found),
        strict=True,
    )
    return [
        FoundBox(label=label, score=round(score, 4), xyxy=(box[0], box[1], box[2], box[3]))
        for box, score, label in rows
    ]
