"""Finds enrolled people in pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backends.faces.boxes import boxed
from backends.faces.fields import IdentificationInputs, IdentificationOutputs
from backends.faces.gallery import Gallery
from backends.faces.model import Face, FaceModel, Vector, portrait
from backends.faces.quality import face_notes
from backends.faces.verification import CLOSE
from studio.contract import Run
from studio.media.base import Blob
from studio.media.image import Image
from studio.media.table import Table

UNKNOWN = "unknown"
#: A picture in which faces narrower than this cannot be found gets a note.
_WORTH_SAYING_PX = 100


@dataclass(frozen=True)
class Candidate:
    """An enrolled person and the distance of the nearest of their photographs."""

    name: str
    distance: float


def identify(model: FaceModel, inputs: IdentificationInputs, run: Run) -> IdentificationOutputs:
    """Name each face in the picture, or call it unknown. A picture without faces is an answer, not an error."""
    run.progress(0.05, "Looking for faces")
    image = inputs.image
    faces = sorted(model.detect(image.rgb, every=True, quick=run.live), key=lambda face: face.box_xyxy[0])
    gallery = Gallery(run.storage)
    _embed_missing(model, gallery, run)
    names, embeddings = gallery.embeddings(model.name)
    ranked: list[list[Candidate]] = []
    for index, face in enumerate(faces):
        run.progress(0.2 + 0.8 * index / len(faces), f"Face {index + 1} of {len(faces)}")
        ranked.append(rank(model, model.embed(image.rgb, face), names, embeddings) if names else [])
    found = [bool(candidates) and candidates[0].distance <= inputs.threshold for candidates in ranked]
    labels = [_label(candidates, known) for candidates, known in zip(ranked, found, strict=True)]
    smallest_px = model.smallest_face_px(image.resolution_wh)
    if smallest_px > _WORTH_SAYING_PX:
        run.note(f"The picture is large: faces narrower than about {smallest_px:.0f} px were not looked for.")
    return IdentificationOutputs(
        image=boxed(image, faces, labels, found),
        people=_table(ranked, found),
        notes=_notes(image, faces, ranked, inputs.threshold, anybody=bool(names)),
    )


def rank(model: FaceModel, embedding: Vector, names: Sequence[str], embeddings: Vector) -> list[Candidate]:
    """The enrolled people, nearest first; `names` (N) says whose each of the embeddings (N, D) is."""
    nearest: dict[str, float] = {}
    for name, distance in zip(names, model.distances(embedding, embeddings), strict=True):
        nearest[name] = min(float(distance), nearest.get(name, np.inf))
    return sorted((Candidate(name, distance) for name, distance in nearest.items()), key=lambda c: c.distance)


def _embed_missing(model: FaceModel, gallery: Gallery, run: Run) -> None:
    """Embed the stored faces that another model has enrolled. One in which this model sees no face is left out."""
    missing = gallery.not_embedded(model.name)
    made: dict[int, Vector] = {}
    for index, (photograph_id, jpeg) in enumerate(missing):
        run.progress(0.1, f"Enrolled face {index + 1} of {len(missing)}, for the first time with this model")
        found = portrait(model, Image.load(Blob(data=jpeg)).rgb)
        if found.embedding is not None:
            made[photograph_id] = found.embedding
    if made:
        gallery.add_embeddings(model.name, made)
    if len(made) < len(missing):
        run.note(f"{len(missing) - len(made)} enrolled photographs show no face that this model finds.")


def _label(candidates: Sequence[Candidate], known: bool) -> str:
    return f"{candidates[0].name} {candidates[0].distance:.2f}" if known else UNKNOWN


def _table(ranked: Sequence[Sequence[Candidate]], found: Sequence[bool]) -> Table:
    import pandas

    columns = ["face", "name", "nearest", "distance", "next_nearest", "next_distance"]
    rows = []
    for number, (candidates, known) in enumerate(zip(ranked, found, strict=True), start=1):
        first, second = (*candidates[:2], None, None)[:2]
        rows.append(
            {
                "face": number,
                "name": first.name if first and known else UNKNOWN,
                "nearest": first.name if first else "",
                "distance": round(first.distance, 4) if first else None,
                "next_nearest": second.name if second else "",
                "next_distance": round(second.distance, 4) if second else None,
            }
        )
    return Table(pandas.DataFrame(rows, columns=columns), "people.csv")


def _notes(
    image: Image, faces: Sequence[Face], ranked: Sequence[Sequence[Candidate]], threshold: float, *, anybody: bool
) -> list[str]:
    if not faces:
        return ["No face was found in the picture."]
    notes = [] if anybody else ["Nobody is enrolled yet, so everybody is unknown. Enrol people first."]
    for number, (face, candidates) in enumerate(zip(faces, ranked, strict=True), start=1):
        notes += [f"Face {number} {note}." for note in face_notes(image.rgb, face)]
        if candidates and abs(candidates[0].distance - threshold) <= CLOSE:
            notes.append(f"Face {number}: the distance to {candidates[0].name} is close to the threshold.")
        within = [candidate.name for candidate in candidates if candidate.distance <= threshold]
        if len(within) > 1:
            notes.append(f"Face {number}: {', '.join(within[1:4])} would also be within the threshold.")
    return notes
