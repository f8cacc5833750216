"""Every limit, on every surface that takes input: refused as too large, and named with its setting."""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from studio.errors import TooLarge
from studio.runtime import Runtime
from studio.settings import Settings
from surfaces import mcp, rest
from surfaces.identity import Identity
from tests.contract.cases import CATALOGUE
from tests.contract.checks import check_error
from tests.contract.wire import as_json, as_parts, blob

ECHO = CATALOGUE.task("specimen_echo")
MAX = {
    "max_image_megapixels": 0.000_01,
    "max_audio_s": 0.01,
    "max_video_s": 0.01,
    "max_table_rows": 1,
    "max_text_characters": 4,
}
#: setting: the field of the example that is beyond it
FIELDS = {
    "max_image_megapixels": "image",
    "max_audio_s": "audio",
    "max_video_s": "video",
    "max_table_rows": "table",
    "max_text_characters": "text",
}


@pytest.fixture(params=FIELDS)
def limited(request: pytest.FixtureRequest, make_runtime: Callable[..., Runtime]) -> tuple[str, Runtime]:
    """(setting, a runtime in which that one is tiny)."""
    return request.param, make_runtime(CATALOGUE, **{request.param: MAX[request.param]})


def key() -> dict[str, str]:
    return {"authorization": f"Bearer {secrets.token_hex(16)}"}


def check(shape: Any, field: str | None, setting: str) -> None:
    check_error(shape, field)
    assert f"ATELIER_{setting.upper()}" in shape["hint"]
    assert "at most" in shape["expected"]


def test_over_rest(limited: tuple[str, Runtime]) -> None:
    setting, runtime = limited
    values = dict(ECHO.examples[0].values)
    client = TestClient(Identity(rest.build(runtime)), headers=key())
    address = f"/api/v1/tasks/{ECHO.name}/run"
    for answer in (
        client.post(address, files=as_parts(values)),
        client.post(address, json={"inputs": as_json(values)}),
    ):
        assert answer.status_code == 413, answer.text
        check(answer.json(), FIELDS[setting], setting)


def test_over_mcp(limited: tuple[str, Runtime]) -> None:
    setting, runtime = limited
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": ECHO.name, "arguments": as_json(dict(ECHO.examples[0].values))},
    }
    headers = {"accept": "application/json, text/event-stream", **key()}
    with TestClient(mcp.build(runtime), headers=headers) as client:
        result = client.post("/mcp", json=call).json()["result"]
    assert result["isError"]
    check(json.loads(result["content"][0]["text"]), FIELDS[setting], setting)


def test_from_the_shell_and_the_demos(limited: tuple[str, Runtime]) -> None:
    """Both hand their inputs to the runtime as they are."""
    setting, runtime = limited
    with pytest.raises(TooLarge) as refused:
        runtime.submit(ECHO.name, {name: blob(value) for name, value in ECHO.examples[0].values.items()})
    check(refused.value.shape(), FIELDS[setting], setting)


@pytest.mark.parametrize("where", ["words", "limits"])
def test_texts_inside_lists_and_objects_count(make_runtime: Callable[..., Runtime], where: str) -> None:
    runtime = make_runtime(CATALOGUE, max_text_characters=5)
    values = dict(ECHO.examples[0].values) | {where: {"too long": 1.0} if where == "limits" else ["too long"]}
    with pytest.raises(TooLarge) as refused:
        runtime.submit(ECHO.name, values)
    check(refused.value.shape(), where, "max_text_characters")


@pytest.fixture
def small(make_runtime: Callable[..., Runtime]) -> Iterator[TestClient]:
    """A studio that takes little of an archive."""
    runtime = make_runtime(CATALOGUE, max_archive_ratio=10, max_archive_files=2, max_upload_mb=0.4)
    with TestClient(Identity(rest.build(runtime)), headers=key()) as client:
        yield client


def packed(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "setting"),
    [
        (packed(a=b"\0" * 100_000), "max_archive_ratio"),
        (packed(a=b"1", b=b"2", c=b"3"), "max_archive_files"),
        (b"x" * 500_000, "max_upload_mb"),
    ],
)
def test_archives_and_bytes(small: TestClient, data: bytes, setting: str) -> None:
    answer = small.post("/api/v1/tasks/face_threshold/run", files={"pairs": ("pairs.zip", data)})
    assert answer.status_code == 413, answer.text
    check(answer.json(), None if setting == "max_upload_mb" else "pairs", setting)


def test_openais_texts(make_runtime: Callable[..., Runtime]) -> None:
    client = TestClient(Identity(rest.build(make_runtime(CATALOGUE, max_text_characters=4))), headers=key())
    model = client.get("/v1/models").json()["data"][0]["id"]
    answer = client.post("/v1/embeddings", json={"model": model, "input": ["too long"]})
    assert answer.status_code == 413
    assert "ATELIER_MAX_TEXT_CHARACTERS" in answer.json()["error"]["hint"]


def test_items_of_a_batch(make_runtime: Callable[..., Runtime]) -> None:
    client = TestClient(Identity(rest.build(make_runtime(CATALOGUE, max_batch_items=2))), headers=key())
    items = [{"name": str(number), "inputs": {"steps": 1}} for number in range(3)]
    answer = client.post("/api/v1/tasks/specimen_stream/batch", json={"items": items})
    assert answer.status_code == 413, answer.text
    check(answer.json(), None, "max_batch_items")


def test_runs_per_minute(make_runtime: Callable[..., Runtime]) -> None:
    client = TestClient(Identity(rest.build(make_runtime(CATALOGUE, runs_per_minute=2))))
    one, other = key(), key()
    body = {"inputs": {"steps": 1, "pause_s": 0}}
    answers = [client.post("/api/v1/tasks/specimen_stream/run", json=body, headers=one) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    check(answers[2].json(), None, "runs_per_minute")
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30
    assert client.post("/api/v1/tasks/specimen_stream/run", json=body, headers=other).status_code == 200
    model = client.get("/v1/models", headers=one).json()["data"][0]["id"]
    answer = client.post("/v1/embeddings", json={"model": model, "input": "a"}, headers=one)
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)


def test_no_limit_is_left_out() -> None:
    tested = {*FIELDS, "max_upload_mb", "max_archive_ratio", "max_archive_files", "max_batch_items"}
    assert {name for name in Settings.model_fields if name.startswith("max_")} == tested
