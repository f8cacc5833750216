"""Face verification on every pair of the ORL faces, and what degraded pictures do to it.

`python -m bench.quality faces` measures the first; `python -m bench.faces_quality` the second, from which the bounds
in `backends/faces/quality.py` were taken.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from backends.faces.dlib_faces import DlibFaces
from backends.faces.model import RGB, FaceModel, Vector, portrait
from backends.faces.quality import face_crop, face_notes, sharpness
from backends.faces.roc import Roc, rates
from backends.faces.task import face_verification
from bench.figures import Figure, NoData
from studio.catalogue import Catalogue
from studio.runtime import EMBEDDED
from studio.settings import Settings
from studio.weights import Shelf

TRUE_ACCEPT, FALSE_ACCEPT = 0.985, 0.004
_REFERENCE = "LFW, other data: 0.9938 accuracy at 0.6 (King, dlib-models)"

Degrade = Callable[[Image.Image], Image.Image]


def measure(settings: Settings) -> list[Figure]:
    """Embed the 400 pictures once, compare all 79,800 pairs; without a found face a pair is rejected."""
    images, identities = _orl(settings)
    model = _load()
    embeddings = [portrait(model, _rgb(image)).embedding for image in images]
    distances, same = _all_pairs(model, embeddings, identities)
    threshold = float(face_verification.inputs.model_fields["threshold"].default)
    true_rate, false_rate = rates(distances, same, threshold)
    finite = np.where(np.isfinite(distances), distances, 1e3)
    split = f"all {len(distances):,} pairs"
    data = "ORL faces"
    missing = sum(embedding is None for embedding in embeddings)
    return [
        Figure(
            data,
            split,
            f"true accept rate at {threshold:g}",
            true_rate,
            f">= {TRUE_ACCEPT}",
            true_rate >= TRUE_ACCEPT,
            _REFERENCE,
        ),
        Figure(
            data,
            split,
            f"false accept rate at {threshold:g}",
            false_rate,
            f"<= {FALSE_ACCEPT}",
            false_rate <= FALSE_ACCEPT,
        ),
        Figure(data, split, "equal error rate", Roc.of(finite, same).equal_error_rate),
        Figure(data, f"all {len(images)} pictures", "share without a found face", missing / len(images)),
    ]


def measure_degraded(settings: Settings) -> None:
    """Print, for each way to spoil a picture, what becomes of the true accept rate and of the quality notes.

    Degraded pictures 6, 8 and 10 of each person against pictures 1 to 5 as they are; the face's place is that of the
    clean picture, so that the embedding alone is measured.
    """
    images, identities = _orl(settings)
    model = _load()
    number = np.arange(len(images)) % 10
    references = np.flatnonzero(number < 5)
    probes = np.flatnonzero(np.isin(number, (5, 7, 9)))
    found = {int(i): model.detect(_rgb(images[i]), every=False) for i in (*references, *probes)}
    gallery = [(i, model.embed(_rgb(images[i]), faces[0])) for i, faces in found.items() if i in references and faces]
    gallery_identities = identities[[i for i, _ in gallery]]
    print(f"{'picture':12} {'missed':>7} {'sharpness':>10} {'grey level':>10} {'with a note':>11}   (medians)")
    for title, degrade in _degradations():
        missed, sharp, grey, noted = [], [], [], 0
        for i in (int(i) for i in probes if found[int(i)]):
            rgb, face = _rgb(np.asarray(degrade(Image.fromarray(images[i])))), found[i][0]
            distances = model.distances(model.embed(rgb, face), np.array([e for _, e in gallery]))
            missed.append((distances > model.threshold)[gallery_identities == identities[i]])
            crop = face_crop(rgb, face)
            sharp.append(sharpness(crop))
            grey.append(crop.mean())
            noted += bool(face_notes(rgb, face))
        print(
            f"{title:12} {np.concatenate(missed).mean():7.1%} {np.median(sharp):10.3f} {np.median(grey):10.0f} "
            f"{noted / len(sharp):11.0%}",
            flush=True,
        )


def _degradations() -> list[tuple[str, Degrade]]:
    """Faces of these pictures are about 77 px wide."""

    def blurred(radius_px: float) -> Degrade:
        return lambda picture: picture.filter(ImageFilter.GaussianBlur(radius_px))

    def smaller(factor: float) -> Degrade:
        def shrink(picture: Image.Image) -> Image.Image:
            small = picture.resize(
                (round(picture.width * factor), round(picture.height * factor)), Image.Resampling.LANCZOS
            )
            return small.resize(picture.size, Image.Resampling.BICUBIC)

        return shrink

    def levels(factor: float, offset: int) -> Degrade:
        return lambda picture: picture.point(lambda value: min(255, int(value * factor) + offset))

    return [
        ("clean", lambda picture: picture),
        *((f"blur {px} px", blurred(px)) for px in (1, 1.5, 2, 3)),
        *((f"face {77 * factor:.0f} px", smaller(factor)) for factor in (0.6, 0.4, 0.3)),
        *((f"light x {factor}", levels(factor, 0)) for factor in (0.3, 0.2, 0.1)),
        *((f"light + {offset}", levels(1, offset)) for offset in (100, 140)),
    ]


def _load() -> FaceModel:
    """The shipped backend, with its weights from the shelf."""
    family = Catalogue.discover().entry(face_verification.name).family
    adapter = face_verification.adapters[0]
    return DlibFaces(Shelf(EMBEDDED).resolve(family, adapter.weights), "cpu")


def _orl(settings: Settings) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int16]]:
    """Pictures (400, 112, 92) and the person in each (400)."""
    file = (settings.data or Path()) / "orl_faces" / "orl_faces.npz"
    if settings.data is None or not file.is_file():
        raise NoData("set ATELIER_DATA to a folder that has orl_faces/orl_faces.npz")
    with np.load(file) as data:
        return data["images"], data["identity"]


def _rgb(grey: npt.NDArray[np.uint8]) -> RGB:
    return np.repeat(grey[:, :, None], 3, axis=2)  # (H, W) -> (H, W, 3)


def _all_pairs(
    model: FaceModel, embeddings: list[Vector | None], identities: npt.NDArray[np.int16]
) -> tuple[Vector, npt.NDArray[np.bool_]]:
    """Distance and whether it is one person, of each pair of pictures; infinite where a face is missing."""
    found = np.array([embedding is not None for embedding in embeddings])
    size = next(len(embedding) for embedding in embeddings if embedding is not None)
    rows = np.array([np.zeros(size) if embedding is None else embedding for embedding in embeddings])  # (400, D)
    first, second = np.triu_indices(len(rows), k=1)  # row by row, as the distances below
    distances = np.concatenate([model.distances(row, rows[i + 1 :]) for i, row in enumerate(rows)])
    return np.where(found[first] & found[second], distances, np.inf), identities[first] == identities[second]


if __name__ == "__main__":
    try:
        measure_degraded(Settings())
    except NoData as fault:
        sys.exit(str(fault))
