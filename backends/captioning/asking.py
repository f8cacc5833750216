"""What other tasks measure in a picture, asked for through the runtime, as sentences."""

from __future__ import annotations

from typing import Any

from backends.captioning.facts import BoxXyxy, Fact, listed, number_word, place
from studio.contract import Run
from studio.errors import NotFound
from studio.media.base import Blob
from studio.media.image import Image

#: What a class, and a specialist's box, must reach to be said; a line of text to be quoted.
_SURE_CLASS, _SURE_BOX, _SURE_LINE = 0.9, 0.5, 0.7
#: By how much a picture must be more familiar to the classifier than it asks for: of 300 photographs of Flickr8k's part
#: to learn from, one is taken for a thing then; at the classifier's own bound 34 are, 31 of them wrongly.
_FAMILIAR = 0.8
_SURE_SIGN = 0.95  # a line of one or two letters or figures
#: Specialists of object detection, and what their finds are called. The one for steel is not asked: it finds patches in
#: many a picture that shows no steel.
_SPECIALISTS = {"cells": "blood cells", "plates": "licence plates"}
_QUOTED = 80  # characters of a quotation
_LINES_QUOTED = 3


def faces(image: Image, run: Run) -> list[Fact]:
    """How many faces there are, and where. Who they are is never said."""
    answered = _asked(run, "face_identification", {"image": image})
    if answered is None or not answered.image.boxes:
        return []
    boxes: list[BoxXyxy] = [box.xyxy for box in answered.image.boxes]
    count = len(boxes)
    one = f"One face is seen, {place(boxes[0], image.resolution_wh)}."
    if count == 1:
        sentence = one
    else:
        places = list(dict.fromkeys(place(box, image.resolution_wh) for box in boxes))
        where = f", {listed(places)}" if len(places) <= 3 else ""
        sentence = f"{number_word(count).capitalize()} faces are seen{where}."
    sizes = ", ".join(f"{box[2] - box[0]:.0f} x {box[3] - box[1]:.0f} px" for box in boxes[:6])
    return [Fact(kind="faces", sentence=sentence, evidence=sizes, task="face_identification", boxes=boxes)]


def text(image: Image, run: Run) -> tuple[list[Fact], str]:
    """What is written, quoted, and all of the text."""
    data, _ = image.encode()
    answered = _asked(run, "text_recognition", {"file": Blob(f"picture{image.suffix}", data)})
    if answered is None or not len(answered.lines.frame):
        return [], ""
    lines = [row for row in answered.lines.frame.to_dict("records") if _quotable(str(row["text"]), row["score"])]
    if not lines:
        return [], ""
    shown = lines[:_LINES_QUOTED]
    quoted = listed([f"“{_short(str(row['text']))}”" for row in shown])
    if len(lines) <= _LINES_QUOTED:
        sentence = f"It reads {quoted}."
    else:
        sentence = f"It has {number_word(len(lines))} lines of text; the first read {quoted}."
    scores = [float(row["score"]) for row in shown]
    return [
        Fact(
            kind="text",
            sentence=sentence,
            evidence=f"read with a confidence of {min(scores):.2f} or more",
            task="text_recognition",
            score=min(scores),
            boxes=[_upright(row) for row in lines],
        )
    ], answered.text


def thing(image: Image, run: Run) -> list[Fact]:
    """What the classifier takes it for, where it is sure and the picture is of its world."""
    answered = _asked(run, "image_classification", {"image": image}, "pictures")
    if answered is None or answered.score < _SURE_CLASS:
        return []
    if answered.familiarity < answered.least_familiarity + _FAMILIAR:
        return []
    return [
        Fact(
            kind="thing",
            sentence=f"The classifier of ten kinds of things takes it for {_article(answered.label)}.",
            evidence=f"score {answered.score:.2f}; familiarity {answered.familiarity:.1f}, of at least "
            f"{answered.least_familiarity + _FAMILIAR:.1f} asked for",
            task="image_classification",
            score=answered.score,
        )
    ]


def found(image: Image, run: Run) -> list[Fact]:
    """What the specialists of object detection find, where the picture is like those that they learned from."""
    said = []
    for adapter, several in _SPECIALISTS.items():
        answered = _asked(run, "object_detection", {"image": image, "confidence": _SURE_BOX}, adapter)
        if answered is None or not answered.boxes or any("unlike those" in note for note in answered.notes):
            continue
        counts = listed([f"{count} {name}" for name, count in answered.counts.items()])
        scores = [box.score for box in answered.boxes]
        said.append(
            Fact(
                kind="found",
                sentence=f"The detector of {several} finds {counts}.",
                evidence=f"confidence {min(scores):.2f} to {max(scores):.2f}",
                task=f"object_detection, {adapter}",
                score=min(scores),
                boxes=[box.xyxy for box in answered.boxes],
            )
        )
    return said


def _asked(run: Run, task: str, payload: dict[str, Any], adapter: str | None = None) -> Any:
    """Another task's answer; None, with a note, in a studio that does not have the task."""
    try:
        return run.call(task, payload, adapter)
    except NotFound:
        run.note(f"The task {task} is not in this studio: what it would see is not said.")
        return None


def _upright(row: dict[Any, Any]) -> BoxXyxy:
    """The upright box around a line's four corners."""
    across = [float(row[f"x{n}"]) for n in range(1, 5)]
    down = [float(row[f"y{n}"]) for n in range(1, 5)]
    return min(across), min(down), max(across), max(down)


def _quotable(line: str, score: float) -> bool:
    """Whether a line is surely text: a single sign is seen in many a texture."""
    signs = sum(sign.isalnum() for sign in line)
    return score >= (_SURE_LINE if signs >= 3 else _SURE_SIGN)


def _short(words: str) -> str:
    return words if len(words) <= _QUOTED else f"{words[:_QUOTED].rstrip()}..."


def _article(label: str) -> str:
    return f"{'an' if label[0].lower() in 'aeio' else 'a'} {label}"
