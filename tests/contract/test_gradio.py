"""The demos, with Gradio's own client against a running studio."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from studio.contract import Outputs, Task
from studio.fields import describe
from surfaces.demos.outputs import as_data
from tests.conftest import ROOT
from tests.contract.cases import BAD, CATALOGUE, EXTRA, TASKS, WIRE, Bad, Good
from tests.contract.checks import check_error, check_no_inside, files_below
from tests.contract.places import Server
from tests.contract.wire import as_gradio

pytestmark = pytest.mark.slow

#: (task, owner) to a client: each pair has an API key of its own
Connect = Callable[..., Client]
#: the inputs of a demo are its components: there is no place for a field that it does not have
WITH_A_PLACE = [parameter for parameter in BAD if parameter.values[0].field != EXTRA]


@pytest.fixture(scope="module")
def connect(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    """A function that gives the client of a task's demo, the same one for the same owner."""
    clients: dict[tuple[str, str], Client] = {}
    folder = tmp_path_factory.mktemp("downloads")

    def client(task: str, owner: str = "") -> Client:
        if (task, owner) not in clients:
            clients[task, owner] = Client(
                f"{server.url}/demos/{task}/",
                headers={"authorization": f"Bearer {secrets.token_hex(16)}"},
                httpx_kwargs={"timeout": 30},
                download_files=folder,
                ssl_verify=False,  # there is none, and reading the certificates for each request takes most of its time
                verbose=False,
                analytics_enabled=False,
            )
        return clients[task, owner]

    yield client
    for opened in clients.values():
        opened.close()


def labels(client: Client, event: str) -> list[str]:
    """The labels of an event's outputs, in the order in which the client returns them."""
    information: Any = client.view_api(return_format="dict", print_info=False)
    return [output["label"] for output in information["named_endpoints"][event]["returns"]]


@pytest.mark.parametrize("case", WIRE)
def test_an_example(connect: Connect, tmp_path: Path, expected: Callable[[Good], Outputs], case: Good) -> None:
    client = connect(case.task.name, owner=f"{case.adapter.name}, {case.example.title}")  # who has nothing yet
    arguments = as_gradio(case.task, case.values, tmp_path)
    answer = client.predict(**arguments, adapter=case.adapter.name, api_name="/run")
    by_label = dict(zip(labels(client, "/run"), answer, strict=True))
    assert by_label["Result"] == as_data(expected(case))
    assert case.adapter.title in by_label["Status"]
    assert len(by_label["Job"]) == 32


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_bad_input(server: Server, connect: Connect, tmp_path: Path, subtests: pytest.Subtests, task: Task) -> None:
    """All of a task's at once: a call through the queue takes long, many take hardly longer."""
    client = connect(task.name)
    stored = _stored(server)
    known = _jobs(server, client)
    cases = [(str(parameter.id), parameter.values[0]) for parameter in WITH_A_PLACE]
    calls = [
        (name, case, client.submit(**as_gradio(task, case.values, tmp_path), api_name="/run"))
        for name, case in cases
        if case.task is task
    ]
    for name, case, call in calls:
        with subtests.test(name):
            with pytest.raises(AppError) as caught:
                call.result(timeout=30)
            check_no_inside(str(caught.value))
            if not _refused_by_gradio(case):
                check_error(json.loads(str(caught.value)), case.field)
            check_no_inside(repr(call.outputs()))
    assert _jobs(server, client) == known
    assert _stored(server) == stored


def _refused_by_gradio(case: Bad) -> bool:
    """A number where a file belongs does not reach the studio: Gradio refuses it without saying why."""
    at_fault = (spec for spec in describe(case.task.inputs) if spec.name == case.field)
    return case.what == "wrong type" and any(spec.media is not None for spec in at_fault)


def _jobs(server: Server, client: Client) -> list[str]:
    answer = httpx.get(f"{server.url}/api/v1/jobs", headers=client.headers, timeout=10)
    return [job["job"] for job in answer.json()["jobs"]]


def _stored(server: Server) -> set[Path]:
    """Everything that the server keeps, without Gradio's cache of uploads, which empties itself."""
    cache = server.folder / "home" / "tmp" / "demos"
    found: set[Path] | None = None
    while True:  # what was run before may still be on its way to the disk
        before = found
        found = {path for path in files_below(server.folder) if cache not in path.parents and path.name != "log"}
        if found == before:
            return found
        time.sleep(0.3)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_event_and_input_has_a_name(connect: Connect, task: Task) -> None:
    client = connect(task.name)
    information: Any = httpx.get(f"{client.src}gradio_api/info", timeout=30).json()
    assert information["unnamed_endpoints"] == {}
    names = {"/run", "/cancel"}
    for part in CATALOGUE.parts(task.name):
        names |= {f"/{part.name}", f"/cancel_{part.name}"}
    assert information["named_endpoints"].keys() == names
    parameters = information["named_endpoints"]["/run"]["parameters"]
    fields = describe(task.inputs)
    assert [parameter["parameter_name"] for parameter in parameters] == [*(spec.name for spec in fields), "adapter"]
    required = [parameter["parameter_name"] for parameter in parameters if not parameter["parameter_has_default"]]
    assert set(required) <= {spec.name for spec in fields if spec.required}


@pytest.mark.parametrize("part", [task for task in TASKS if task.part_of], ids=lambda task: task.name)
def test_a_part_runs_on_the_page_of_its_whole(connect: Connect, tmp_path: Path, part: Task) -> None:
    client = connect(part.part_of, owner="somebody who has nothing yet")
    answer = client.predict(**as_gradio(part, dict(part.examples[0].values), tmp_path), api_name=f"/{part.name}")
    result = dict(zip(labels(client, f"/{part.name}"), answer, strict=True))["Result"]
    assert result.keys() == part.outputs.model_fields.keys()


def test_what_is_left_out_has_its_default(connect: Connect, tmp_path: Path) -> None:
    task = CATALOGUE.task("specimen_echo")
    client = connect(task.name)
    answer = client.predict(**as_gradio(task, dict(task.examples[0].values), tmp_path), api_name="/run")
    result = dict(zip(labels(client, "/run"), answer, strict=True))["Result"]
    left_out = ("count", "length_s", "mode", "words", "files", "images", "portrait")
    assert {name: result[name] for name in left_out} == {
        "count": 3, "length_s": 1.5, "mode": "plain", "words": ["one", "two"], "files": [], "images": [],
        "portrait": None,
    }  # fmt: skip
    assert result["details"] == {"grade": "coarse", "window": {"left": 0, "width": 10}, "limits": {}}


def test_broken_json_names_its_field(connect: Connect, tmp_path: Path) -> None:
    task = CATALOGUE.task("specimen_echo")
    arguments = as_gradio(task, dict(task.examples[0].values), tmp_path) | {"window": "{left"}
    with pytest.raises(AppError) as caught:
        connect(task.name).predict(**arguments, api_name="/run")
    check_error(json.loads(str(caught.value)), "window")


def test_partial_answers_come_one_by_one(connect: Connect) -> None:
    client = connect("specimen_stream")
    call = client.submit(steps=6, pause_s=0.2, api_name="/run")
    call.result(timeout=30)
    position = labels(client, "/run").index("Result")
    results = [output[position] for output in call.outputs()]
    steps = [result["step"] for result in results if result and "step" in result]  # the others were left as they are
    assert steps == sorted(steps)
    assert len(set(steps)) > 2
    assert steps[-1] == 6


def test_a_run_is_cancelled_by_its_owner_alone(server: Server, connect: Connect) -> None:
    client = connect("specimen_stream")
    call = client.submit(steps=1000, pause_s=0.05, api_name="/run")
    position = labels(client, "/run").index("Job")
    until_s = time.monotonic() + 10
    while not call.outputs():
        assert time.monotonic() < until_s, "the run does not start"
        time.sleep(0.05)
    job = call.outputs()[0][position]
    connect("specimen_stream", owner="a stranger").predict(job, api_name="/cancel")
    time.sleep(0.3)
    assert not call.done()
    client.predict(job, api_name="/cancel")
    with pytest.raises(AppError) as caught:
        call.result(timeout=10)
    assert json.loads(str(caught.value))["error"] == "The run was cancelled."


def test_a_model_that_fails_says_nothing_of_its_inside(connect: Connect) -> None:
    with pytest.raises(AppError) as caught:
        connect("specimen_failure").predict(way="crash", api_name="/run")
    check_error(json.loads(str(caught.value)), None)
    assert "secret" not in str(caught.value)


def test_an_unknown_adapter(connect: Connect) -> None:
    with pytest.raises(AppError) as caught:
        connect("specimen_stream").predict(adapter="nothing", api_name="/run")
    check_error(json.loads(str(caught.value)), "adapter")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", str(ROOT / "app.py"), "{home}/owners", "{home}/runs/runs.sqlite3", "{log}"]
)
def test_a_demo_serves_no_file_of_the_machine(server: Server, connect: Connect, path: str) -> None:
    path = path.format(home=server.folder / "home", log=server.folder / "log")
    answer = httpx.get(f"{connect('specimen_echo').src}gradio_api/file={path}", timeout=10)
    assert answer.status_code in (403, 404)
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["/etc/passwd", str(ROOT / "app.py"), "{log}"])
def test_a_demo_reads_no_file_of_the_machine(server: Server, connect: Connect, path: str) -> None:
    """A caller who claims to have uploaded a file that it did not upload."""
    path = path.format(log=server.folder / "log")
    client = connect("face_threshold")
    data = [{"path": path, "meta": {"_type": "gradio.FileData"}}, 0.01, ""]
    answer = httpx.post(f"{client.src}gradio_api/call/run", json={"data": data}, headers=client.headers, timeout=10)
    said = httpx.get(f"{client.src}gradio_api/call/run/{answer.json()['event_id']}", timeout=10).text
    assert "event: error" in said
    assert "zip archive" not in said, "it was read: the studio says what it is not"


def test_a_pad_reads_no_file_of_the_machine_and_knows_no_drawing_of_others(connect: Connect) -> None:
    client = connect("digit_recognition")
    named = {"composite": {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}}
    for data in (named, {"id": "of-nobody"}):
        body = {"data": [data, ""]}
        answer = httpx.post(f"{client.src}gradio_api/call/run", json=body, headers=client.headers, timeout=10)
        said = httpx.get(f"{client.src}gradio_api/call/run/{answer.json()['event_id']}", timeout=10).text
        assert "event: error" in said
        assert "not a picture" not in said, "it was read: the studio says what it is not"


def test_a_demo_fetches_no_address(connect: Connect) -> None:
    client = connect("face_threshold")
    data = [{"path": "https://example.org/pairs.zip", "meta": {"_type": "gradio.FileData"}}, 0.01, ""]
    answer = httpx.post(f"{client.src}gradio_api/call/run", json={"data": data}, headers=client.headers, timeout=10)
    said = httpx.get(f"{client.src}gradio_api/call/run/{answer.json()['event_id']}", timeout=10).text
    assert "event: error" in said
    assert "not fetched from an address" in said
