"""The public homes' archives, made here in their layout: what is read from them is what the packed data have."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from recipes import boxes, public_boxes
from studio.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, data=None)


def archive(settings: Settings, repository: str, commit: str, files: dict[str, bytes]) -> None:
    folder = settings.home / "data"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{repository.replace('/', '_')}_{commit[:12]}.zip", "w") as made:
        made.writestr("home-1234/", "")
        for path, data in files.items():
            made.writestr(f"home-1234/{path}", data)


def picture(width: int, height: int, level: int = 128) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (width, height), (level, level, level)).save(buffer, "JPEG")
    return buffer.getvalue()


def voc(*things: tuple[str, int, int, int, int]) -> bytes:
    rows = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax>"
        f"<ymax>{bottom}</ymax></bndbox></object>"
        for name, left, top, right, bottom in things
    )
    return f"<annotation>{rows}</annotation>".encode()


def test_cells(settings: Settings) -> None:
    files = {
        "BCCD/ImageSets/Main/test.txt": b"b\na\n",
        "BCCD/JPEGImages/a.jpg": picture(64, 48),
        "BCCD/JPEGImages/b.jpg": picture(64, 48, 30),
        "BCCD/Annotations/a.xml": voc(("WBC", 5, 6, 20, 30), ("RBC", -4, 10, 70, 20), ("Platelets", 9, 9, 9, 12)),
        "BCCD/Annotations/b.xml": voc(),
    }
    archive(settings, *public_boxes._CELLS, files)
    first, second = boxes.cells(settings, "test")
    assert (first.name, second.name) == ("a", "b")
    assert first.boxes_xyxy.tolist() == [[5, 6, 20, 30], [0, 10, 64, 20]], "cut to the picture; without area: left out"
    assert [boxes.CELLS[kind] for kind in first.classes] == ["white cell", "red cell"]
    assert first.jpeg == files["BCCD/JPEGImages/a.jpg"]
    assert second.boxes_xyxy.shape == (0, 4)


def test_steel(settings: Settings) -> None:
    files = {}
    for name in ("crazing_1", "crazing_104", "rolled-in_scale_2", "pitted_surface_3"):
        files[f"IMAGES/{name}.jpg"] = picture(200, 200)
        files[f"ANNOTATIONS/{name}.xml"] = voc((name.rpartition("_")[0], 1, 2, 50, 60))
    archive(settings, *public_boxes._STEEL, files)
    found = {split: [scene.name for scene in boxes.steel(settings, split)] for split in ("train", "val", "test")}
    assert "crazing_104" in found["val"]
    assert sorted(name for names in found.values() for name in names) == sorted(
        ["crazing_1", "crazing_104", "rolled-in_scale_2", "pitted_surface_3"]
    )
    scenes = [scene for split in found for scene in boxes.steel(settings, split)]
    assert {boxes.DEFECTS[int(scene.classes[0])] for scene in scenes} == {
        "crazing",
        "rolled-in scale",
        "pitted surface",
    }


def test_plates(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    key = hashlib.sha256(b"usABC123").hexdigest()[:12]
    monkeypatch.setattr(public_boxes, "_splits", lambda: {"plates": {"test": [key]}})
    files = {
        "endtoend/us/car.jpg": picture(720, 400),
        "endtoend/us/car.txt": b"car.jpg\t100\t200\t60\t30\tABC123\n",
        "endtoend/br/auto.jpg": picture(300, 200),
        "endtoend/br/auto.txt": b"auto.jpg\t10\t20\t60\t30\tABC123\n",
        "speed/other.txt": b"not one of these",
    }
    archive(settings, *public_boxes._PLATES, files)
    [test] = boxes.plates(settings, "test")
    assert test.name == "us_car"
    assert test.rgb.shape == (200, 360, 3)
    assert np.allclose(test.boxes_xyxy, [[50, 100, 80, 115]])
    assert [scene.name for scene in public_boxes.plates(settings, "train")] == ["br_auto"]


def test_the_kept_split_is_that_of_the_packed_data() -> None:
    packed = Settings()
    if packed.data is None:
        pytest.skip("ATELIER_DATA is not set")
    for split in ("train", "val", "test"):
        for scene in boxes.steel(packed, split):
            assert public_boxes._steel_split(scene.name) == split
