"""The detectors' data sets from their public homes: repositories at a pinned commit, each fetched once as a zip.

The split of those that have none of their own is in `splits.json`: numbers of the pictures of steel, and hashes of the
plates' region and text.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image

from recipes.boxed import Scene, Scenes
from studio.settings import Settings

_CELLS = ("Shenggan/BCCD_Dataset", "d272fb14cdff6e473fafeeeba32aba5f560e9e43")
_STEEL = ("siddhartamukherjee/NEU-DET-Steel-Surface-Defect-Detection", "351bee21b56bbf97a1e1d18262bceb202eb7ef41")
_PLATES = ("openalpr/benchmarks", "9790ed20d475be1e940a7e2a3f492a97c2ebed9b")
#: Names in the annotations, in the order of our classes.
_CELL_NAMES = ("RBC", "WBC", "Platelets")
_DEFECT_NAMES = ("crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale", "scratches")
_LONGER_SIDE_PX = 360


def cells(settings: Settings, split: str) -> Scenes:
    """BCCD, with the repository's own split."""
    files = _files(settings, *_CELLS)
    wanted = files[f"BCCD/ImageSets/Main/{split}.txt"].decode().split()
    return [
        _voc(name, files[f"BCCD/JPEGImages/{name}.jpg"], files[f"BCCD/Annotations/{name}.xml"], _CELL_NAMES)
        for name in sorted(wanted)
    ]


def steel(settings: Settings, split: str) -> Scenes:
    """NEU-DET, with our fixed split."""
    files = _files(settings, *_STEEL)
    pictures = {PurePosixPath(path).stem: data for path, data in files.items() if path.lower().endswith(".jpg")}
    notes = {PurePosixPath(path).stem: data for path, data in files.items() if path.startswith("ANNOTATIONS/")}
    chosen = [name for name in sorted(notes) if _steel_split(name) == split]
    return [_voc(name, pictures[name], notes[name], _DEFECT_NAMES) for name in chosen]


def plates(settings: Settings, split: str) -> Scenes:
    """OpenALPR's end-to-end benchmark, "train" or "test" of our fixed split, shrunk as the packed data are."""
    files = _files(settings, *_PLATES)
    test = set(_splits()["plates"]["test"])
    scenes = []
    for path in sorted(path for path in files if re.fullmatch(r"endtoend/(us|eu|br)/[^/]+\.txt", path)):
        picture, left, top, width, height, text = files[path].decode().split()[:6]
        region = PurePosixPath(path).parent.name
        known = hashlib.sha256(f"{region}{text}".encode()).hexdigest()[:12] in test
        if known == (split == "test"):
            box = np.array([float(left), float(top), float(left) + float(width), float(top) + float(height)])
            data = files[str(PurePosixPath(path).with_name(picture))]
            scenes.append(_shrunk(f"{region}_{PurePosixPath(path).stem}", data, box))
    return scenes


def _files(settings: Settings, repository: str, commit: str) -> dict[str, bytes]:
    """Every file of a repository by its path, from a zip that is kept below the home."""
    from torchvision.datasets.utils import download_url

    folder = settings.home / "data"
    name = f"{repository.replace('/', '_')}_{commit[:12]}.zip"
    download_url(f"https://github.com/{repository}/archive/{commit}.zip", folder, name)  # nothing if it is there
    with zipfile.ZipFile(folder / name) as archive:
        paths = [info.filename for info in archive.infolist() if not info.is_dir()]
        return {path.partition("/")[2]: archive.read(path) for path in paths}


def _voc(name: str, jpeg: bytes, notes: bytes, names: tuple[str, ...]) -> Scene:
    """A picture with its Pascal VOC file, boxes cut to the picture; boxes without area are left out."""
    width, height = PIL.Image.open(io.BytesIO(jpeg)).size
    rows = []
    for thing in ElementTree.fromstring(notes).iter("object"):
        edges = [float(thing.findtext(f"bndbox/{edge}") or 0) for edge in ("xmin", "ymin", "xmax", "ymax")]
        left, right = np.clip(edges[0::2], 0, width)
        top, bottom = np.clip(edges[1::2], 0, height)
        if right > left and bottom > top:
            rows.append((left, top, right, bottom, names.index(thing.findtext("name") or "")))
    found = np.array(rows, np.float64).reshape(-1, 5)
    return Scene(name, jpeg, found[:, :4], found[:, 4].astype(np.int64))


def _shrunk(name: str, data: bytes, box: npt.NDArray[np.float64]) -> Scene:
    picture = PIL.Image.open(io.BytesIO(data)).convert("RGB")
    scale = min(1.0, _LONGER_SIDE_PX / max(picture.size))
    size_wh = round(picture.width * scale), round(picture.height * scale)
    buffer = io.BytesIO()
    picture.resize(size_wh, PIL.Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=85)
    return Scene(name, buffer.getvalue(), box[None] * scale, np.zeros(1, np.int64))


def _steel_split(name: str) -> str:
    kind, _, number = name.rpartition("_")
    for split, numbers in _splits()["steel"].items():
        if int(number) in numbers[kind]:
            return split
    return "train"


def _splits() -> dict[str, dict[str, Any]]:
    whole: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "splits.json").read_text(encoding="utf-8"))
    return whole
