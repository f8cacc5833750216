"""The whole studio over real sockets: what only shows when everything is mounted on one port."""

from __future__ import annotations

import json
import socket
import time

import httpx
import pytest

from tests.contract.cases import TASKS
from tests.contract.checks import check_error
from tests.contract.places import Server, wait_for_gauge

pytestmark = pytest.mark.slow

Key = dict[str, str]
STREAM = "/api/v1/tasks/specimen_stream/run"
LONG = {"inputs": {"steps": 1000, "pause_s": 0.05}}


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/api", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/demos", 404),
        ("GET", "/demos/", 404),
        ("GET", "/demos/nothing", 404),
        ("GET", "/demos/nothing/", 404),
        ("GET", "/demos/nothing/gradio_api/info", 404),
        ("POST", "/demos/nothing/", 404),
        ("POST", "/api/v1/tasks", 405),
        ("GET", STREAM, 405),
    ],
)
def test_addresses_that_are_not_there(server: Server, method: str, address: str, status: int) -> None:
    answer = httpx.request(method, server.url + address, timeout=10)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    check_error(answer.json(), None)


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [("GET", "/demos/specimen_stream/nothing", 404), ("DELETE", "/demos/specimen_stream/", 405)],
)
def test_addresses_inside_a_demo_are_gradios_but_json(server: Server, method: str, address: str, status: int) -> None:
    answer = httpx.request(method, server.url + address, timeout=30)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")


@pytest.mark.parametrize("address", ["/", "/demos/specimen_stream/", "/docs"])
def test_pages_demos_and_reference_are_served(server: Server, address: str) -> None:
    answer = httpx.get(server.url + address, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("first", ["/", "/demos/specimen_stream/", "/api/v1/jobs"])
def test_the_first_visit_gives_the_owner_everywhere(server: Server, first: str) -> None:
    with httpx.Client(base_url=server.url, timeout=30) as browser:
        assert len(browser.get(first).headers.get_list("set-cookie")) >= 1
        owner = browser.cookies["atelier_owner"]
        job = browser.post(STREAM, json={"inputs": {"steps": 1}}).json()["job"]
        browser.get("/demos/specimen_stream/")
        assert browser.cookies["atelier_owner"] == owner
        assert [listed["job"] for listed in browser.get("/api/v1/jobs").json()["jobs"]] == [job]


def test_events_arrive_while_the_job_runs(server: Server, key: Key) -> None:
    body = {"inputs": {"steps": 20, "pause_s": 0.05}}
    answer = httpx.post(server.url + STREAM, json=body, headers=key | {"prefer": "respond-async"}, timeout=10)
    address = server.url + answer.headers["location"]
    with httpx.stream("GET", address, headers=key | {"accept": "text/event-stream"}, timeout=10) as events:
        lines = ((line, time.monotonic()) for line in events.iter_lines())
        arrivals = [(line.removeprefix("event: "), at_s) for line, at_s in lines if line.startswith("event:")]
    assert [name for name, _ in arrivals[-2:]] == ["progress", "done"]
    assert arrivals[-1][1] - arrivals[0][1] > 0.3, "the events came one by one, not all at the end"


def test_a_caller_that_hangs_up_cancels_its_run(server: Server, key: Key) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    body = json.dumps(LONG)
    head = f"POST {STREAM} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {key['authorization']}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall((head + body).encode())
        wait_for_gauge(server, 'atelier_request_in_progress{task="specimen_stream"} 1.0')
    wait_for_gauge(server, 'atelier_request_in_progress{task="specimen_stream"} 0.0')
    (job,) = httpx.get(f"{server.url}/api/v1/jobs", headers=key, timeout=10).json()["jobs"]
    assert job["state"] == "cancelled"


def test_a_large_upload_is_refused_and_not_kept(server: Server, key: Key) -> None:
    """Sent in pieces without a length: read up to the limit, and the rest thrown away."""

    def resident_mb() -> float:
        lines = httpx.get(f"{server.url}/metrics", timeout=10).text.splitlines()
        return next(float(line.split()[1]) / 1e6 for line in lines if line.startswith("atelier_resident_memory_bytes"))

    before_mb = resident_mb()
    headers = key | {"content-type": "application/json"}
    pieces = (b"x" * 1_000_000 for _ in range(400))
    answer = httpx.post(server.url + STREAM, content=pieces, headers=headers, timeout=30)
    assert answer.status_code == 413
    check_error(answer.json(), None)
    assert resident_mb() - before_mb < 250


def test_metrics_count_the_demos_and_the_programs_runs(server: Server, key: Key) -> None:
    line = 'atelier_request_total{adapter="stream",state="done",task="specimen_stream"}'

    def count() -> float:
        text = httpx.get(f"{server.url}/metrics", timeout=10).text
        return sum(float(row.rpartition(" ")[2]) for row in text.splitlines() if row.startswith(line))

    before = count()
    httpx.post(server.url + STREAM, json={"inputs": {"steps": 1}}, headers=key, timeout=10)
    assert count() == before + 1


def test_health_and_the_number_of_tasks(server: Server) -> None:
    assert httpx.get(f"{server.url}/healthz", timeout=5).json() == {"status": "ok"}
    assert httpx.get(f"{server.url}/readyz", timeout=5).json() == {"status": "ready", "tasks": len(TASKS)}
