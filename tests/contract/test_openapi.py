"""The OpenAPI document: well-formed, complete, and true of what is really sent and answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from studio.contract import Task
from tests.contract.cases import TASKS
from tests.contract.checks import check_no_inside
from tests.contract.wire import as_json

METHODS = {"get", "post", "put", "delete"}


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    assert client.get("/api/v1/openapi.json").json() == answer.json()
    check_no_inside(answer.text)
    return dict(answer.json())


def schema_in(document: dict[str, Any], schema: Any) -> dict[str, Any]:
    """A schema of the document that can be validated by itself."""
    return {"components": document["components"], "allOf": [schema]}


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(item)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = [node["$ref"] for node in walk(document) if isinstance(node.get("$ref"), str)]
    assert references
    for reference in references:
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_operation_is_whole(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["info"].keys() >= {"title", "version", "license"}
    names = []
    for path, item in document["paths"].items():
        assert item
        assert item.keys() <= METHODS
        for operation in item.values():
            assert operation["summary"]
            assert operation["responses"]
            names.append(operation.get("operationId"))
            in_path = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            assert in_path == {part[1:-1] for part in path.split("/") if part.startswith("{")}
    named = [name for name in names if name]
    assert len(named) == len(set(named))


def test_every_schema_is_valid(document: dict[str, Any]) -> None:
    for node in walk(document["paths"]):
        if "schema" in node:
            jsonschema.Draft202012Validator.check_schema(node["schema"])
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_has_an_operation_with_its_examples(document: dict[str, Any], task: Task) -> None:
    operation = document["paths"][f"/api/v1/tasks/{task.name}/run"]["post"]
    assert operation["operationId"] == task.name
    (adapter,) = (p for p in operation["parameters"] if p["name"] == "adapter")
    assert adapter["schema"]["enum"] == [adapter.name for adapter in task.adapters]
    content = operation["requestBody"]["content"]
    assert list(content["multipart/form-data"]["schema"]["properties"]) == list(task.inputs.model_fields)
    shown = [example["value"] for example in content["application/json"]["examples"].values()]
    real = [{"inputs": as_json(dict(example.values))} for example in task.examples]
    assert [value["inputs"].keys() for value in shown] == [value["inputs"].keys() for value in real]
    assert [value.get("adapter", "") for value in shown] == [example.adapter for example in task.examples]
    for value in shown + real:
        jsonschema.validate(value, schema_in(document, content["application/json"]["schema"]))


@pytest.mark.parametrize(
    ("task", "inputs", "status"), [("specimen_stream", {"steps": 2}, 200), ("specimen_stream", {"steps": 0}, 422)]
)
def test_answers_are_as_described(
    client: TestClient, document: dict[str, Any], task: str, inputs: dict[str, Any], status: int
) -> None:
    answer = client.post(f"/api/v1/tasks/{task}/run", json={"inputs": inputs})
    assert answer.status_code == status
    response = document["paths"][f"/api/v1/tasks/{task}/run"]["post"]["responses"][str(status)]
    if "$ref" in response:
        response = document["components"]["responses"]["Error"]
    jsonschema.validate(answer.json(), schema_in(document, response["content"]["application/json"]["schema"]))


def test_the_reference_page_needs_no_other_host(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "//cdn" not in page.text
    assert "https://" not in page.text
