"""Behind nginx and below a path: every surface answers, and every address that it hands out leads back to it."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import secrets
import time
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import PIL.Image
import pytest
from gradio_client import Client, handle_file
from mcp import Client as McpClient

from tests.conftest import ROOT
from tests.contract.checks import check_error
from tests.contract.places import Server
from tests.hosting.nginx import BASE_PATH

pytestmark = pytest.mark.slow

STREAM = "/api/v1/tasks/specimen_stream/run"
FACE = ROOT / "backends" / "faces" / "examples" / "hopper.jpg"


@pytest.fixture
def browser(proxied: str) -> Any:
    """A browser as far as headers and cookies go, which follows no redirect by itself."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(proxied))
    with httpx.Client(base_url=origin, timeout=30, headers={"origin": origin}) as client:
        yield client


def test_the_path_without_a_slash_leads_to_the_pages(proxied: str, browser: httpx.Client) -> None:
    answer = browser.get(f"{BASE_PATH}?token=x")
    assert answer.status_code == 307
    assert urljoin(proxied, answer.headers["location"]).startswith(f"{proxied}/")
    page = browser.get(f"{BASE_PATH}/")
    assert page.status_code == 200
    scripts = re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page.text)
    assert scripts
    for script in scripts:
        assert browser.get(urljoin(f"{proxied}/", script)).status_code == 200


def test_the_cookie_is_for_this_path_alone(browser: httpx.Client) -> None:
    cookie = browser.get(f"{BASE_PATH}/api/v1/tasks").headers["set-cookie"]
    assert f"; Path={BASE_PATH};" in cookie
    browser.post(BASE_PATH + STREAM, json={"inputs": {"steps": 1}})
    assert len(browser.get(f"{BASE_PATH}/api/v1/jobs").json()["jobs"]) == 1


def test_the_addresses_in_answers_lead_here(browser: httpx.Client) -> None:
    task = browser.get(f"{BASE_PATH}/api/v1/tasks").json()["tasks"][0]
    assert browser.get(task["demo"]).status_code == 200
    assert browser.get(task["run"]).status_code == 405
    answer = browser.post(BASE_PATH + STREAM, json={"inputs": {"steps": 1}}, headers={"prefer": "respond-async"})
    assert browser.get(answer.headers["location"]).json()["job"] == answer.json()["job"]
    missing = browser.get(f"{BASE_PATH}/api/v1/nothing")
    assert missing.status_code == 404
    check_error(missing.json(), None)


def test_the_reference_is_whole(proxied: str, browser: httpx.Client) -> None:
    page = browser.get(f"{BASE_PATH}/docs").text
    document = re.search(r"url: '([^']+)'", page)
    assert document
    described = browser.get(document[1]).json()
    assert described["servers"] == [{"url": BASE_PATH}]
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert browser.get(urljoin(f"{proxied}/docs", address)).status_code == 200, address


def test_events_arrive_one_by_one(browser: httpx.Client) -> None:
    body = {"inputs": {"steps": 20, "pause_s": 0.05}}
    job = browser.post(BASE_PATH + STREAM, json=body, headers={"prefer": "respond-async"}).headers["location"]
    with browser.stream("GET", job, headers={"accept": "text/event-stream"}) as events:
        arrivals = [time.monotonic() for line in events.iter_lines() if line.startswith("event:")]
    assert arrivals[-1] - arrivals[0] > 0.3


def test_a_demo_answers_and_its_files_are_to_be_had(proxied: str, browser: httpx.Client) -> None:
    client = Client(
        f"{proxied}/demos/face_verification/",
        headers={"authorization": f"Bearer {secrets.token_hex(8)}"},
        verbose=False,
        analytics_enabled=False,
        download_files=False,
    )
    answer = client.predict(first=handle_file(FACE), second=handle_file(FACE), api_name="/run")
    files = [value for value in answer if isinstance(value, dict) and value.get("url")]
    assert files
    for file in files:
        assert file["url"].startswith(f"{proxied}/demos/face_verification/gradio_api/file=")
        PIL.Image.open(io.BytesIO(browser.get(file["url"]).content)).verify()


def test_the_fonts_of_a_demo_are_there(proxied: str, browser: httpx.Client) -> None:
    page = browser.get(f"{BASE_PATH}/demos/specimen_stream/").text
    fonts = set(re.findall(r"url\(\\?[\"']?([^\"')\\]+\.woff2)", page))
    own = [font for font in fonts if "SourceSans" in font]
    assert own
    for font in own:
        answer = browser.get(urljoin(f"{proxied}/demos/specimen_stream/", font))
        assert answer.headers["content-type"] == "font/woff2"


def test_a_large_upload_comes_through(browser: httpx.Client) -> None:
    picture = io.BytesIO()
    PIL.Image.effect_noise((3000, 3000), 80).convert("RGB").save(picture, "PNG")
    assert picture.tell() > 8_000_000
    files = {"image": ("noise.png", picture.getvalue())}
    answer = browser.post(f"{BASE_PATH}/api/v1/tasks/digit_recognition/run", files=files)
    assert answer.status_code == 200, answer.text
    body = {"inputs": {"image": f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"}}
    assert browser.post(f"{BASE_PATH}/api/v1/tasks/digit_recognition/run", json=body).status_code == 200


def test_mcp(proxied: str) -> None:
    async def call() -> Any:
        async with McpClient(f"{proxied}/mcp") as client:
            return await client.call_tool("specimen_stream", {"steps": 1})

    result = asyncio.run(asyncio.wait_for(call(), timeout=30))
    assert not result.is_error


def test_health_is_there_with_and_without_the_proxy(studio_below: Server, browser: httpx.Client) -> None:
    assert browser.get(f"{BASE_PATH}/readyz").json()["status"] == "ready"
    assert json.loads(httpx.get(f"{studio_below.url}/readyz").text)["status"] == "ready"
