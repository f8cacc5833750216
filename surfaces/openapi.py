"""The OpenAPI document, made from the declarations of the tasks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from studio.contract import Task
from studio.fields import describe
from studio.jobs import State
from studio.runtime import Runtime

_ERROR = {
    "type": "object",
    "required": ["error", "field", "expected", "got", "hint"],
    "properties": {
        "error": {"type": "string", "description": "what went wrong, for people"},
        **{name: {"type": ["string", "null"]} for name in ("field", "expected", "got", "hint")},
    },
}
_JOB_PROPERTIES = {
    "job": {"type": "string"},
    "task": {"type": "string"},
    "adapter": {"type": "string"},
    "state": {"enum": list(get_args(State))},
    "progress": {"type": "number", "minimum": 0, "maximum": 1},
    "note": {"type": "string"},
    "device": {"type": "string"},
    "seconds": {"type": "number"},
    "remarks": {"type": "array", "items": {"type": "string"}},
    "position": {"type": "integer", "minimum": 1, "description": "its place among those that wait"},
    "starts_in_s": {"type": ["number", "null"], "description": "seconds until it begins, as far as that is known"},
    "error": {"$ref": "#/components/schemas/Error"},
}
_RUN_PROPERTIES = {
    "run": {"type": "string"},
    "task": {"type": "string"},
    "adapter": {"type": "string"},
    "weights": {"type": "string", "description": "tells the model's weights from others; empty without weights"},
    "state": {"enum": list(get_args(State))},
    "asked": {"type": "string", "description": "the inputs in a line"},
    "answered": {"type": "string", "description": "the outputs in a line"},
    "pinned": {"type": "boolean"},
    "batch": {"type": ["string", "null"], "description": "the batch that it belongs to"},
    "created": {"type": "string", "format": "date-time"},
    "finished": {"type": ["string", "null"], "format": "date-time"},
    "seconds": {"type": ["number", "null"]},
    "device": {"type": "string"},
    "memory_mb": {"type": ["integer", "null"], "description": "what the model takes, in MB, where it was measured"},
    "bytes": {"type": "integer", "description": "disk space"},
    "remarks": {"type": "array", "items": {"type": "string"}},
    "picture": {"type": ["string", "null"], "description": "address of a small picture"},
    "error": {"$ref": "#/components/schemas/Error"},
}
_RUN_QUERY = [
    {"name": "task", "in": "query", "schema": {"type": "string"}},
    {"name": "state", "in": "query", "schema": {"enum": list(get_args(State))}},
    {"name": "pinned", "in": "query", "schema": {"type": "boolean"}},
    {"name": "batch", "in": "query", "schema": {"type": "string"}},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}},
    {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "`next` of the answer before"},
]


def document(runtime: Runtime) -> dict[str, Any]:
    """An OpenAPI 3.1 document of all addresses, with an operation for each task."""
    paths = {**_studio_paths(), **_run_paths(), **_model_paths()}
    schemas: dict[str, Any] = {
        "Error": _ERROR,
        "Job": {"type": "object", "properties": _JOB_PROPERTIES},
        "Run": {"type": "object", "properties": _RUN_PROPERTIES},
    }
    for task in runtime.catalogue:
        paths[f"/api/v1/tasks/{task.name}/run"] = {"post": _run(task, schemas)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Atelier",
            "version": "1",
            "description": "Every task of the studio. Media are sent as files (multipart) or as data URLs (JSON).",
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "servers": [{"url": runtime.settings.base_path or "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Error": {
                    "description": "The one error shape",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
            },
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _studio_paths() -> dict[str, Any]:
    """Tasks, jobs, and what watches the process."""
    return {
        "/api/v1/tasks": {"get": _get("List the tasks", "tasks")},
        "/api/v1/tasks/{task}": {"get": _get("Describe a task", "tasks", "task")},
        "/api/v1/jobs": {"get": _get("List your jobs", "jobs")},
        "/api/v1/jobs/{job}": {
            "get": _get("A job and its result; server-sent events with Accept: text/event-stream", "jobs", "job"),
            "delete": _get("Cancel a job and forget it", "jobs", "job"),
        },
        "/healthz": {"get": _get("The process answers", "health")},
        "/readyz": {"get": _get("The process takes runs", "health")},
        "/metrics": {"get": _get("Prometheus metrics", "health", media_type="text/plain")},
    }


def _run_paths() -> dict[str, Any]:
    """Kept runs and batches."""
    return {
        "/api/v1/runs": {
            "get": _get("List your kept runs, newest first", "runs", refused=("422", "503"))
            | {"parameters": _RUN_QUERY}
        },
        "/api/v1/runs/{run}": {
            "get": _get("A run with its inputs and outputs", "runs", "run", refused=("503",)),
            "delete": _get("Forget a run; cancel it if it goes on", "runs", "run", refused=("503",)),
        },
        "/api/v1/runs/{run}/pin": {
            "put": _get("Keep a run beyond its time to live", "runs", "run", refused=("413", "503")),
            "delete": _get("Unpin a run", "runs", "run", refused=("503",)),
        },
        "/api/v1/runs/{run}/repeat": {"post": _repeat()},
        "/api/v1/runs/{run}/picture": {
            "get": _get("A small picture of a run", "runs", "run", media_type="image/webp", refused=("503",))
        },
        "/api/v1/tasks/{task}/batch": {"post": _batch()},
        "/api/v1/batches/{batch}": {
            "get": _get("A batch: how far it is, and its short answers so far", "runs", "batch"),
            "delete": _get("Cancel what is left of a batch", "runs", "batch"),
        },
    }


def _model_paths() -> dict[str, Any]:
    """Models and their downloads."""
    return {
        "/api/v1/models": {"get": _get("List the models: state, size, licence, device, last use", "models")},
        "/api/v1/models/{task}/{adapter}": {
            "get": _get("A model and its download", "models", "task", "adapter"),
            "delete": _get("Cancel its download and remove its files", "models", "task", "adapter"),
        },
        "/api/v1/models/{task}/{adapter}/pull": {"post": _pull()},
        "/api/v1/models/{task}/{adapter}/pause": {
            "post": _get("Stop its download, keeping what has come", "models", "task", "adapter")
        },
    }


def _repeat() -> dict[str, Any]:
    operation = _get("Run it again, with other inputs or another adapter if wished: 202 and a job", "runs", "run")
    properties = {"inputs": {"type": "object", "description": "the fields to change"}, "adapter": {"type": "string"}}
    content = {"application/json": {"schema": {"type": "object", "properties": properties}}}
    operation["requestBody"] = {"required": False, "content": content}
    job = {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}}
    refused = _errors("404", "409", "413", "422", "429", "503")
    operation["responses"] = {"202": {"description": "A job", "content": job}} | refused
    return operation


def _batch() -> dict[str, Any]:
    operation = _get("Run many inputs, each a run of its own: 202 and a batch", "runs", "task")
    item = {
        "type": "object",
        "required": ["inputs"],
        "properties": {"name": {"type": "string"}, "inputs": {"type": "object", "description": "media as data URLs"}},
    }
    body = {
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "minItems": 1, "items": item}, "adapter": {"type": "string"}},
    }
    operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    batch = {"202": {"description": "A batch", "content": {"application/json": {}}}}
    operation["responses"] = batch | _errors("404", "413", "422")
    return operation


def _pull() -> dict[str, Any]:
    operation = _get("Download its weights; ready already, or 202 and its state", "models", "task", "adapter")
    operation["responses"]["202"] = {"description": "Downloading", "content": {"application/json": {}}}
    operation["responses"] |= _errors("503")
    return operation


def _get(
    summary: str, tag: str, *parameters: str, media_type: str = "application/json", refused: Sequence[str] = ()
) -> dict[str, Any]:
    """An operation; it may answer with the one error shape and a status of `refused`, or 404 where it names a thing."""
    operation: dict[str, Any] = {
        "summary": summary,
        "tags": [tag],
        "responses": {"200": {"description": "OK", "content": {media_type: {}}}},
    }
    if parameters:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters
        ]
    operation["responses"] |= _errors(*(["404"] if parameters else []), *refused)
    return operation


def _errors(*statuses: str) -> dict[str, Any]:
    return {status: {"$ref": "#/components/responses/Error"} for status in statuses}


def _run(task: Task, schemas: dict[str, Any]) -> dict[str, Any]:
    """The operation that runs a task; its models' definitions go into `schemas`."""
    inputs = _hoisted(task.inputs.model_json_schema(ref_template="#/components/schemas/{model}"), schemas)
    outputs = _hoisted(
        task.outputs.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}"), schemas
    )
    names = [adapter.name for adapter in task.adapters]
    result = {"type": "object", "properties": _JOB_PROPERTIES | {"outputs": outputs}}
    return {
        "summary": task.title,
        "description": task.summary,
        "operationId": task.name,
        "tags": [task.section],
        "parameters": [
            {"name": "adapter", "in": "query", "schema": {"enum": names, "default": names[0]}},
            {
                "name": "Prefer",
                "in": "header",
                "schema": {"enum": ["respond-async"]},
                "description": "answer 202 and a job",
            },
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": _multipart(task, inputs)},
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["inputs"],
                        "properties": {"inputs": inputs, "adapter": {"enum": names}},
                    },
                    "examples": {
                        f"example_{i}": {
                            "summary": example.title,
                            "value": {"inputs": _shown(example.values)}
                            | ({"adapter": example.adapter} if example.adapter else {}),
                        }
                        for i, example in enumerate(task.examples, 1)
                    },
                },
            },
        },
        "responses": {
            "200": {"description": "The result", "content": {"application/json": {"schema": result}}},
            "202": {
                "description": "A job, with Prefer: respond-async",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}},
            },
            **_errors("404", "409", "413", "422", "429", "500", "503"),
        },
    }


def _hoisted(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    schemas.update(schema.pop("$defs", {}))
    return schema


def _multipart(task: Task, inputs: dict[str, Any]) -> dict[str, Any]:
    """The form's schema: media are binary parts instead of data URLs."""
    binary = {"type": "string", "format": "binary"}
    properties = dict(inputs["properties"])
    for spec in describe(task.inputs):
        if spec.media is not None:
            title = {"title": spec.title, "description": spec.description}
            properties[spec.name] = ({"type": "array", "items": binary} if spec.many else binary) | title
    return {"type": "object", "required": inputs.get("required", []), "properties": properties}


def _shown(value: Any) -> Any:
    """An example's value as JSON, with a file named instead of spelt out."""
    if isinstance(value, Path):
        return f"data:;base64,<the bytes of {value.name}>"
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    return value
