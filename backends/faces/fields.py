"""The inputs and outputs of the face tasks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studio.contract import Inputs, Outputs, Ui
from studio.media.archive import Archive
from studio.media.image import Image
from studio.media.table import Table
from studio.results import BoxedImage, Plot

Threshold = Annotated[
    float,
    Field(
        title="Threshold",
        description="Up to this distance two faces are taken for one person. Lower is stricter.",
        ge=0.3,
        le=0.9,
    ),
    Ui(unit="distance", step=0.01, advanced=True),
]


class VerificationInputs(Inputs):
    """Two photographs."""

    first: Annotated[Image, Field(title="First picture", description="A photograph with a face: the reference.")]
    second: Annotated[
        Image,
        Field(title="Second picture", description="The photograph, or webcam, to compare it with."),
        Ui(camera=True),
    ]
    threshold: Threshold = 0.53


class VerificationOutputs(Outputs):
    """The verdict and what it rests on."""

    same_person: Annotated[
        bool, Field(title="Same person", description="Whether the distance is within the threshold.")
    ]
    verdict: Annotated[str, Field(title="Verdict", description="The answer in words.")]
    distance: Annotated[
        float,
        Field(title="Distance", description="Between the two faces' embeddings; 0 is the same picture."),
    ]
    threshold: Annotated[float, Field(title="Threshold", description="The threshold that was used.")]
    first_face: Annotated[
        BoxedImage, Field(title="First face", description="Faces in the first picture, the compared one marked.")
    ]
    second_face: Annotated[
        BoxedImage, Field(title="Second face", description="Faces in the second picture, the compared one marked.")
    ]
    notes: Annotated[
        list[str], Field(title="Notes", description="What makes the verdict less sure, and which face was compared.")
    ]


class IdentificationInputs(Inputs):
    """One picture to look for enrolled people in."""

    image: Annotated[
        Image,
        Field(title="Picture", description="A photograph, or the webcam, with any number of faces."),
        Ui(camera=True),
    ]
    threshold: Threshold = 0.53


class IdentificationOutputs(Outputs):
    """The people that were found."""

    image: Annotated[BoxedImage, Field(title="Faces", description="Each face with its person's name, or 'unknown'.")]
    people: Annotated[
        Table,
        Field(
            title="People",
            description="One row per face, numbered from left to right: the name or 'unknown', the nearest enrolled "
            "person with the distance, and the next nearest one.",
        ),
    ]
    notes: Annotated[list[str], Field(title="Notes", description="What makes the result less sure.")]


class EnrolmentInputs(Inputs):
    """A person and photographs of them."""

    name: Annotated[
        str,
        Field(
            title="Name",
            description="The person's name. Photographs are added to a person who is already enrolled under it.",
            min_length=1,
            max_length=80,
        ),
    ]
    photographs: Annotated[
        list[Image],
        Field(
            title="Photographs",
            description="Pictures that show this person's face and no other; several are better than one.",
            min_length=1,
            max_length=20,
        ),
    ]
    consent: Annotated[
        bool,
        Field(
            title="I have this person's consent",
            description="Faces are biometric data. They stay in your own gallery until you delete them.",
        ),
    ]


class EnrolmentOutputs(Outputs):
    """What was stored."""

    person: Annotated[str, Field(title="Person", description="The name under which the photographs are stored.")]
    photographs: Annotated[int, Field(title="Photographs added", description="Photographs stored by this call.")]
    photographs_in_all: Annotated[
        int, Field(title="Photographs in all", description="Photographs of this person in the gallery.")
    ]
    faces: Annotated[list[Image], Field(title="Faces", description="The faces as they were stored.")]
    rejected: Annotated[list[str], Field(title="Not taken", description="Photographs that were not stored, and why.")]
    notes: Annotated[
        list[str], Field(title="Notes", description="Stored photographs that are not of the best quality.")
    ]


class GalleryInputs(Inputs):
    """What to do with your gallery."""

    action: Annotated[
        Literal["list", "rename", "delete"],
        Field(title="Action", description="List everybody, rename a person, or delete a person with all photographs."),
    ] = "list"
    name: Annotated[str, Field(title="Name", description="The person to rename or delete.", max_length=80)] = ""
    new_name: Annotated[str, Field(title="New name", description="For renaming only.", max_length=80)] = ""


class GalleryOutputs(Outputs):
    """Your gallery after the action."""

    people: Annotated[
        Table,
        Field(title="People", description="Everybody enrolled, with the number of photographs and the date (UTC)."),
    ]
    message: Annotated[str, Field(title="Result", description="What was done.")]


class ThresholdInputs(Inputs):
    """Pairs of photographs whose answer is known."""

    pairs: Annotated[
        Archive,
        Field(
            title="Pairs",
            description="A zip with either a pairs.csv (columns first, second, same; file names as in the zip; same is "
            "1 or 0) and the pictures, or two folders 'same' and 'different' with pictures named 01_a.jpg and "
            "01_b.jpg, 02_a.jpg and 02_b.jpg, and so on.",
        ),
        Ui(accept=(".zip",)),
    ]
    false_accept_rate: Annotated[
        float,
        Field(
            title="False accept rate",
            description="The share of pairs of different people that you can accept to be taken for one person.",
            ge=0,
            le=0.5,
        ),
        Ui(step=0.001),
    ] = 0.01


class ThresholdOutputs(Outputs):
    """The threshold and how good it is on these pairs."""

    threshold: Annotated[float, Field(title="Threshold", description="The largest that keeps to the wished rate.")]
    true_accept_rate: Annotated[
        float, Field(title="True accept rate", description="Share of pairs of one person that it accepts.")
    ]
    false_accept_rate: Annotated[
        float, Field(title="False accept rate", description="Share of pairs of different people that it accepts.")
    ]
    equal_error_rate: Annotated[
        float,
        Field(title="Equal error rate", description="Where as many pairs are wrongly accepted as wrongly rejected."),
    ]
    same_pairs: Annotated[int, Field(title="Pairs of one person", description="Pairs that were used.")]
    different_pairs: Annotated[int, Field(title="Pairs of different people", description="Pairs that were used.")]
    roc: Annotated[Plot, Field(title="ROC curve", description="True against false accept rate, over all thresholds.")]
    distances: Annotated[
        Table, Field(title="Distances", description="Each pair with its distance and what the threshold makes of it.")
    ]
    skipped: Annotated[list[str], Field(title="Skipped pairs", description="Pairs that could not be used, and why.")]
    notes: Annotated[list[str], Field(title="Notes", description="How far these figures can be trusted.")]
