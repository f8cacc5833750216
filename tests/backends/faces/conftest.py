from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import backends.faces
from backends.faces.dlib_faces import DlibFaces
from studio.catalogue import Catalogue
from studio.media.image import Image
from studio.runtime import EMBEDDED, Runtime
from studio.settings import Settings
from studio.weights import Shelf

FAMILY = Path(backends.faces.__file__).parent
EXAMPLES = FAMILY / "examples"


class Call:
    """A `Run` outside any job: keeps the notes and cancels when told to."""

    owner = "somebody"
    device = "cpu"
    live = False

    def __init__(self, storage: Path) -> None:
        self.storage = storage
        self.workdir = storage
        self.notes: list[str] = []
        self.steps: list[str] = []

    def progress(self, fraction: float, note: str = "") -> None:
        assert 0 <= fraction <= 1
        self.steps.append(note)

    def check(self) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="session")
def model() -> DlibFaces:
    return DlibFaces(Shelf(EMBEDDED).resolve(FAMILY, "dlib"), "cpu")


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue.discover()


@pytest.fixture
def runtime(tmp_path: Path, catalogue: Catalogue) -> Iterator[Runtime]:
    runtime = Runtime(Settings(home=tmp_path / "home", workers=2), catalogue)
    yield runtime
    runtime.close()


@pytest.fixture
def call(tmp_path: Path) -> Call:
    return Call(tmp_path)


@pytest.fixture(scope="session")
def hopper() -> Image:
    return Image.open(EXAMPLES / "hopper.jpg")


@pytest.fixture(scope="session")
def collins() -> Image:
    return Image.open(EXAMPLES / "collins.jpg")


@pytest.fixture(scope="session")
def both() -> Image:
    return Image.open(EXAMPLES / "hopper_and_collins.jpg")


@pytest.fixture(scope="session")
def nobody() -> Image:
    """Waves: a picture without a face."""
    y, x = np.mgrid[0:240, 0:320]
    grey = (127 + 100 * np.sin(x / 17) * np.cos(y / 23)).astype(np.uint8)
    return Image(np.repeat(grey[:, :, None], 3, axis=2))
