"""Whether two photographs show the same person."""

from __future__ import annotations

from backends.faces.boxes import boxed
from backends.faces.fields import VerificationInputs, VerificationOutputs
from backends.faces.model import FaceModel, Portrait, Vector, portrait
from backends.faces.quality import SMALL_PX, face_notes
from studio.contract import Run
from studio.errors import InvalidInput
from studio.media.image import Image
from studio.results import BoxedImage

#: A distance this near to the threshold could as well have fallen on its other side.
CLOSE = 0.03


def verify(model: FaceModel, inputs: VerificationInputs, run: Run) -> VerificationOutputs:
    """Compare the largest face of each picture.

    Raises:
        InvalidInput: no face in one of the pictures; the field says in which.
    """
    run.progress(0.05, "Looking for the face in the first picture")
    first = model.references.portrait(model, inputs.first.rgb)
    first_embedding = _embedding_of(model, first, inputs.first, "first")
    run.progress(0.5, "Looking for the face in the second picture")
    second = portrait(model, inputs.second.rgb, quick=run.live)
    second_embedding = _embedding_of(model, second, inputs.second, "second")
    distance = float(model.distances(first_embedding, second_embedding[None])[0])
    same = distance <= inputs.threshold
    label = f"{'same person' if same else 'different'} {distance:.2f}"
    return VerificationOutputs(
        same_person=same,
        verdict=_verdict(distance, inputs.threshold),
        distance=round(distance, 4),
        threshold=inputs.threshold,
        first_face=_marked(inputs.first, first, "reference"),
        second_face=_marked(inputs.second, second, label),
        notes=[*_notes(inputs.first, first, "first"), *_notes(inputs.second, second, "second")],
    )


def no_face(model: FaceModel, image: Image, where: str, field: str) -> InvalidInput:
    """The error for a picture without a face, saying how large one must be to be found."""
    smallest_px = max(SMALL_PX, round(model.smallest_face_px(image.resolution_wh)))
    return InvalidInput(
        f"No face was found in {where}.",
        field=field,
        expected=f"a picture with a face that is at least {smallest_px} px wide",
        got=f"{image.resolution_wh[0]} x {image.resolution_wh[1]} px without a face",
        hint="Use a picture in which the face is larger, better lit and turned to the camera.",
    )


def _embedding_of(model: FaceModel, found: Portrait, image: Image, which: str) -> Vector:
    if found.embedding is None:
        raise no_face(model, image, f"the {which} picture", which)
    return found.embedding


def _verdict(distance: float, threshold: float) -> str:
    same = distance <= threshold
    if abs(distance - threshold) <= CLOSE:
        answer = "Probably the same person" if same else "Probably different people"
        return f"{answer}: the distance is close to the threshold, do not rely on it"
    return "The same person" if same else "Different people"


def _marked(image: Image, found: Portrait, label: str) -> BoxedImage:
    others = len(found.faces) - 1
    return boxed(image, found.faces, [label] + [""] * others, [True] + [False] * others)


def _notes(image: Image, found: Portrait, which: str) -> list[str]:
    notes = [f"The face in the {which} picture {note}." for note in face_notes(image.rgb, found.faces[0])]
    if len(found.faces) > 1:
        notes.insert(0, f"{len(found.faces)} faces in the {which} picture; the largest was compared.")
    return notes
