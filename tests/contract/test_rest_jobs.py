"""Jobs over REST: watched, found again, cancelled, their caller's own, and refused where there are too many."""

from __future__ import annotations

import asyncio
import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from studio.runtime import Runtime
from surfaces import rest
from surfaces.identity import owner_of_headers
from tests.contract.cases import CATALOGUE
from tests.contract.checks import check_error
from tests.contract.places import Studio
from tests.contract.raw import post
from tests.contract.wire import as_parts

Key = dict[str, str]
STREAM = "/api/v1/tasks/specimen_stream/run"
LONG = {"inputs": {"steps": 1000, "pause_s": 0.05}}
ASYNC = {"prefer": "respond-async"}


def started(client: TestClient, key: Key, body: dict[str, Any]) -> str:
    """The address of a new job."""
    answer = client.post(STREAM, json=body, headers=key | ASYNC)
    assert answer.status_code == 202
    return str(answer.headers["location"])


def finished(client: TestClient, key: Key, address: str, timeout_s: float = 10) -> dict[str, Any]:
    """Poll until the job is finished."""
    until_s = time.monotonic() + timeout_s
    while (job := client.get(address, headers=key).json())["state"] in ("queued", "running"):
        assert time.monotonic() < until_s, job
        time.sleep(0.02)
    return dict(job)


def test_a_job_is_accepted_polled_and_found_again(client: TestClient, key: Key) -> None:
    answer = client.post(STREAM, json={"inputs": {"steps": 4}}, headers=key | ASYNC)
    assert answer.status_code == 202
    accepted = answer.json()
    assert answer.headers["location"] == f"/api/v1/jobs/{accepted['job']}"
    assert accepted["state"] in ("queued", "running", "done")
    assert "outputs" not in accepted
    job = finished(client, key, answer.headers["location"])
    assert (job["state"], job["outputs"]) == ("done", {"text": "1 2 3 4", "step": 4})
    assert [listed["job"] for listed in client.get("/api/v1/jobs", headers=key).json()["jobs"]] == [accepted["job"]]


def test_a_job_is_watched(client: TestClient, key: Key) -> None:
    address = started(client, key, {"inputs": {"steps": 10, "pause_s": 0.03}})
    with client.stream("GET", address, headers=key | {"accept": "text/event-stream"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line.startswith(("event:", "data:"))]
    events = [line.removeprefix("event: ") for line in lines[::2]]
    states = [json.loads(line.removeprefix("data: ")) for line in lines[1::2]]
    assert events == ["progress"] * (len(events) - 1) + ["done"]
    assert len(events) > 2
    steps = [state["progress"] for state in states]
    assert steps == sorted(steps)
    assert (states[-1]["state"], states[-1]["outputs"]["step"]) == ("done", 10)


def test_a_finished_job_is_watched_too(client: TestClient, key: Key) -> None:
    address = started(client, key, {"inputs": {"steps": 1}})
    finished(client, key, address)
    answer = client.get(address, headers=key | {"accept": "text/event-stream"})
    assert answer.text.count("event: ") == answer.text.count("event: done") == 1


def test_delete_cancels_and_forgets(studio: Studio, client: TestClient, key: Key) -> None:
    address = started(client, key, LONG)
    (job,) = studio.runtime.jobs.of(owner_of_headers(key))
    assert client.delete(address, headers=key).status_code == 200
    assert job.wait(5)
    assert job.state == "cancelled"
    gone = client.get(address, headers=key)
    assert gone.status_code == 404
    check_error(gone.json(), None)
    assert client.get("/api/v1/jobs", headers=key).json() == {"jobs": []}


@pytest.mark.parametrize(("method", "part"), [("GET", ""), ("DELETE", ""), ("GET", "/result.zip")])
def test_nobody_elses_job_is_there(client: TestClient, key: Key, method: str, part: str) -> None:
    address = started(client, key, {"inputs": {"steps": 1}})
    finished(client, key, address)
    for stranger in ({"authorization": "Bearer somebody-else"}, {}):
        answer = client.request(method, address + part, headers=stranger)
        assert answer.status_code == 404
        check_error(answer.json(), None)
    assert client.get(address, headers=key).json()["state"] == "done", "and it is still its owner's"


def test_a_failed_job_keeps_its_error(client: TestClient, key: Key) -> None:
    address = "/api/v1/tasks/specimen_failure/run"
    location = client.post(address, json={"inputs": {"way": "own"}}, headers=key | ASYNC).headers["location"]
    job = finished(client, key, location)
    assert (job["state"], job["outputs"]) == ("failed", None)
    check_error(job["error"], "way")
    answer = client.get(f"{location}/result.zip", headers=key)
    assert answer.status_code == 404
    check_error(answer.json(), None)


def test_the_result_as_files(client: TestClient, key: Key) -> None:
    values = CATALOGUE.task("specimen_echo").examples[0].values
    answer = client.post("/api/v1/tasks/specimen_echo/run", files=as_parts(dict(values)), headers=key)
    download = client.get(f"/api/v1/jobs/{answer.json()['job']}/result.zip", headers=key)
    assert download.headers["content-type"] == "application/zip"
    assert download.headers["content-disposition"].startswith('attachment; filename="specimen_echo-')
    with zipfile.ZipFile(io.BytesIO(download.content)) as archive:
        assert archive.testzip() is None
        result = json.loads(archive.read("result.json"))
        assert archive.read(result["table"]) == values["table"].read_bytes()
        assert {result[name] for name in ("image", "audio", "video", "file")} < set(archive.namelist())


def test_a_full_queue_refuses(make_runtime: Callable[..., Runtime], key: Key) -> None:
    with TestClient(rest.build(make_runtime(CATALOGUE, workers=1, queue_limit=1))) as client:
        addresses = [started(client, key, LONG) for _ in range(2)]
        answer = client.post(STREAM, json=LONG, headers=key)
        assert answer.status_code == 409
        assert int(answer.headers["retry-after"]) > 0
        check_error(answer.json(), None)
        for address in addresses:
            client.delete(address, headers=key)


def test_a_caller_that_hangs_up_cancels_its_run(make_runtime: Callable[..., Runtime], key: Key) -> None:
    runtime = make_runtime(CATALOGUE)

    async def receive(number: int) -> Message:
        if number == 1:
            return {"type": "http.request", "body": json.dumps(LONG).encode(), "more_body": False}
        while [job.state for job in runtime.jobs.unfinished()] != ["running"]:
            await asyncio.sleep(0.02)
        return {"type": "http.disconnect"}

    post(rest.build(runtime), STREAM, key | {"content-type": "application/json"}, receive)
    (job,) = runtime.jobs.of(owner_of_headers(key))
    assert job.wait(5)
    assert job.state == "cancelled"
