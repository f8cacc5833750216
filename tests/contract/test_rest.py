"""REST: every example as a form and as JSON answers what the runtime answers, every bad input gets the one shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from studio.contract import Outputs
from surfaces.encode import outputs_json
from tests.contract.cases import BAD, BAD_TYPED, TASKS, WIRE, Bad, Good
from tests.contract.checks import check_error, check_no_inside
from tests.contract.wire import as_json, as_parts, without_types

Key = dict[str, str]


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("case", WIRE)
def test_an_example_as_a_form(client: TestClient, key: Key, expected: Callable[[Good], Outputs], case: Good) -> None:
    address = f"/api/v1/tasks/{case.task.name}/run?adapter={case.adapter.name}"
    answer = client.post(address, files=as_parts(case.values), headers=key)
    check_answer(answer, case, expected(case))


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("case", WIRE)
def test_an_example_as_json(client: TestClient, key: Key, expected: Callable[[Good], Outputs], case: Good) -> None:
    body = {"inputs": as_json(case.values), "adapter": case.adapter.name}
    answer = client.post(f"/api/v1/tasks/{case.task.name}/run", json=body, headers=key)
    check_answer(answer, case, expected(case))


def check_answer(answer: Any, case: Good, expected: Outputs) -> None:
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert (document["task"], document["adapter"]) == (case.task.name, case.adapter.name)
    assert (document["state"], document["progress"], document["device"]) == ("done", 1.0, "cpu")
    assert document["seconds"] >= 0
    assert without_types(document["outputs"]) == without_types(outputs_json(expected))
    schema = case.task.outputs.model_json_schema(mode="serialization")
    jsonschema.validate(document["outputs"], schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_as_a_form(client: TestClient, key: Key, case: Bad) -> None:
    address = f"/api/v1/tasks/{case.task.name}/run"
    if case.values:
        answer = client.post(address, headers=key, files=as_parts(case.values))
    else:
        empty_form = {"content-type": "multipart/form-data; boundary=end"}
        answer = client.post(address, headers=key | empty_form, content=b"--end--\r\n")
    check_refusal(client, key, answer, case)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("case", BAD_TYPED)
def test_bad_input_as_json(client: TestClient, key: Key, case: Bad) -> None:
    body = {"inputs": as_json(case.values)}
    answer = client.post(f"/api/v1/tasks/{case.task.name}/run", json=body, headers=key)
    check_refusal(client, key, answer, case)


def check_refusal(client: TestClient, key: Key, answer: Any, case: Bad) -> None:
    assert answer.status_code == case.status, answer.text
    assert answer.headers["content-type"] == "application/json"
    check_error(answer.json(), case.field)
    assert client.get("/api/v1/jobs", headers=key).json() == {"jobs": []}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_describes_itself(client: TestClient, task: Any) -> None:
    answer = client.get(f"/api/v1/tasks/{task.name}")
    described = answer.json()
    assert answer.status_code == 200
    assert [adapter["name"] for adapter in described["adapters"]] == [adapter.name for adapter in task.adapters]
    assert list(described["inputs"]["properties"]) == list(task.inputs.model_fields)
    assert list(described["outputs"]["properties"]) == list(task.outputs.model_fields)
    check_no_inside(answer.text)


def test_the_list_names_every_task_once(client: TestClient) -> None:
    listed = client.get("/api/v1/tasks").json()["tasks"]
    assert [task["name"] for task in listed] == [task.name for task in TASKS]
    assert {task["run"] for task in listed} == {f"/api/v1/tasks/{task.name}/run" for task in TASKS}


@pytest.mark.parametrize(
    ("address", "field"),
    [("/api/v1/tasks/nothing/run", None), ("/api/v1/tasks/specimen_stream/run?adapter=nothing", "adapter")],
)
def test_an_unknown_task_or_adapter(client: TestClient, key: Key, address: str, field: str | None) -> None:
    answer = client.post(address, json={"inputs": {}}, headers=key)
    assert answer.status_code == 404
    check_error(answer.json(), field)
    assert "nothing" in answer.json()["error"]


@pytest.mark.parametrize("way", ["crash", "memory", "wrong_type", "nothing"])
def test_a_model_that_fails_says_nothing_of_its_inside(client: TestClient, key: Key, way: str) -> None:
    answer = client.post("/api/v1/tasks/specimen_failure/run", json={"inputs": {"way": way}}, headers=key)
    assert answer.status_code == 500
    check_error(answer.json(), None)
    assert "secret" not in answer.text


def test_a_model_that_refuses_its_input(client: TestClient, key: Key) -> None:
    answer = client.post("/api/v1/tasks/specimen_failure/run", json={"inputs": {"way": "own"}}, headers=key)
    assert answer.status_code == 422
    check_error(answer.json(), "way")


def test_a_model_that_cannot_be_loaded(client: TestClient, key: Key) -> None:
    body = {"inputs": {"way": "none"}, "adapter": "unloadable"}
    answer = client.post("/api/v1/tasks/specimen_failure/run", json=body, headers=key)
    assert answer.status_code == 500
    check_error(answer.json(), None)
