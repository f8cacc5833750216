"""A real studio in a process of its own, and a real Chromium whose camera shows a face."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.profiles import PATIENCE_MS, Profile, Profiles
from tests.browser.visitor import FACES, Visitor

ROOT = Path(__file__).parents[2]
START_S = 60
#: More than `PATIENCE_MS`: a test says itself what it waited for in vain.
TEST_S = 300
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # a request that leaves the host fails at once instead of waiting for an answer; it is reported all the same
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, and give it more time than other tests have."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(TEST_S))


@pytest.fixture(scope="package")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the studio is served: one process for all tests of this folder."""
    with studio(tmp_path_factory.mktemp("studio")) as served:
        yield served


@contextmanager
def studio(folder: Path, **settings: str) -> Iterator[str]:
    """A studio in a process of its own, with its home in the folder; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATELIER_")}
    own = {"ATELIER_HOME": str(folder / "home"), "ATELIER_PORT": str(port), "ATELIER_DEVICE": "cpu"} | settings
    log = folder / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.serve"], cwd=ROOT, env=kept | own, stdout=output, stderr=output
        )
    try:
        _wait(f"http://127.0.0.1:{port}/readyz", server, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s and server.poll() is None:
        try:
            with urlopen(address, timeout=2):
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"the studio did not start:\n{log.read_text()[-4000:]}")


@pytest.fixture(scope="package")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium with a camera that shows Grace Hopper.

    For this folder only, not for the session: while it is open, no other test could use asyncio.run.
    """
    executable = shutil.which("chromium")
    assert executable, "the browser tests need Chromium: run make tools"
    camera = tmp_path_factory.mktemp("camera") / "hopper.mjpeg"
    camera.write_bytes(_motion_jpeg(FACES / "hopper.jpg"))
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        flags = [*FLAGS, f"--use-file-for-fake-video-capture={camera}"]
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        yield browser
        browser.close()


def _motion_jpeg(photograph: Path, resolution_wh: tuple[int, int] = (640, 480), frames: int = 10) -> bytes:
    """A film of one still: JPEG files one after the other, which Chromium plays over and over."""
    width, height = resolution_wh
    frame = Image.new("RGB", resolution_wh, (90, 90, 90))
    with Image.open(photograph) as picture:
        scaled = ImageOps.contain(picture.convert("RGB"), resolution_wh)
    frame.paste(scaled, ((width - scaled.width) // 2, (height - scaled.height) // 2))
    file = io.BytesIO()
    frame.save(file, "JPEG", quality=92)
    return file.getvalue() * frames


@pytest.fixture(scope="package")
def profiles(chromium: Browser, address: str) -> Iterator[Profiles]:
    """The browser profiles that the tests of this folder share."""
    made = Profiles(chromium, address)
    yield made
    made.close()


@pytest.fixture
def visitors(profiles: Profiles) -> Iterator[Callable[..., Visitor]]:
    """A function that makes a new visitor, 1280 px wide and light if not said.

    At the end of each test: no request of theirs left the host, and the console shows no error.
    """
    taken: list[Profile] = []

    def make(width: int = 1280, height: int = 900, scheme: str = "light") -> Visitor:
        taken.append(profiles.take((width, height), "dark" if scheme == "dark" else "light"))
        return Visitor(taken[-1].context.new_page())

    yield make
    for profile in taken:
        profiles.give_back(profile)
    for profile in taken:
        assert profile.traffic.requests, "the watch saw no request at all"
        assert profile.traffic.outside == []
        assert profile.traffic.faults == []


@pytest.fixture
def visitor(visitors: Callable[..., Visitor]) -> Visitor:
    """A visitor with an ordinary screen."""
    return visitors()
