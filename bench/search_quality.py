"""Image search: pictures of one class on CIFAR-10, and receipts found by the name of the shop.

"More like this" compares every picture with all others: precision at 10 is the share of the ten nearest that are of its
class. The receipts are added as a visitor would, one collection of all of them, and searched by each shop's name as it
was annotated: recall at 10 is the share of that shop's receipts, ten at most, among the first ten results.
"""

from __future__ import annotations

import gzip
import json
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

import backends.pictures
from backends.pictures.classifier import PictureClassifier
from bench.figures import Figure, NoData
from recipes.data import cifar10
from studio.media.base import Blob
from studio.runtime import EMBEDDED, Runtime
from studio.settings import Settings
from studio.weights import Shelf

PRECISION, RECALL = 0.8, 0.8
_PICTURES = 5_000
_AT = 10


def measure(settings: Settings) -> list[Figure]:
    """Both; see the module."""
    return [*measure_looks(settings), *measure_words(settings)]


def measure_looks(settings: Settings) -> list[Figure]:
    """Precision at 10 of our features, and of bare pixels in the same run."""
    if settings.data is None or not (settings.data / "cifar10").is_dir():
        raise NoData("set ATELIER_DATA to a folder that has cifar10/")
    test = cifar10(settings, "test")
    pictures, labels = test.pictures[:_PICTURES], np.asarray(test.labels[:_PICTURES])
    family = Path(backends.pictures.__file__).parent
    model = PictureClassifier(Shelf(EMBEDDED).resolve(family, "pictures"), "cpu")
    ours = precision(np.stack([model.features(picture) for picture in pictures]), labels)
    pixels = np.asarray(pictures, np.float32).reshape(len(pictures), -1)
    pixels -= pixels.mean(axis=0)
    bare = precision(pixels / np.linalg.norm(pixels, axis=1, keepdims=True), labels)
    return [
        Figure(
            "CIFAR-10",
            f"test, the first {_PICTURES:,}",
            "more like this: precision at 10",
            ours,
            f">= {PRECISION}",
            ours >= PRECISION,
            f"cosine of bare pixels, same run: {bare:.4f}",
        )
    ]


def precision(vectors: npt.NDArray[np.float32], labels: npt.NDArray[np.int_]) -> float:
    """Share of the ten nearest of each vector (N, D) that have its label; itself is left out."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, np.float32))
    _, near = index.search(np.ascontiguousarray(vectors, np.float32), _AT + 1)
    hits = []
    for row, places in enumerate(near):
        others = [place for place in places if place != row][:_AT]
        hits.append(float((labels[others] == labels[row]).mean()))
    return float(np.mean(hits))


def measure_words(settings: Settings) -> list[Figure]:
    """Recall at 10 of receipts by the shop's name."""
    if settings.data is None or not (settings.data / "sroie_receipts").is_dir():
        raise NoData("set ATELIER_DATA to a folder that has sroie_receipts/")
    folder = settings.data / "sroie_receipts"
    with gzip.open(folder / "annotations.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = {row["file"]: row["fields"]["company"] for row in map(json.loads, file)}
    with tempfile.TemporaryDirectory() as home, tarfile.open(folder / "images.tar") as tar:
        runtime = Runtime(Settings(home=Path(home), device="cpu"))
        for member in tar.getmembers():
            name = PurePosixPath(member.name).name
            opened = tar.extractfile(member)
            if name in rows and opened is not None:
                runtime.run("image_index", {"collection": "receipts", "pictures": [Blob(name, opened.read())]})
        recalls = []
        for company in sorted(set(rows.values())):
            wanted = {name for name, other in rows.items() if other == company}
            found: Any = runtime.run("image_search", {"collection": "receipts", "query": company, "results": _AT})
            hits = wanted & set(found.outputs.results.frame["file"])
            recalls.append(len(hits) / min(_AT, len(wanted)))
        runtime.close()
    recall = float(np.mean(recalls))
    return [
        Figure(
            "SROIE receipts",
            f"all, {len(rows)} pictures, {len(recalls)} shops",
            "words: recall at 10",
            recall,
            f">= {RECALL}",
            recall >= RECALL,
            detail="searched by the shop's name as it was annotated",
        )
    ]
