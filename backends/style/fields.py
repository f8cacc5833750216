"""What the family's tasks take and answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from backends.style.styles import STYLES, Painting
from studio.contract import Inputs, Outputs, Ui
from studio.media.image import Image
from studio.media.video import Video

PaintingField = Annotated[
    Painting,
    Field(title="Style", description="Ten styles that come with Atelier."),
    Ui(pictures={name: style.path for name, style in STYLES.items()}),
]
OwnStyle = Annotated[
    Image | None,
    Field(title="Or your own style", description="A picture whose strokes and colours are taken instead."),
]
KeepColours = Annotated[
    bool, Field(title="Keep the colours", description="Only light and dark change; the picture keeps its own colours.")
]
Strength = Annotated[
    float,
    Field(title="Strength", description="0 keeps close to the picture, 1 is mostly style.", ge=0, le=1),
    Ui(step=0.05),
]


class StyleInputs(Inputs):
    """A picture, and how to paint it."""

    content: Annotated[Image, Field(title="Picture", description="What is to be painted.")]
    painting: PaintingField = "impasto oil"
    style: OwnStyle = None
    strength: Strength = 0.6
    keep_colours: KeepColours = False
    brush: Annotated[
        float,
        Field(title="Brush size", description="1 is as in the style picture, 2 twice as broad.", ge=0.5, le=2),
        Ui(step=0.1),
    ] = 1.0
    second: Annotated[
        Literal["none", Painting],
        Field(title="Second style", description="Mixed with the first."),
        Ui(advanced=True),
    ] = "none"
    second_style: Annotated[
        Image | None,
        Field(title="Or your own second style", description="A picture in its place."),
        Ui(advanced=True),
    ] = None
    blend: Annotated[
        float,
        Field(title="Share of the second style", description="Where one is chosen.", ge=0, le=1),
        Ui(step=0.05, advanced=True),
    ] = 0.5
    size: Annotated[
        int,
        Field(title="Size", description="Of the longer side. Twice the size takes four times as long.", ge=64, le=1024),
        Ui(unit="px", step=64),
    ] = 512
    seed: Annotated[
        int,
        Field(title="Seed", description="The same seed and settings give the same picture.", ge=0, le=2**31 - 1),
        Ui(advanced=True),
    ] = 7


class StyleOutputs(Outputs):
    """The picture, painted."""

    picture: Annotated[
        Image,
        Field(title="Painted", description="The picture in the chosen style."),
        Ui(wide=True, before="original"),
    ]
    original: Annotated[
        Image,
        Field(title="Before", description="What was painted, at the same size."),
        Ui(advanced=True),
    ]
    notes: Annotated[list[str], Field(title="Notes", description="What was done to the pictures.")]


class LiveInputs(Inputs):
    """A camera's frame, or a video, and how to paint it."""

    image: Annotated[
        Image | None, Field(title="Camera", description="A frame of the webcam, or a picture."), Ui(camera=True)
    ] = None
    video: Annotated[Video | None, Field(title="Or a video", description="Painted frame by frame.")] = None
    painting: PaintingField = "night sky"
    style: OwnStyle = None
    strength: Strength = 0.8
    keep_colours: KeepColours = False
    size: Annotated[
        int,
        Field(
            title="Size",
            description="Of the longer side of a video or picture. The webcam is painted at 256 px.",
            ge=128,
            le=640,
        ),
        Ui(unit="px", step=64, advanced=True),
    ] = 384
    most_fps: Annotated[
        float,
        Field(
            title="Frames painted",
            description="Of a video with more frames in a second some are left out: half as many take half as long.",
            ge=1,
            le=60,
        ),
        Ui(unit="frames/s", step=1, advanced=True),
    ] = 25


class LiveOutputs(Outputs):
    """The frame, or the video, painted."""

    picture: Annotated[Image, Field(title="Painted", description="The newest frame.")]
    video: Annotated[Video | None, Field(title="Painted video", description="Nothing until all frames are painted.")]
    notes: Annotated[list[str], Field(title="Notes", description="What was left out or scaled down.")]
