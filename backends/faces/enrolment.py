"""Enrols people: the faces of their photographs go into the owner's gallery."""

from __future__ import annotations

from dataclasses import dataclass, field

from PIL import Image as PilImage

from backends.faces.fields import EnrolmentInputs, EnrolmentOutputs
from backends.faces.gallery import MAX_PHOTOGRAPHS, Gallery, Photograph
from backends.faces.model import Face, FaceModel, picture_digest
from backends.faces.quality import face_notes
from studio.contract import Run
from studio.errors import InvalidInput, TooLarge
from studio.media.base import Blob
from studio.media.image import Image

#: What is kept of a photograph: the face's box and half as much again on each side, at most so large.
_MARGIN = 0.5
_KEPT_PX = 512


@dataclass
class _Sorted:
    """Photographs to store by their digest, and in words those not taken and what is not ideal."""

    taken: dict[str, Photograph] = field(default_factory=dict)
    known: int = 0
    rejected: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def enrol(model: FaceModel, inputs: EnrolmentInputs, run: Run) -> EnrolmentOutputs:
    """Store the face of each photograph that shows exactly one: all of these in one step, or none.

    A photograph that this person is enrolled with already is passed over, so that enrolling twice changes nothing.

    Raises:
        InvalidInput: no consent, no name, or no photograph with exactly one face.
        TooLarge: the gallery is full.
    """
    name = " ".join(inputs.name.split())
    _check(name, inputs.consent)
    gallery = Gallery(run.storage)
    _check_room(gallery, len(inputs.photographs))
    found = _sort(model, gallery, name, inputs.photographs, run)
    run.check()
    person = gallery.add(name, list(found.taken.values()), model.name) if found.taken else gallery.person(name)
    if person is None or not (found.taken or found.known):
        raise _none_usable(found.rejected)
    return EnrolmentOutputs(
        person=person.name,
        photographs=len(found.taken),
        photographs_in_all=person.photographs,
        faces=[Image.load(Blob(data=photograph.jpeg)) for photograph in found.taken.values()],
        rejected=found.rejected,
        notes=found.notes,
    )


def _check(name: str, consent: bool) -> None:
    if not consent:
        raise InvalidInput(
            "Nobody is enrolled without their consent.",
            field="consent",
            expected="true",
            got="false",
            hint="Ask the person, then tick the box.",
        )
    if not name:
        raise InvalidInput("The name is empty.", field="name", expected="1 to 80 characters", got="only spaces")


def _check_room(gallery: Gallery, wanted: int) -> None:
    stored = sum(person.photographs for person in gallery.people())
    if stored + wanted > MAX_PHOTOGRAPHS:
        raise TooLarge(
            f"A gallery holds at most {MAX_PHOTOGRAPHS:,} photographs.",
            field="photographs",
            expected=f"at most {MAX_PHOTOGRAPHS - stored:,} more",
            got=f"{wanted:,}",
            hint="Delete people who are not needed any more.",
        )


def _sort(model: FaceModel, gallery: Gallery, name: str, photographs: list[Image], run: Run) -> _Sorted:
    found = _Sorted()
    for index, image in enumerate(photographs):
        where = f"Photograph {index + 1}"
        run.progress(0.95 * index / len(photographs), f"{where} of {len(photographs)}")
        digest = picture_digest(image.rgb)
        if digest in found.taken or gallery.has(name, digest):
            found.known += 1
            found.rejected.append(f"{where}: it is enrolled already.")
            continue
        faces = model.detect(image.rgb, every=False)
        if len(faces) != 1:
            reason = "no face was found." if not faces else f"it shows {len(faces)} faces; crop it to one."
            found.rejected.append(f"{where}: {reason}")
            continue
        face = faces[0]
        found.taken[digest] = Photograph(_kept_jpeg(image, face), digest, model.embed(image.rgb, face))
        found.notes += [f"{where}: the face {note}." for note in face_notes(image.rgb, face)]
    return found


def _kept_jpeg(image: Image, face: Face) -> bytes:
    """The face with a margin, as far as it is in the picture, as JPEG."""
    left, top, right, bottom = face.box_xyxy
    margin_x, margin_y = _MARGIN * (right - left), _MARGIN * (bottom - top)
    width, height = image.resolution_wh
    box = (
        max(0, round(left - margin_x)),
        max(0, round(top - margin_y)),
        min(width, round(right + margin_x)),
        min(height, round(bottom + margin_y)),
    )
    crop = image.pil().crop(box)
    crop.thumbnail((_KEPT_PX, _KEPT_PX), PilImage.Resampling.LANCZOS)
    return Image.from_pil(crop).encode()[0]


def _none_usable(rejected: list[str]) -> InvalidInput:
    return InvalidInput(
        "None of the photographs can be enrolled.",
        field="photographs",
        expected="a photograph with exactly one face",
        got=" ".join(rejected)[:500],
        hint="Use pictures in which the person's face is large, lit and turned to the camera, and nobody else's is.",
    )
