"""Batches over REST: started, watched, cancelled, refused, and nobody else's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from studio.runtime import Runtime
from surfaces import rest
from surfaces.identity import Identity
from tests.contract.cases import CATALOGUE
from tests.contract.checks import check_error

Key = dict[str, str]
BATCH = "/api/v1/tasks/specimen_stream/batch"


@pytest.fixture
def client(make_runtime: Callable[..., Runtime]) -> Iterator[TestClient]:
    with TestClient(Identity(rest.build(make_runtime(CATALOGUE, max_batch_items=3)))) as client:
        yield client


def ended(client: TestClient, key: Key, address: str) -> dict[str, Any]:
    until_s = time.monotonic() + 10
    while not (batch := client.get(address, headers=key).json())["finished"]:
        assert time.monotonic() < until_s, batch
        time.sleep(0.02)
    return dict(batch)


def test_a_batch_is_run(client: TestClient, key: Key) -> None:
    items = [{"name": "one", "inputs": {"steps": 1}}, {"inputs": {"steps": 0}}, {"inputs": {"steps": 2}}]
    answer = client.post(BATCH, json={"items": items}, headers=key)
    assert answer.status_code == 202
    batch = ended(client, key, answer.headers["location"])
    assert (batch["done"], batch["count"], batch["adapter"]) == (3, 3, "stream")
    assert [item["name"] for item in batch["items"]] == ["one", "2", "3"]
    assert [item["state"] for item in batch["items"]] == ["done", "failed", "done"]
    assert [item["answers"].get("text") for item in batch["items"]] == ["1", None, "1 2"]
    runs = client.get("/api/v1/runs", params={"batch": batch["batch"]}, headers=key).json()["runs"]
    assert {run["run"] for run in runs} == {item["run"] for item in batch["items"]} - {None}
    stranger = {"authorization": "Bearer somebody-else"}
    for method in ("GET", "DELETE"):
        gone = client.request(method, answer.headers["location"], headers=stranger)
        assert gone.status_code == 404
        check_error(gone.json(), None)


def test_a_batch_is_cancelled(client: TestClient, key: Key) -> None:
    items = [{"inputs": {"steps": 1000, "pause_s": 0.05}}] * 3
    address = client.post(BATCH, json={"items": items}, headers=key).headers["location"]
    assert client.delete(address, headers=key).status_code == 200
    assert {item["state"] for item in ended(client, key, address)["items"]} == {"cancelled"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("no json", 422),
        ({"items": []}, 422),
        ({"items": [{}]}, 422),
        ({"items": [{"inputs": {}}] * 4}, 413),
        ({"items": [{"inputs": {}}], "adapter": "none"}, 404),
    ],
)
def test_what_is_refused(client: TestClient, key: Key, body: Any, status: int) -> None:
    sent = {"content": body} if isinstance(body, str) else {"json": body}
    answer = client.post(BATCH, headers=key, **sent)
    assert answer.status_code == status
    check_error(answer.json(), "adapter" if status == 404 else None)
