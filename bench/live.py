"""Frames per second of the live demo in a real browser over those of the bare model on the same frames."""

from __future__ import annotations

import functools
import io
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import PIL.Image
import PIL.ImageOps
from playwright.sync_api import Page, Route, sync_playwright

from backends.faces.fields import VerificationInputs
from bench.bare import LiveRun
from bench.rest import FAMILY, bare_faces
from bench.servers import studio
from bench.tables import Ratio, median
from studio.media.base import Blob
from studio.media.image import Image

_ROUNDS = 3
_SECONDS = 12
_LOOK = re.compile("/gradio_api/component_server")
_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip


def live() -> list[Ratio]:
    """In turn: the demo streams the browser's camera, then the bare model runs with the camera on but unsent."""
    frames = [_frame(number) for number in range(20)]
    reference = Image.open(FAMILY / "examples" / "hopper.jpg")
    inputs = [VerificationInputs(first=reference, second=Image.load(Blob(data=frame))) for frame in frames]
    backend, run = bare_faces(), LiveRun()

    def give_reference(page: Page) -> None:
        page.locator("#input-first input[type=file]").first.set_input_files(FAMILY / "examples" / "hopper.jpg")
        page.locator("#input-first img").first.wait_for()

    calls = [functools.partial(backend, each, run) for each in inputs]
    return [streamed("face_verification", frames, calls, give_reference)]


def streamed(
    task: str,
    frames: Sequence[bytes],
    calls: Sequence[Callable[[], object]],
    prepare: Callable[[Page], None],
    adapter: str = "",
) -> Ratio:
    """Frames per second that a demo shows over those of the bare model, in turn; no more count than the camera gives.

    Args:
        frames: JPEG files that the browser's camera shows over and over.
        calls: the bare model on each of them, as the studio asks it.
        prepare: fills what else the demo needs.
        adapter: the model's name, if it is not the first.
    """
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder, studio() as server, sync_playwright() as playwright:
        film = Path(folder) / "camera.mjpeg"
        film.write_bytes(b"".join(frames))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*_ARGUMENTS, f"--use-file-for-fake-video-capture={film}"]
        )
        page = browser.new_context(permissions=["camera"]).new_page()
        page.goto(f"{server.address}/demos/{task}/?adapter={adapter}")
        prepare(page)
        page.get_by_role("tab", name="Live", exact=True).click()
        page.get_by_role("button", name="Start the camera").click()
        page.locator("#live img").wait_for()
        camera = _camera_fps(page)
        for _ in range(_ROUNDS):
            page.wait_for_timeout(1000 * _SECONDS)
            ours.append(_shown_fps(page))
            page.route(_LOOK, _hold)  # the camera stays on, and nothing is answered: so nothing is sent any more
            page.wait_for_timeout(2000)
            started_s = time.perf_counter()
            for call in calls:
                call()
            bare.append(len(calls) / (time.perf_counter() - started_s))
            page.unroute(_LOOK)
    detail = f"{median(ours):.1f} over {median(bare):.1f} frames/s, camera {camera:.1f}, {_ROUNDS} rounds"
    pairs = [a / min(b, camera) for a, b in zip(ours, bare, strict=True)]
    return Ratio(f"{adapter or task}: live frames/s over the bare model's", pairs, at_least=0.8, detail=detail)


def _hold(_route: Route) -> None:
    """Neither answer a request nor let it through; `unroute` does."""


def _camera_fps(page: Page) -> float:
    """Frames per second that the camera really gives."""
    return float(
        page.locator("#live video").evaluate(
            """async (video) => {
                const seen = () => video.getVideoPlaybackQuality().totalVideoFrames;
                const [before, begun] = [seen(), performance.now()];
                await new Promise((resolve) => setTimeout(resolve, 4000));
                return (1000 * (seen() - before)) / (performance.now() - begun);
            }"""
        )
    )


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
