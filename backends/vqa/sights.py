"""Answers that rest on what is seen: people, things, places, colours, light."""

from __future__ import annotations

from collections import Counter

from backends.vqa.answer import HUB, Answer, refused
from backends.vqa.lines import BoxXyxy
from backends.vqa.questions import Program
from backends.vqa.tools import Found, Tools

#: A class is named from this score on.
_SURE = 0.8
_DARK, _BRIGHT, _BLURRED = 25.0, 80.0, 0.06
#: What the specialists can count, by the question's word, and the label that is counted; empty for all of theirs.
_COUNTED = {
    **dict.fromkeys(("cell", "blood cell"), ("cells", "")),
    **dict.fromkeys(("red cell", "red blood cell", "erythrocyte"), ("cells", "red cell")),
    **dict.fromkeys(("white cell", "white blood cell", "leukocyte"), ("cells", "white cell")),
    **dict.fromkeys(("platelet", "thrombocyte"), ("cells", "platelet")),
    **dict.fromkeys(("plate", "licence plate", "license plate", "number plate", "registration plate"), ("plates", "")),
}


def who(program: Program, tools: Tools) -> Answer:
    """Refused: identity is another task's."""
    return refused("Who somebody is, is not told here.", "Face identification finds people whom you have enrolled.")


def count_people(program: Program, tools: Tools) -> Answer:
    """How many people, by their faces."""
    count = len(tools.faces.boxes)
    if not count:
        return Answer("No face is seen.", because="people who are turned away or far off are not counted")
    return Answer(
        f"{count}: so many faces are seen.",
        because="faces are counted; people who are turned away or far off are not",
        boxes=tools.faces.boxes,
    )


def any_people(program: Program, tools: Tools) -> Answer:
    """Whether anybody is there, by faces."""
    if tools.faces.boxes:
        return Answer("Yes: a face is seen.", because="faces are looked for", boxes=tools.faces.boxes)
    return Answer("No face is seen.", because="people who are turned away or far off are not found")


def where_people(program: Program, tools: Tools) -> Answer:
    """Where faces are."""
    if not tools.faces.boxes:
        return refused("No face is seen.")
    return _places(tools.faces, tools)


def _specialist(of: str) -> tuple[str, str] | None:
    word = of.strip()
    return _COUNTED.get(word) or _COUNTED.get(word.removesuffix("s"))


def _sought(program: Program, tools: Tools) -> Found | Answer:
    """The boxes of what is asked for, or why there can be none."""
    known = _specialist(program.of)
    if known is None:
        tools.step(f"choose a task that finds “{program.of}”", "there is none")
        return refused(
            f"Nothing here can find “{program.of}”.", f"It finds faces, text, licence plates, blood cells. {HUB}"
        )
    specialist, label = known
    found = tools.detected(specialist)
    if found is None:
        return refused(f"This picture is unlike those in which {program.of} can be counted.", HUB)
    places = [n for n, name in enumerate(found.labels) if name == label or not label]
    return Found([found.boxes[n] for n in places], [found.scores[n] for n in places], [found.labels[n] for n in places])


def count(program: Program, tools: Tools) -> Answer:
    """How many of what a specialist of object detection finds."""
    sought = _sought(program, tools)
    if isinstance(sought, Answer):
        return sought
    each = ", ".join(f"{count} {label}" for label, count in Counter(sought.labels).most_common())
    return Answer(
        str(len(sought.boxes)),
        True,
        min(sought.scores) if sought.scores else None,
        each or "none was found with a confidence of 0.5",
        sought.boxes,
    )


def where(program: Program, tools: Tools) -> Answer:
    """Where such things are."""
    sought = _sought(program, tools)
    if isinstance(sought, Answer):
        return sought
    if not sought.boxes:
        return refused(f"No {program.of} was found.")
    return _places(sought, tools)


def _places(found: Found, tools: Tools) -> Answer:
    width, height = tools.image.resolution_wh
    names = []
    for left, top, right, bottom in found.boxes:
        x, y = (left + right) / 2 / width, (top + bottom) / 2 / height
        column = "left" if x < 1 / 3 else "right" if x > 2 / 3 else "middle"
        row = "top" if y < 1 / 3 else "bottom" if y > 2 / 3 else ""
        names.append(f"{row} {column}".strip())
    counts = Counter(names)
    said = ", ".join(name if count == 1 else f"{name} ({count})" for name, count in counts.most_common())
    return Answer(f"{said[0].upper()}{said[1:]}.", because="the middles of the boxes, by thirds", boxes=found.boxes)


def colour(program: Program, tools: Tools) -> Answer:
    """The colours of the picture or of a side of it."""
    width, height = tools.image.resolution_wh
    part: BoxXyxy | None = {
        "": None,
        "left": (0, 0, width / 3, height),
        "right": (2 * width / 3, 0, width, height),
        "top": (0, 0, width, height / 3),
        "bottom": (0, 2 * height / 3, width, height),
        "middle": (width / 3, height / 3, 2 * width / 3, 2 * height / 3),
    }[program.where]
    return Answer(tools.measured(part).summary, because=_shares(tools, part), boxes=[part] if part else [])


def colour_of(program: Program, tools: Tools) -> Answer:
    """The colours of a thing that can be found."""
    if program.of in ("face", "faces", "person", "skin", "people"):
        found: Found | Answer = tools.faces
    else:
        found = _sought(program, tools)
    if isinstance(found, Answer):
        return found
    side = {"left": (0, True), "right": (0, False), "top": (1, True), "bottom": (1, False)}.get(program.where)
    boxes = sorted(found.boxes, key=lambda box: box[side[0]], reverse=not side[1]) if side else found.boxes
    if not boxes:
        return refused(f"No {program.of} was found, so its colour cannot be told.")
    return Answer(tools.measured(boxes[0]).summary, because=_shares(tools, boxes[0]), boxes=[boxes[0]])


def _shares(tools: Tools, part: BoxXyxy | None) -> str:
    rows = tools.measured(part).colours.frame.to_dict("records")
    return ", ".join(f"{row['colour']} {row['share']:.0%}" for row in rows[:4])


def light(program: Program, tools: Tools) -> Answer:
    """Whether it is dark, bright, sharp or blurred."""
    measured = tools.measured()
    lightness, sharpness = measured.lightness, measured.sharpness
    if program.of in ("dark", "bright"):
        holds = lightness < _DARK if program.of == "dark" else lightness > _BRIGHT
        because = f"mean lightness {lightness:.0f} of 100; below {_DARK:.0f} is dark, above {_BRIGHT:.0f} bright"
    elif sharpness is None:
        return refused("The picture is even: nothing in it could be sharp.")
    else:
        holds = (sharpness >= _BLURRED) == (program.of == "sharp")
        because = f"its finest edges are {sharpness:.2f} of its contrast; below {_BLURRED} is not sharp"
    return Answer("Yes." if holds else "No.", because=because)


def size(program: Program, tools: Tools) -> Answer:
    """Width, height and form."""
    width, height = tools.image.resolution_wh
    form = "square" if width == height else "landscape" if width > height else "portrait"
    return Answer(f"{width} x {height} pixels, {form}.", because="as the file has it")


def describe(program: Program, tools: Tools) -> Answer:
    """All that can be observed."""
    said = tools.described()
    return Answer(said.caption, because="each sentence was measured", boxes=[box.xyxy for box in said.picture.boxes])


def what(program: Program, tools: Tools) -> Answer:
    """What the classifier takes it for."""
    kind = tools.kind
    if not kind.likely or kind.score < _SURE:
        return refused("It is none of the ten kinds of things that the classifier knows, or not surely.", HUB)
    return Answer(
        f"The classifier of ten kinds of things takes it for {_article(kind.label)}.", True, kind.score, kind.verdict
    )


def is_it(program: Program, tools: Tools) -> Answer:
    """Whether it is what is asked for."""
    wanted = program.of.removesuffix("s")
    wanted = {"car": "automobile", "plane": "airplane", "aeroplane": "airplane", "boat": "ship"}.get(wanted, wanted)
    if wanted not in _KINDS:
        if _specialist(program.of):
            counted = count(program, tools)
            if counted.answered:
                return Answer(
                    "Yes." if counted.boxes else "No: none was found.", True, None, counted.because, counted.boxes
                )
            return counted
        tools.step(f"choose a task that tells “{program.of}”", "there is none")
        return refused(f"Nothing here can tell whether it is {program.of}.", f"It knows {', '.join(_KINDS)}. {HUB}")
    kind = tools.kind
    if not kind.likely or kind.score < _SURE:
        return refused("The classifier is not sure what it is.", kind.verdict)
    return Answer(
        "Yes." if kind.label == wanted else f"No: rather {_article(kind.label)}.", True, kind.score, kind.verdict
    )


_KINDS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def _article(label: str) -> str:
    return f"{'an' if label[0] in 'aeio' else 'a'} {label}"
