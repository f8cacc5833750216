"""Things in pictures and videos, found by specialists of our own or by general detectors from the hub."""

from __future__ import annotations

from pathlib import Path

from backends.detection import about
from backends.detection.fields import DetectionInputs, DetectionOutputs, VideoInputs, VideoOutputs, WordsInputs
from studio.contract import Adapter, Example, Live, Task

_EXAMPLES = Path(__file__).parent / "examples"
#: A line from top to bottom, and a zone to its right, in pixels of smear.mp4.
_ACROSS = {"lines": [[[240, 360], [240, 0]]], "zones": [[[280, 40], [440, 40], [440, 320], [280, 320]]]}


def _own(name: str, title: str, source: str, quality: str, limits: str, memory_mb: int = 60) -> Adapter:
    """A specialist that `python -m recipes` trains."""
    return Adapter(
        name=name,
        title=title,
        entry="backends.detection.specialist:Specialist",
        weights=name,
        memory_mb=memory_mb,
        licence="AGPL-3.0-or-later",
        source=source,
        kind="embedded",
        devices=("cuda", "mps", "cpu"),
        quality=quality,
        limits=limits,
    )


def _hub(name: str, title: str, entry: str, licence: str, source: str, memory_mb: int, published: str) -> Adapter:
    """A general detector that its publisher trained on COCO."""
    return Adapter(
        name=name,
        title=f"{title}: 80 everyday things",
        entry=entry,
        weights=name,
        memory_mb=memory_mb,
        licence=licence,
        source=source,
        kind="hub",
        devices=("cuda", "mps", "cpu"),
        quality=f"COCO val2017 {published} AP as published; not measured here",
        limits="Knows the 80 classes of COCO: people, vehicles, animals, household things. Very small things.",
    )


_TRANSFORMER = "backends.detection.transformer:"
_YOLO = "backends.detection.yolo:Yolo"
#: version, size, memory in MB and published average precision
_YOLOS = (
    *((11, "n", 60, "39.5"), (11, "s", 110, "47.0"), (11, "m", 200, "51.5"), (11, "l", 250, "53.4")),
    *((11, "x", 480, "54.7"), (26, "n", 60, "40.1"), (26, "s", 120, "47.8"), (26, "m", 210, "52.5")),
    *((26, "l", 260, "54.4"), (26, "x", 490, "56.9")),
)

CELLS = _own(
    "cells",
    "Blood cells: red, white, platelets",
    "https://github.com/Shenggan/BCCD_Dataset",
    about.CELLS_QUALITY,
    "Knows red cells, white cells and platelets in stained blood smears, nothing else. Red cells at the border are "
    "missed at times. Not a medical device.",
)
STEEL = _own(
    "steel",
    "Steel surface: six defects",
    "https://doi.org/10.1109/TIM.2019.2915404",
    about.STEEL_QUALITY,
    "Knows crazing, inclusions, patches, pitted surface, rolled-in scale and scratches in grey close-ups of hot-rolled "
    "steel, nothing else. Crazing and rolled-in scale have no clear borders.",
    memory_mb=130,  # four networks
)
PLATES = _own(
    "plates",
    "Licence plates of cars",
    "https://github.com/openalpr/benchmarks",
    about.PLATES_QUALITY,
    "Knows licence plates of cars (United States, Europe, Brazil), nothing else. Plates at night, of other shapes, or "
    "narrower than some 20 of 360 pixels.",
)

DETECTORS = (
    CELLS,
    STEEL,
    PLATES,
    _hub(
        "dfine_n",
        "D-FINE N",
        f"{_TRANSFORMER}DFineN",
        "Apache-2.0",
        "https://arxiv.org/abs/2410.13842",
        120,
        "42.8",
    ),
    _hub(
        "rtdetr_v2_r18",
        "RT-DETRv2 R18",
        f"{_TRANSFORMER}RtDetrV2R18",
        "Apache-2.0",
        "https://arxiv.org/abs/2407.17140",
        250,
        "47.9",
    ),
    *(
        _hub(
            f"yolo{version}{size}",
            f"YOLO{version} {size}",
            _YOLO,
            "AGPL-3.0",
            f"https://docs.ultralytics.com/models/yolo{version}/",
            memory_mb,
            published,
        )
        for version, size, memory_mb, published in _YOLOS
    ),
)

object_detection = Task(
    name="object_detection",
    title="Object detection",
    section="Images",
    summary="Boxes around what a detector knows: cells, steel defects, licence plates, or 80 everyday things.",
    inputs=DetectionInputs,
    outputs=DetectionOutputs,
    examples=(
        Example(title="A blood smear", values={"image": _EXAMPLES / "smear.jpg"}),
        Example(
            title="The same: white cells and platelets only",
            values={"image": _EXAMPLES / "smear.jpg", "classes": "white cell, platelet"},
            adapter="cells",
        ),
        Example(title="A smear with few red cells", values={"image": _EXAMPLES / "smear_sparse.jpg"}),
        Example(title="A car: its licence plate", values={"image": _EXAMPLES / "car.jpg"}, adapter="plates"),
        Example(
            title="Steel, drawn: scratches",
            values={"image": _EXAMPLES / "scratched_steel.png", "confidence": 0.2},
            adapter="steel",
        ),
    ),
    adapters=DETECTORS,
    how_it_works=about.OBJECT_DETECTION,
    live=Live(camera="image", show="picture"),
    keywords=(
        "YOLO",
        "boxes",
        "bounding box",
        "count",
        "COCO",
        "D-FINE",
        "RT-DETR",
        "webcam",
        "blood cells",
        "defects",
    ),
)

video_detection = Task(
    name="video_detection",
    title="Video detection",
    section="Images",
    summary="Follows what a detector knows through a video, and counts what crosses lines or is inside zones.",
    inputs=VideoInputs,
    outputs=VideoOutputs,
    examples=(
        Example(
            title="A smear passes under the microscope: cells across a line",
            values={"video": _EXAMPLES / "smear.mp4", "shapes": _ACROSS},
        ),
        Example(
            title="The same: white cells alone",
            values={"video": _EXAMPLES / "smear.mp4", "classes": "white cell"},
            adapter="cells",
        ),
    ),
    adapters=DETECTORS,
    how_it_works=about.VIDEO_DETECTION,
    keywords=("tracking", "ByteTrack", "counting", "line crossing", "zone", "YOLO", "multi-object tracking", "mp4"),
)

_IN_WORDS = (
    "Words that name no thing, counts, places (left of, behind) and what a thing is not. English only. What is not "
    "there is found at times: mind the score."
)

open_vocabulary_detection = Task(
    name="open_vocabulary_detection",
    title="Open-vocabulary detection",
    section="Images",
    summary="Boxes around what you name in words. Its models are large and are downloaded first; until then Object "
    "detection finds what its own models know.",
    inputs=WordsInputs,
    outputs=DetectionOutputs,
    examples=(
        Example(
            title="A car", values={"image": _EXAMPLES / "car.jpg", "words": "a licence plate, a wheel, a headlight"}
        ),
        Example(title="A blood smear", values={"image": _EXAMPLES / "smear.jpg", "words": "a purple cell"}),
    ),
    adapters=(
        Adapter(
            name="grounding_dino_tiny",
            title="Grounding DINO tiny",
            entry="backends.detection.open_vocabulary:GroundingDino",
            weights="grounding_dino_tiny",
            memory_mb=1_500,
            licence="Apache-2.0",
            source="https://arxiv.org/abs/2303.05499",
            kind="hub",
            devices=("cuda", "cpu"),
            quality="COCO val2017 48.4 AP as published, without having learned from it; not measured here",
            limits=_IN_WORDS,
        ),
        Adapter(
            name="owlv2_base",
            title="OWLv2 base",
            entry="backends.detection.open_vocabulary:Owlv2",
            weights="owlv2_base",
            memory_mb=1_400,
            licence="Apache-2.0",
            source="https://arxiv.org/abs/2306.09683",
            kind="hub",
            devices=("cuda", "cpu"),
            quality="No figure for this checkpoint is quoted; not measured here",
            limits=_IN_WORDS,
        ),
    ),
    how_it_works=about.OPEN_VOCABULARY,
    keywords=("zero-shot", "OWL-ViT", "OWLv2", "Grounding DINO", "text prompt", "find by words", "phrase grounding"),
)

TASKS = (object_detection, video_detection, open_vocabulary_detection)
