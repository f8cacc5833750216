from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backends.detection
from backends.detection.detector import RGB, Wanted, detections
from backends.detection.specialist import Specialist
from bench.bare import BareRun
from studio.runtime import EMBEDDED
from studio.weights import Shelf
from tests.hub.conftest import hub

__all__ = ["hub"]

FAMILY = Path(backends.detection.__file__).parent
EXAMPLES = FAMILY / "examples"


class Call(BareRun):
    """A `Run` outside any job, of a webcam's frame if wished."""

    def __init__(self, live: bool = False, workdir: Path = Path()) -> None:
        super().__init__(workdir)
        self.live = live


class Fake:
    """Finds literal rows (left, top, right, bottom, score, class) whatever it is shown."""

    names = ("cat", "dog", "red cup")
    at_once = 2

    def __init__(self, *rows: tuple[float, ...], specialist: bool = True, strange: bool = False) -> None:
        self.rows = np.array(rows, np.float32).reshape(-1, 6)
        self.specialist = specialist
        self.strange = strange

    def detect(self, rgb: RGB, wanted: Wanted) -> Any:
        return detections(self.rows, self.names, wanted, self.strange)


@pytest.fixture(scope="session")
def cells() -> Specialist:
    """The shipped detector of blood cells."""
    return Specialist(Shelf(EMBEDDED).resolve(FAMILY, "cells"), "cpu")
