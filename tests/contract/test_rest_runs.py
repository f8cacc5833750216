"""The kept runs over REST: listed, opened after a restart, pinned, repeated, deleted, and nobody else's."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from studio.runtime import Runtime
from surfaces import rest
from surfaces.identity import Identity
from tests.contract.cases import CATALOGUE
from tests.contract.checks import check_error
from tests.contract.wire import as_parts

Key = dict[str, str]
RUNS = "/api/v1/runs"
STREAM = "/api/v1/tasks/specimen_stream/run"
ECHO = "/api/v1/tasks/specimen_echo/run"


@pytest.fixture
def runtime(make_runtime: Callable[..., Runtime]) -> Runtime:
    return make_runtime(CATALOGUE, workers=1)


@pytest.fixture
def client(runtime: Runtime) -> Iterator[TestClient]:
    with TestClient(Identity(rest.build(runtime))) as client:
        yield client


def ran(client: TestClient, key: Key, **inputs: Any) -> str:
    """The id of a new run that is done."""
    answer = client.post(STREAM, json={"inputs": {"steps": 1} | inputs}, headers=key)
    assert answer.status_code == 200
    return str(answer.json()["job"])


def echoed(client: TestClient, key: Key) -> str:
    values = CATALOGUE.task("specimen_echo").examples[0].values
    return str(client.post(ECHO, files=as_parts(dict(values)), headers=key).json()["job"])


def listed(client: TestClient, key: Key, **query: Any) -> list[str]:
    return [run["run"] for run in client.get(RUNS, params=query, headers=key).json()["runs"]]


def test_all_pages_have_each_run_once(client: TestClient, key: Key) -> None:
    runs = [ran(client, key) for _ in range(5)]
    answer = client.get(RUNS, params={"limit": 2}, headers=key).json()
    found = answer["runs"]
    while answer["next"]:
        answer = client.get(RUNS, params={"limit": 2, "after": answer["next"]}, headers=key).json()
        found += answer["runs"]
    assert [run["run"] for run in found] == runs[::-1]
    assert len(found) == 5
    first = found[0]
    assert (first["task"], first["adapter"], first["state"]) == ("specimen_stream", "stream", "done")
    assert (first["asked"], first["answered"]) == ("steps 1", "1")
    assert first["created"] <= first["finished"]


def test_a_list_is_filtered(client: TestClient, runtime: Runtime, key: Key) -> None:
    stream, echo = ran(client, key), echoed(client, key)
    client.post("/api/v1/tasks/specimen_failure/run", json={"inputs": {"way": "own"}}, headers=key)
    assert listed(client, key, task="specimen_echo") == [echo]
    (failed,) = client.get(RUNS, params={"state": "failed"}, headers=key).json()["runs"]
    check_error(failed["error"], "way")
    assert client.put(f"{RUNS}/{stream}/pin", headers=key).json()["pinned"] is True
    assert listed(client, key, pinned="true") == [stream]
    assert client.delete(f"{RUNS}/{stream}/pin", headers=key).json()["pinned"] is False
    assert listed(client, key, pinned="true") == []


@pytest.mark.parametrize(
    ("field", "value"), [("state", "lost"), ("pinned", "perhaps"), ("limit", "0"), ("limit", "x"), ("after", "!"),
                         ("after", "bmFuIGE")]
)  # fmt: skip
def test_a_bad_query_is_refused(client: TestClient, key: Key, field: str, value: str) -> None:
    answer = client.get(RUNS, params={field: value}, headers=key)
    assert answer.status_code == 422
    check_error(answer.json(), field)


def test_a_run_survives_the_studio(make_runtime: Callable[..., Runtime], runtime: Runtime, key: Key) -> None:
    with TestClient(Identity(rest.build(runtime))) as client:
        run = echoed(client, key)
        before = client.get(f"/api/v1/jobs/{run}", headers=key).json() | {"note": ""}
    runtime.close()
    with TestClient(Identity(rest.build(make_runtime(CATALOGUE)))) as client:
        assert client.get(f"/api/v1/jobs/{run}", headers=key).json() == before
        events = client.get(f"/api/v1/jobs/{run}", headers=key | {"accept": "text/event-stream"}).text
        assert events.count("event: ") == events.count("event: done") == 1
        with zipfile.ZipFile(io.BytesIO(client.get(f"/api/v1/jobs/{run}/result.zip", headers=key).content)) as result:
            assert "result.json" in result.namelist()
        shown = client.get(f"{RUNS}/{run}", headers=key).json()
        assert shown["outputs"] == before["outputs"]
        assert shown["inputs"].keys() == CATALOGUE.task("specimen_echo").inputs.model_fields.keys()
        assert shown["weights_changed"] is False
        picture = client.get(shown["picture"], headers=key)
        assert (picture.headers["content-type"], picture.content[8:12]) == ("image/webp", b"WEBP")
        again = client.post(ECHO, json={"inputs": shown["inputs"]}, headers=key)
        by_name = ("file", "files")  # a data URL has no name, by which a file's type is told
        same = [name for name in before["outputs"] if name not in by_name]
        assert [again.json()["outputs"][name] for name in same] == [before["outputs"][name] for name in same]


def test_weights_that_changed_are_said(client: TestClient, runtime: Runtime, key: Key) -> None:
    run = ran(client, key)
    assert runtime.runs.writer.settle(10)
    runtime._revisions["specimen_stream", "stream"] = "another"
    assert client.get(f"{RUNS}/{run}", headers=key).json()["weights_changed"] is True


def test_a_run_is_repeated_with_changes(client: TestClient, runtime: Runtime, key: Key) -> None:
    run = ran(client, key, steps=3)
    for body, text in ((None, "1 2 3"), ({"inputs": {"steps": 2}}, "1 2")):
        answer = client.post(f"{RUNS}/{run}/repeat", json=body, headers=key)
        assert answer.status_code == 202
        assert answer.headers["location"] == f"/api/v1/jobs/{answer.json()['job']}"
        until_s = time.monotonic() + 5
        while (job := client.get(answer.headers["location"], headers=key).json())["state"] != "done":
            assert time.monotonic() < until_s
        assert job["outputs"]["text"] == text
    for body, field in (({"inputs": {"steps": 0}}, "steps"), ({"adapter": "none"}, "adapter"), ({"inputs": 5}, None)):
        answer = client.post(f"{RUNS}/{run}/repeat", json=body, headers=key)
        assert answer.status_code in (404, 422)
        check_error(answer.json(), field)


def test_a_run_is_deleted(client: TestClient, runtime: Runtime, key: Key) -> None:
    run = echoed(client, key)
    assert runtime.runs.writer.settle(10)
    assert client.delete(f"{RUNS}/{run}", headers=key).status_code == 200
    for address in (f"{RUNS}/{run}", f"/api/v1/jobs/{run}", f"{RUNS}/{run}/picture"):
        assert client.get(address, headers=key).status_code == 404
    assert listed(client, key) == []
    assert [path for path in (runtime.settings.home / "runs" / "files").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("at_hand", [True, False])
def test_nobody_elses_run_is_there(client: TestClient, runtime: Runtime, key: Key, at_hand: bool) -> None:
    run = echoed(client, key)
    assert runtime.runs.writer.settle(10)
    if not at_hand:
        runtime.jobs._jobs.clear()
    for stranger in ({"authorization": "Bearer somebody-else"}, {}):
        for method, part in (
            ("GET", ""), ("DELETE", ""), ("PUT", "/pin"), ("DELETE", "/pin"), ("POST", "/repeat"), ("GET", "/picture")
        ):  # fmt: skip
            answer = client.request(method, f"{RUNS}/{run}{part}", headers=stranger)
            assert answer.status_code == 404
            check_error(answer.json(), None)
        assert client.get(f"/api/v1/jobs/{run}", headers=stranger).status_code == 404
        assert listed(client, stranger) == []
    assert client.get(f"{RUNS}/{run}", headers=key).status_code == 200


def test_one_that_waits_says_its_place(client: TestClient, key: Key) -> None:
    long = {"inputs": {"steps": 1000, "pause_s": 0.05}}
    addresses = [
        client.post(STREAM, json=long, headers=key | {"prefer": "respond-async"}).headers["location"] for _ in range(3)
    ]
    places = [client.get(address, headers=key).json().get("position") for address in addresses]
    assert places[1:] == [1, 2] or places == [1, 2, 3], "the first may not have begun yet"
    for address in addresses:
        client.delete(address, headers=key)
