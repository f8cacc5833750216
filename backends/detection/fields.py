"""What the family's tasks take and answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from studio.contract import Inputs, Outputs, Ui
from studio.media.file import File
from studio.media.image import Image
from studio.media.table import Table
from studio.media.video import Video
from studio.shapes import Shapes

Confidence = Annotated[
    float,
    Field(
        title="Least confidence",
        description="Boxes with a lower score are dropped. Lower finds more, and more that is not there.",
        ge=0.01,
        le=0.99,
    ),
    Ui(step=0.01),
]
Classes = Annotated[
    str,
    Field(
        title="Only these classes",
        description="Names separated by commas, as the detector has them. Empty: all of them.",
        max_length=2_000,
    ),
    Ui(placeholder="red cell, platelet"),
]
Overlap = Annotated[
    float,
    Field(
        title="Largest overlap",
        description="Of two boxes of one class that overlap more than this (intersection over union), the one with "
        "the lower score is dropped. Detection transformers settle this themselves and do not ask.",
        ge=0.05,
        le=0.95,
    ),
    Ui(step=0.05, advanced=True),
]


class FoundBox(BaseModel):
    """A thing that was found.

    Attributes:
        label: its class.
        score: the detector's confidence in 0..1.
        xyxy: left, top, right, bottom in pixels of the picture.
    """

    label: str
    score: float
    xyxy: tuple[float, float, float, float]


class DetectionInputs(Inputs):
    """A picture, and what to keep of what is found."""

    image: Annotated[
        Image,
        Field(title="Picture", description="What the detector can find is said beside its name."),
    ]
    confidence: Confidence = 0.25
    classes: Classes = ""
    iou: Overlap = 0.6
    most: Annotated[
        int,
        Field(title="Most boxes", description="The ones with the highest scores are kept.", ge=1, le=300),
        Ui(advanced=True),
    ] = 100


class DetectionOutputs(Outputs):
    """What was found, drawn, counted, listed, and as the files that other programs read."""

    summary: Annotated[str, Field(title="Found", description="How many of which class.")]
    picture: Annotated[Image, Field(title="Picture with boxes", description="A colour for each class.")]
    table: Annotated[
        Table,
        Field(title="Boxes", description="Class, score, and left, top, right, bottom in pixels, best first."),
    ]
    files: Annotated[
        list[File],
        Field(
            title="Downloads",
            description="COCO json with scores, YOLO txt with its class names, Pascal VOC xml, CSV. None for a webcam.",
        ),
    ]
    counts: Annotated[
        dict[str, int], Field(title="Counts", description="Class to number, the largest first."), Ui(advanced=True)
    ]
    boxes: Annotated[
        list[FoundBox], Field(title="Boxes as data", description="The table's rows, for programs."), Ui(advanced=True)
    ]
    notes: Annotated[list[str], Field(title="Notes", description="What the detector knows, and what was left out.")]


class WordsInputs(Inputs):
    """A picture, and what to look for in it."""

    image: Annotated[Image, Field(title="Picture", description="A photograph of everyday things is read best.")]
    words: Annotated[
        str,
        Field(
            title="Look for",
            description="Things in English, separated by commas: each gets its own boxes.",
            min_length=1,
            max_length=400,
        ),
        Ui(placeholder="the dog, a red cup"),
    ]
    confidence: Confidence = 0.2
    iou: Overlap = 0.5
    most: Annotated[
        int,
        Field(title="Most boxes", description="The ones with the highest scores are kept.", ge=1, le=300),
        Ui(advanced=True),
    ] = 100


class VideoInputs(Inputs):
    """A video, what to keep of what is found in it, and where to count."""

    video: Annotated[
        Video,
        Field(title="Video", description="Its frames are read one after the other; longer ones take longer."),
    ]
    shapes: Annotated[
        Shapes,
        Field(
            title="Lines and zones",
            description="Where to count: things that cross a line, things inside a zone. Points are pixels (x, y) of "
            "the upright first frame.",
        ),
        Ui(over="video"),
    ] = Shapes()
    confidence: Confidence = 0.25
    classes: Classes = ""
    iou: Overlap = 0.6
    most_fps: Annotated[
        float,
        Field(
            title="Frames read",
            description="Of a video with more frames in a second some are left out: half as many take half as long.",
            ge=1,
            le=60,
        ),
        Ui(unit="frames/s", step=1, advanced=True),
    ] = 30
    remembered_s: Annotated[
        float,
        Field(
            title="Remembered",
            description="Something that was out of sight for longer gets a new number when it comes back.",
            ge=0.1,
            le=10,
        ),
        Ui(unit="s", step=0.1, advanced=True),
    ] = 1


class VideoOutputs(Outputs):
    """What moved through a video: drawn, followed, counted, listed."""

    summary: Annotated[str, Field(title="Found", description="How many tracks of which class.")]
    frames: Annotated[int, Field(title="Frames read", description="Frames in which things were looked for.")]
    video: Annotated[
        Video | None,
        Field(title="Video with boxes", description="H.264, without sound; nothing while the run is under way."),
    ]
    frame: Annotated[Image, Field(title="Latest frame", description="With its boxes, tracks, lines and zones.")]
    counts: Annotated[
        Table | None,
        Field(
            title="Lines and zones",
            description="Crossings of each line in both directions, tracks that were in each zone and how many at "
            "once, by class. A line's arrow points to where things go in.",
        ),
    ]
    tracks: Annotated[
        Table,
        Field(
            title="Tracks",
            description="A row for each thing that was followed: class, when it was seen, how far it went in pixels, "
            "which lines it crossed and in which zones it was.",
        ),
    ]
    files: Annotated[
        list[File],
        Field(title="Downloads", description="The tables as CSV, and every box of every frame. None under way."),
    ]
    notes: Annotated[list[str], Field(title="Notes", description="What the detector knows, and what was left out.")]
