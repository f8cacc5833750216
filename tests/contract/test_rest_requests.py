"""Requests that REST must refuse before or while it reads them, and the addresses that it does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from studio.runtime import Runtime
from surfaces import rest
from tests.contract.cases import CATALOGUE
from tests.contract.checks import check_error
from tests.contract.raw import post

Key = dict[str, str]
STREAM = "/api/v1/tasks/specimen_stream/run"
JSON = {"content-type": "application/json"}
FORM = {"content-type": "multipart/form-data; boundary=x"}
PART = b'--x\r\ncontent-disposition: form-data; name="steps"; filename="a"\r\n\r\n'


@pytest.mark.parametrize(
    ("headers", "body", "field"),
    [
        (JSON, b'{"inputs": {', None),
        (JSON, b"\xff\xfe\xfa", None),
        (JSON, b"[" * 100_000, None),
        (JSON, b"", None),
        (JSON, b"[1, 2]", None),
        (JSON, b'{"inputs": 5}', None),
        (JSON, b'{"steps": 5}', None),
        (JSON, b'{"inputs": {}, "adapter": 5}', "adapter"),
        (JSON, b'{"inputs": {"steps": NaN}}', "steps"),
        (JSON, b'{"inputs": {"steps": 1e400}}', "steps"),
        ({"content-type": "text/csv"}, b"steps\n5\n", None),
        ({"content-type": "application/octet-stream"}, b"\0", None),
        ({}, b"steps=5", None),
        ({"content-type": "multipart/form-data"}, b"--x\r\n", None),
        (FORM, b"this is no form", None),
        (FORM, PART.replace(b'"steps"', b'"\r\n'), None),
        (FORM, PART + b"5", None),
        (FORM, PART + b"5\r\n--x--\r\n", "steps"),
    ],
)
@pytest.mark.usefixtures("nothing_stored")
def test_a_malformed_request(
    client: TestClient, key: Key, headers: dict[str, str], body: bytes, field: str | None
) -> None:
    answer = client.post(STREAM, content=body, headers=key | headers)
    assert answer.status_code == 422, answer.text
    check_error(answer.json(), field)
    assert client.get("/api/v1/jobs", headers=key).json() == {"jobs": []}


@pytest.mark.parametrize("count", [2_000, 30])
def test_a_form_of_very_many_parts(client: TestClient, key: Key, count: int) -> None:
    parts = [(f"part{number}", (None, b"1")) for number in range(count)]
    answer = client.post(STREAM, files=parts, headers=key)
    assert answer.status_code == 422
    assert list(answer.json()) == ["error", "field", "expected", "got", "hint"]


def test_a_form_of_texts(client: TestClient, key: Key) -> None:
    answer = client.post(STREAM, data={"steps": "2"}, headers=key)
    assert answer.json()["outputs"]["step"] == 2


@pytest.mark.parametrize("kind", [JSON, FORM], ids=["json", "form"])
def test_a_large_body_is_refused_unread(make_runtime: Callable[..., Runtime], key: Key, kind: dict[str, str]) -> None:
    app = rest.build(make_runtime(CATALOGUE, max_upload_mb=0.1))

    async def unread(number: int) -> Message:
        raise AssertionError("the body is read")

    answer = post(app, STREAM, key | kind | {"content-length": "5000000"}, unread)
    assert (answer.status, answer.taken) == (413, 0)
    check_error(answer.json(), None)
    assert "ATELIER_MAX_UPLOAD_MB" in answer.json()["hint"]


@pytest.mark.parametrize("kind", [JSON, FORM], ids=["json", "form"])
def test_a_large_body_without_a_length_is_read_up_to_the_limit(
    make_runtime: Callable[..., Runtime], key: Key, kind: dict[str, str]
) -> None:
    app = rest.build(make_runtime(CATALOGUE, max_upload_mb=0.1))

    async def endless(number: int) -> Message:
        return {"type": "http.request", "body": PART if number == 1 else b"x" * 10_000, "more_body": True}

    answer = post(app, STREAM, key | kind | {"transfer-encoding": "chunked"}, endless)
    assert answer.status == 413
    assert answer.taken < 25
    check_error(answer.json(), None)


def test_a_file_over_the_limit_in_a_body_within_it(make_runtime: Callable[..., Runtime], key: Key) -> None:
    """The limit of a request leaves room for the form around the file; the file itself is held to it exactly."""
    client = TestClient(rest.build(make_runtime(CATALOGUE, max_upload_mb=0.1)))
    picture = {"frame": ("a.png", b"\x89PNG" + b"\0" * 120_000)}
    answer = client.post("/api/v1/tasks/specimen_live/run", files=picture, headers=key)
    assert answer.status_code == 413
    check_error(answer.json(), "frame")


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/api", 404),
        ("GET", "/api/", 404),
        ("GET", "/api/v1/nothing", 404),
        ("POST", "/api/v2/tasks", 404),
        ("GET", "/api/v1/tasks/nothing", 404),
        ("GET", "/api/v1/jobs/nothing", 404),
        ("DELETE", "/api/v1/jobs/nothing", 404),
        ("GET", "/api/v1/jobs/nothing/result.zip", 404),
        ("GET", "/v1", 404),
        ("POST", "/v1/nothing", 404),
        ("GET", "/demos", 404),
        ("GET", STREAM, 405),
        ("PUT", "/api/v1/jobs/nothing", 405),
        ("POST", "/api/v1/tasks", 405),
        ("DELETE", "/healthz", 405),
    ],
)
def test_addresses_that_are_not_there(client: TestClient, method: str, address: str, status: int) -> None:
    answer: Any = client.request(method, address)
    assert answer.status_code == status
    check_error(answer.json(), None)
    if status == 405:
        assert answer.headers["allow"]


def test_metrics_after_a_run(make_runtime: Callable[..., Runtime], key: Key) -> None:
    client = TestClient(rest.build(make_runtime(CATALOGUE)))
    client.post(STREAM, json={"inputs": {"steps": 1}}, headers=key)
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert 'atelier_request_total{adapter="stream",state="done",task="specimen_stream"} 1.0' in lines
    assert 'atelier_request_duration_seconds_count{adapter="stream",task="specimen_stream"} 1.0' in lines
    assert 'atelier_request_in_progress{task="specimen_stream"} 0.0' in lines
    assert 'atelier_model_load_seconds_count{model="Specimen stream"} 1.0' in lines
    (resident,) = (line for line in lines if line.startswith("atelier_resident_memory_bytes "))
    assert float(resident.split()[1]) > 1e7


def test_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "tasks": len(CATALOGUE)}
