"""Frames per second of the live demo in a real browser over those of the bare model on the same frames."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
import time
from pathlib import Path

import PIL.Image
import PIL.ImageOps
from playwright.sync_api import Page, sync_playwright

from backends.faces.fields import VerificationInputs
from bench.rest import FAMILY, BareRun, bare_faces
from bench.servers import studio
from bench.tables import Ratio, median
from studio.media.base import Blob
from studio.media.image import Image

_ROUNDS = 3
_SECONDS = 12
_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip


class LiveRun(BareRun):
    """A bare run of a webcam's frame."""

    live = True


def live() -> list[Ratio]:
    """In turn: the demo streams the browser's camera, then the bare model runs with the camera on but unsent."""
    frames = [_frame(number) for number in range(20)]
    reference = Image.open(FAMILY / "examples" / "hopper.jpg")
    inputs = [VerificationInputs(first=reference, second=Image.load(Blob(data=frame))) for frame in frames]
    backend, run = bare_faces(), LiveRun()
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder, studio() as server, sync_playwright() as playwright:
        film = Path(folder) / "camera.mjpeg"
        film.write_bytes(b"".join(frames))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*_ARGUMENTS, f"--use-file-for-fake-video-capture={film}"]
        )
        page = browser.new_context(permissions=["camera"]).new_page()
        _open_camera(page, f"{server.address}/demos/face_verification/")
        for _ in range(_ROUNDS):
            page.locator("#camera .button-wrap button").first.click()  # start sending
            page.wait_for_timeout(1000 * _SECONDS)
            ours.append(_shown_fps(page))
            page.locator("#camera .button-wrap button").first.click()  # stop; the preview stays on
            page.wait_for_timeout(2000)
            started_s = time.perf_counter()
            for each in inputs:
                backend(each, run)
            bare.append(len(inputs) / (time.perf_counter() - started_s))
    detail = f"{median(ours):.1f} over {median(bare):.1f} frames/s, 640 x 480, {_ROUNDS} rounds"
    pairs = [a / b for a, b in zip(ours, bare, strict=True)]
    return [Ratio("live frames/s over the bare model's", pairs, at_least=0.8, detail=detail)]


def _open_camera(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("#input-first input[type=file]").first.set_input_files(FAMILY / "examples" / "hopper.jpg")
    page.locator("#input-first img").first.wait_for()
    page.get_by_role("tab", name="Live").click()
    page.locator("#camera").get_by_text("Click to Access Webcam").click()
    page.locator("#camera .button-wrap button").first.wait_for()


def _shown_fps(page: Page) -> float:
    text = page.locator("#live .fps").inner_text()
    found = re.search(r"[\d.]+", text)
    if found is None:
        raise RuntimeError(f"no frames per second were shown, but {text!r}")
    return float(found[0])


def _frame(number: int) -> bytes:
    """A 640 x 480 JPEG with a face that moves from side to side."""
    picture = PIL.Image.open(FAMILY / "examples" / "hopper.jpg").convert("RGB")
    placed = PIL.ImageOps.pad(picture, (640, 480), color=(90, 100, 110), centering=(0.4 + 0.01 * number, 0.5))
    buffer = io.BytesIO()
    placed.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
