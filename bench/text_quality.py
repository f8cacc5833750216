"""Text lines of shop receipts, and texts of licence plates, each beside the bare RapidOCR in the same run.

How a receipt's lines are matched: all lines that the reader gives for the picture are joined in its own order, without
white space and without regard to capital letters, as the annotations are in capitals and set other spaces. An annotated
line counts as recalled if some stretch of that text differs from it by an edit distance of at most a tenth of the
annotated line's length, so that a line of less than ten characters must be there exactly. The stricter figure beside it
looks only at what was read in the annotated line's own place: the lines whose boxes overlap its box sideways, and by
half of the lower one's height, from left to right.

A plate's text counts if all its characters are right, capitals and digits alone compared.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import PIL.Image

from backends.detection.fields import DetectionInputs
from backends.text.engine import Engine
from backends.text.fields import PlateInputs
from backends.text.geometry import RGB, Quad, bounds
from backends.text.plates import DETECTOR, read_crop, read_plates
from backends.text.recognition import read_in_order
from backends.text.task import text_recognition
from bench.bare import BareRun
from bench.detection_quality import load
from bench.figures import Figure, NoData
from studio.catalogue import Catalogue
from studio.contract import Inputs, Outputs
from studio.media.image import Image
from studio.runtime import EMBEDDED
from studio.settings import Settings
from studio.weights import Shelf

LINES_RECALLED, PLATES_EXACT = 0.95, 0.80
_TOLERANCE = 0.1

Placed = Sequence[tuple[str, Quad]]


@dataclass(frozen=True)
class Receipt:
    """A picture and its annotated lines: (text, (left, top, right, bottom))."""

    rgb: RGB
    lines: list[tuple[str, tuple[float, float, float, float]]]


def measure(settings: Settings) -> list[Figure]:
    """Receipts and plates; see the module."""
    return [*measure_receipts(settings), *measure_plates(settings)]


def measure_receipts(settings: Settings, split: str = "test") -> list[Figure]:
    """Lines of the receipts of a split that are recalled, by us and by RapidOCR as it comes."""
    engine, bare = _engine(), _bare()
    recalled: dict[str, list[bool]] = {"ours": [], "ours, in place": [], "bare": [], "bare, in place": []}
    receipts = list(_receipts(settings, split))
    for receipt in receipts:
        page = read_in_order(engine, Image(receipt.rgb))
        lines = _bare_lines(bare, receipt.rgb)
        readings: list[tuple[str, str, Placed]] = [
            ("ours", page.text, [(line.text, line.quad) for line in page.lines]),
            ("bare", "\n".join(text for text, _ in lines), lines),
        ]
        for who, text, placed in readings:
            joined = _bare_of_looks(text)
            for line, box in receipt.lines:
                recalled[who].append(_is_in(_bare_of_looks(line), joined))
                recalled[f"{who}, in place"].append(_is_in(_bare_of_looks(line), _read_at(placed, box)))
    share = {who: float(np.mean(hits)) for who, hits in recalled.items()}
    data, size = "SROIE receipts", f"{split}, {len(recalled['ours']):,} lines"
    return [
        Figure(
            data,
            size,
            "lines recalled, edit distance <= 10 %",
            share["ours"],
            f">= {LINES_RECALLED}",
            share["ours"] >= LINES_RECALLED,
            f"RapidOCR as it comes, same run: {share['bare']:.4f}",
        ),
        Figure(
            data,
            size,
            "the same, read in the line's own place",
            share["ours, in place"],
            reference=f"RapidOCR as it comes, same run: {share['bare, in place']:.4f}",
        ),
    ]


class _Run(BareRun):
    """A run that is answered by the detector of plates where it asks for it."""

    def __init__(self) -> None:
        super().__init__()
        self._detector = load(DETECTOR[1])

    def call(
        self, task: str, payload: Mapping[str, Any] | Inputs, adapter: str | None = None, until: float | None = None
    ) -> Outputs:
        """What the detector finds."""
        if (task, adapter) != DETECTOR:
            return super().call(task, payload, adapter, until)
        found = self._detector(DetectionInputs.model_validate(payload), self)
        assert isinstance(found, Outputs)
        return found


def measure_plates(settings: Settings, split: str = "test") -> list[Figure]:
    """Plates of a split read exactly: cut out as they are given, and photographs with our detector and without."""
    engine, bare, run = _engine(), _bare(), _Run()
    rows = list(_plates(settings, split))
    ours, alone, alike, found_and_read, whole = [], [], [], [], []
    for row in rows:
        crop = _decoded(row["plate_crop"])
        found = read_crop(engine, crop)
        text = found[0].text if found else ""
        ours.append(text == row["text"])
        alike.append(text.replace("O", "0") == row["text"].replace("O", "0"))
        alone.append(_plain(_bare_word(bare, crop)) == row["text"])
        photograph = _decoded(row["image"])
        task = read_plates(engine, PlateInputs(image=Image(photograph)), run)
        found_and_read.append(row["text"] in {str(text) for text in task.plates.frame["text"]})
        whole.append(any(_plain(line) == row["text"] for line, _ in _bare_lines(bare, photograph)))
    data, size = "Licence plates", f"{split}, {len(rows)} given crops"
    exact = float(np.mean(ours))
    return [
        Figure(
            data,
            size,
            "plate text exact",
            exact,
            f">= {PLATES_EXACT}",
            exact >= PLATES_EXACT,
            f"RapidOCR's recogniser alone, same run: {float(np.mean(alone)):.4f}",
        ),
        Figure(data, size, "the same, O and 0 taken as one", float(np.mean(alike))),
        Figure(
            data,
            f"{split}, {len(rows)} photographs",
            "plate found and read exactly, photographs of 360 px",
            float(np.mean(found_and_read)),
            reference=f"RapidOCR as it comes, same run: {float(np.mean(whole)):.4f}",
        ),
    ]


def _is_in(line: str, text: str) -> bool:
    """Whether some stretch of a text is within the tolerated edit distance of a line (Sellers 1980)."""
    letters = np.array([ord(letter) for letter in text], np.int64)
    place = np.arange(len(text) + 1)
    distance = np.zeros(len(text) + 1, np.int64)  # of the line so far to the best stretch that ends here
    for letter in line:
        longer = distance + 1
        longer[1:] = np.minimum(longer[1:], distance[:-1] + (letters != ord(letter)))
        distance = np.minimum.accumulate(longer - place) + place
    return bool(distance.min() <= int(_TOLERANCE * len(line) + 1e-9))


def _read_at(lines: Placed, box: tuple[float, float, float, float]) -> str:
    """What was read where a line is annotated, from left to right."""
    left, top, right, bottom = box
    there = []
    for text, quad in lines:
        x0, y0, x1, y1 = bounds(quad)
        aside, above = min(x1, right) - max(x0, left), min(y1, bottom) - max(y0, top)
        if aside > 0 and above > 0.5 * min(y1 - y0, bottom - top):
            there.append((x0, text))
    return "".join(_bare_of_looks(text) for _, text in sorted(there))


def _bare_of_looks(text: str) -> str:
    return re.sub(r"\s+", "", text).upper()


def _plain(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _engine() -> Engine:
    family = Catalogue.discover().entry(text_recognition.name).family
    return Engine(Shelf(EMBEDDED).resolve(family, text_recognition.adapters[0].weights))


def _bare() -> Callable[..., Any]:
    """RapidOCR as it comes, with its own settings."""
    from rapidocr import RapidOCR

    bare: Callable[..., Any] = RapidOCR(params={"Global.log_level": "error"})
    return bare


def _bare_lines(bare: Callable[..., Any], rgb: RGB) -> list[tuple[str, Quad]]:
    answer = bare(np.ascontiguousarray(rgb[:, :, ::-1]), use_det=True, use_cls=True, use_rec=True)
    if answer.boxes is None:
        return []
    return [(text, np.asarray(quad, np.float32)) for text, quad in zip(answer.txts, answer.boxes, strict=True)]


def _bare_word(bare: Callable[..., Any], rgb: RGB) -> str:
    answer = bare(np.ascontiguousarray(rgb[:, :, ::-1]), use_det=False, use_cls=False, use_rec=True)
    return str(answer.txts[0]) if answer.txts else ""


def _receipts(settings: Settings, split: str) -> Iterator[Receipt]:
    folder = _folder(settings, "sroie_receipts")
    with (
        gzip.open(folder / "annotations.jsonl.gz", "rt", encoding="utf-8") as rows,
        tarfile.open(folder / "images.tar") as archive,
    ):
        members = {PurePosixPath(member.name).name: member for member in archive if member.isfile()}
        for row in (json.loads(line) for line in rows):
            if row["split"] == split:
                picture = archive.extractfile(members[PurePosixPath(row["file"]).name])
                assert picture is not None
                lines = [(line["text"], tuple(line["box"])) for line in row["lines"]]
                yield Receipt(_decoded(picture.read()), lines)


def _plates(settings: Settings, split: str) -> Iterator[dict[str, Any]]:
    import pandas

    frame = pandas.read_parquet(_folder(settings, "licence_plates") / "licence_plates.parquet")
    for row in frame[frame["split"] == split].to_dict("records"):
        yield {str(name): value for name, value in row.items()}


def _folder(settings: Settings, name: str) -> Path:
    if settings.data is None or not (settings.data / name).is_dir():
        raise NoData(f"set ATELIER_DATA to a folder that has {name}/")
    return settings.data / name


def _decoded(data: bytes) -> RGB:
    return np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))
