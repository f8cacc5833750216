"""A REST call of face verification over the bare call of its backend on the same pictures."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import httpx
import PIL.Image

from backends.faces.dlib_faces import DlibFaces
from backends.faces.fields import VerificationInputs
from backends.faces.task import TASKS
from bench.bare import BareRun
from bench.servers import studio
from bench.tables import Ratio, median
from studio.media.base import Blob
from studio.media.image import Image
from studio.runtime import EMBEDDED
from studio.weights import Shelf

FAMILY = Path(__file__).parent.parent / "backends" / "faces"
_CALLS = 40


def bare_faces() -> DlibFaces:
    """The backend alone, loaded from the shelf as the pool does."""
    return DlibFaces(Shelf(EMBEDDED).resolve(FAMILY, TASKS[0].adapters[0].weights), "cpu")


def rest() -> list[Ratio]:
    """Pairs of (bare, REST) calls in turn; each pair of pictures is new, so that nothing is remembered."""
    backend, run = bare_faces(), BareRun()
    bare_s, rest_s = [], []
    with studio() as server, httpx.Client(base_url=server.address, timeout=60) as client:
        for number in range(_CALLS + 2):
            first, second = _photograph("hopper.jpg", number), _photograph("collins.jpg", number)
            inputs = VerificationInputs(first=_decoded(first), second=_decoded(second))
            started_s = time.perf_counter()
            backend(inputs, run)
            between_s = time.perf_counter()
            answer = client.post(
                "/api/v1/tasks/face_verification/run", files={"first": ("a.jpg", first), "second": ("b.jpg", second)}
            )
            ended_s = time.perf_counter()
            answer.raise_for_status()
            if number >= 2:  # the first calls load the model and open the connection
                bare_s.append(between_s - started_s)
                rest_s.append(ended_s - between_s)
    ratio = median(rest_s) / median(bare_s)
    detail = f"p50 {1000 * median(rest_s):.0f} ms over {1000 * median(bare_s):.0f} ms, {_CALLS} pairs of calls"
    return [Ratio("REST call over the bare backend call, p50", [ratio], at_most=1.05, detail=detail)]


def _photograph(name: str, number: int) -> bytes:
    """An example's photograph as a JPEG, cut differently for each number."""
    picture = PIL.Image.open(FAMILY / "examples" / name).convert("RGB")
    buffer = io.BytesIO()
    picture.crop((number % 7, number // 7, picture.width, picture.height)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _decoded(data: bytes) -> Any:
    return Image.load(Blob(data=data))
