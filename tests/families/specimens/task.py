"""Tasks that exercise every field kind and every way a run can end; the contract tests run over them."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from studio.contract import Adapter, Example, Inputs, Live, Outputs, Task, Ui
from studio.media.audio import Audio
from studio.media.file import File
from studio.media.image import Image
from studio.media.table import Table
from studio.media.video import Video
from studio.results import BoxedImage, Markdown, Plot, Scores

EXAMPLES = Path(__file__).parent / "examples"


class Grade(Enum):
    COARSE = "coarse"
    FINE = "fine"


class Window(BaseModel):
    """A part of a picture, as JSON."""

    left: int = 0
    width: int = Field(10, ge=1)


class EchoInputs(Inputs):
    image: Image = Field(title="Picture", description="Any picture.")
    audio: Annotated[Audio, Field(title="Sound", description="Any sound.")]
    video: Video = Field(title="Video", description="Any video.")
    table: Table = Field(title="Table", description="Any table.")
    file: Annotated[File, Field(title="File", description="A text file."), Ui(accept=(".txt",))]
    text: Annotated[str, Field(title="Text", description="A few lines.", min_length=1), Ui(lines=3)]
    files: list[File] = Field(default_factory=list, title="Files", description="More files.", max_length=3)
    images: list[Image] = Field(default_factory=list, title="Pictures", description="More pictures.", max_length=4)
    portrait: Annotated[Image | None, Ui(camera=True)] = Field(None, title="Portrait", description="From the webcam.")
    words: list[str] = Field(default_factory=lambda: ["one", "two"], title="Words", description="Any words.")
    count: int = Field(3, title="Count", description="How many.", ge=1, le=9)
    length_s: Annotated[float, Ui(unit="s", step=0.5, advanced=True)] = Field(
        1.5, title="Length", description="How long.", ge=0, le=10
    )
    mode: Literal["plain", "fancy"] = Field("plain", title="Mode", description="How.")
    grade: Grade = Field(Grade.COARSE, title="Grade", description="How finely.")
    loud: bool = Field(False, title="Loud", description="Whether to answer in capitals.")
    window: Window = Field(default_factory=Window, title="Window", description="Which part, as JSON.")
    limits: dict[str, float] = Field(default_factory=dict, title="Limits", description="Any numbers by name.")


class EchoOutputs(Outputs):
    image: Image = Field(title="Picture")
    boxed: BoxedImage = Field(title="Boxes")
    scores: Scores = Field(title="Scores")
    text: str = Field(title="Text")
    markdown: Markdown = Field(title="Report")
    audio: Audio = Field(title="Sound")
    video: Video = Field(title="Video")
    table: Table = Field(title="Table")
    file: File = Field(title="File")
    files: list[File] = Field(title="Files")
    images: list[Image] = Field(title="Pictures")
    plot: Plot = Field(title="Plot")
    count: int = Field(title="Count")
    length_s: Annotated[float, Ui(unit="s")] = Field(title="Length")
    loud: bool = Field(title="Loud")
    mode: Literal["plain", "fancy"] = Field(title="Mode")
    words: list[str] = Field(title="Words")
    details: dict[str, Any] = Field(title="Details")
    portrait: Image | None = Field(None, title="Portrait")


class StreamInputs(Inputs):
    steps: int = Field(5, title="Steps", description="How many partial answers.", ge=1, le=1000)
    pause_s: Annotated[float, Ui(unit="s")] = Field(0.01, title="Pause", description="Between two of them.", ge=0, le=1)


class StreamOutputs(Outputs):
    text: str = Field(title="Text")
    step: int = Field(title="Step")


class FailureInputs(Inputs):
    way: Literal["none", "crash", "memory", "own", "wrong_type", "nothing"] = Field(
        "crash", title="Way", description="How the model fails."
    )


class TogetherInputs(Inputs):
    number: int = Field(3, title="Number", description="Zero is at fault.", ge=0, le=1000)


class TogetherOutputs(Outputs):
    square: int = Field(title="Square")


class LiveInputs(Inputs):
    frame: Annotated[Image, Ui(camera=True)] = Field(title="Frame", description="The camera's picture.")


class LiveOutputs(Outputs):
    boxes: BoxedImage = Field(title="Boxes")
    brightness: float = Field(title="Brightness")


def _adapter(name: str, entry: str, **changes: Any) -> Adapter:
    return Adapter(
        name=name,
        title=f"Specimen {name}",
        entry=f"tests.families.specimens.models:{entry}",
        memory_mb=changes.pop("memory_mb", 1),
        licence="AGPL-3.0-or-later",
        source="tests",
        kind="embedded",
        **changes,
    )


TASKS = (
    Task(
        name="specimen_echo",
        title="Echo",
        section="Specimens",
        summary="Gives back what it is given, in every kind of field.",
        inputs=EchoInputs,
        outputs=EchoOutputs,
        examples=(
            Example(
                title="One of each",
                values={
                    "image": EXAMPLES / "picture.png",
                    "audio": EXAMPLES / "sound.wav",
                    "video": EXAMPLES / "clip.mp4",
                    "table": EXAMPLES / "table.csv",
                    "file": EXAMPLES / "note.txt",
                    "text": "Hello",
                },
            ),
        ),
        adapters=(_adapter("echo", "Echo"), _adapter("twin", "EchoTwin", commercial=False)),
        how_it_works="It copies its inputs.",
        keywords=("copy",),
    ),
    Task(
        name="specimen_stream",
        title="Stream",
        section="Specimens",
        summary="Answers in steps, says how far it is, and can be cancelled.",
        inputs=StreamInputs,
        outputs=StreamOutputs,
        examples=(Example(title="Five steps", values={"steps": 5}),),
        adapters=(_adapter("stream", "Stream"),),
    ),
    Task(
        name="specimen_failure",
        title="Failure",
        section="Specimens",
        summary="Fails in the way it is told to.",
        inputs=FailureInputs,
        outputs=StreamOutputs,
        examples=(Example(title="Does not fail", values={"way": "none"}),),
        adapters=(_adapter("failing", "Failing"), _adapter("unloadable", "Unloadable")),
    ),
    Task(
        name="specimen_batch",
        title="Together",
        section="Specimens",
        summary="Squares a number, and several at once in the time of one.",
        inputs=TogetherInputs,
        outputs=TogetherOutputs,
        examples=(Example(title="Three", values={"number": 3}),),
        adapters=(_adapter("together", "Together", batch=4),),
        part_of="specimen_echo",
    ),
    Task(
        name="specimen_live",
        title="Live",
        section="Specimens",
        summary="Finds the brightest pixel of a webcam's picture.",
        inputs=LiveInputs,
        outputs=LiveOutputs,
        examples=(Example(title="A picture", values={"frame": EXAMPLES / "picture.png"}),),
        adapters=(_adapter("brightest", "Brightest"),),
        live=Live(camera="frame", show="boxes"),
        part_of="specimen_echo",
    ),
)
