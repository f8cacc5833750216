"""The tasks over HTTP: run them, watch and cancel their jobs, and describe them as OpenAPI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from studio.contract import Task
from studio.errors import AtelierError, InvalidInput, NotFound
from studio.fields import FieldSpec, describe
from studio.jobs import Job
from studio.media.base import Blob
from studio.runtime import Runtime
from surfaces.encode import outputs_json, outputs_zip
from surfaces.identity import owner_of_headers
from surfaces.openai import add_routes
from surfaces.openapi import document
from surfaces.requests import finished, limited
from surfaces.rest_models import ModelRoutes

API = "/api/v1"
_ZIP = "application/zip"
#: Media are compressed already: packing them again, as Streamlit's middleware would, only takes time.
_UNCOMPRESSED = {"content-encoding": "identity"}


def build(runtime: Runtime) -> FastAPI:
    """The ASGI application that answers /api, /v1, /healthz, /readyz, /metrics, /openapi.json and /docs.

    Everything under it that does not exist is a JSON 404 in the one error shape.
    """
    app = FastAPIOffline(title="Atelier", version="1", openapi_url="/openapi.json", docs_url="/docs", redoc_url=None)
    app.openapi = lambda: document(runtime)  # type: ignore[method-assign]
    app.add_exception_handler(AtelierError, _answer_error)
    app.add_exception_handler(HTTPException, _answer_http)
    routes = Routes(runtime)
    app.add_route(f"{API}/openapi.json", routes.openapi)
    app.add_route(f"{API}/tasks", routes.tasks)
    app.add_route(f"{API}/tasks/{{task}}", routes.task)
    app.add_route(f"{API}/tasks/{{task}}/run", routes.run, methods=["POST"])
    app.add_route(f"{API}/jobs", routes.jobs)
    app.add_route(f"{API}/jobs/{{job}}", routes.job)
    app.add_route(f"{API}/jobs/{{job}}", routes.cancel, methods=["DELETE"])
    app.add_route(f"{API}/jobs/{{job}}/result.zip", routes.download)
    models = ModelRoutes(runtime)
    app.add_route(f"{API}/models", models.models)
    app.add_route(f"{API}/models/{{task}}/{{adapter}}", models.model)
    app.add_route(f"{API}/models/{{task}}/{{adapter}}", models.remove, methods=["DELETE"])
    app.add_route(f"{API}/models/{{task}}/{{adapter}}/pull", models.pull, methods=["POST"])
    app.add_route(f"{API}/models/{{task}}/{{adapter}}/pause", models.pause, methods=["POST"])
    add_routes(app, runtime)
    app.add_route("/healthz", routes.healthz)
    app.add_route("/readyz", routes.readyz)
    app.add_route("/metrics", routes.metrics)
    return app


async def _answer_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AtelierError)
    headers = {"retry-after": "2"} if error.status == 409 and request.method == "POST" else None
    return JSONResponse(error.shape(), status_code=error.status, headers=headers)


async def _answer_http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    what = {404: "There is nothing at this address.", 405: "This address does not take that method."}
    error = AtelierError(
        what.get(fault.status_code, str(fault.detail)),
        got=f"{request.method} {request.url.path}"[:200],
        hint=f"GET {API}/tasks lists the tasks, /docs describes all addresses.",
    )
    return JSONResponse(error.shape(), status_code=fault.status_code, headers=fault.headers)


class Routes:
    """The handlers, around one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def tasks(self, request: Request) -> Response:
        """GET /api/v1/tasks: all tasks, shortly."""
        return JSONResponse({"tasks": [_summary(task) for task in self._runtime.catalogue]})

    async def task(self, request: Request) -> Response:
        """GET /api/v1/tasks/{task}: one task with the JSON schemas of its inputs and outputs."""
        task = self._runtime.catalogue.task(request.path_params["task"])
        return JSONResponse(
            _summary(task)
            | {
                "inputs": task.inputs.model_json_schema(),
                "outputs": task.outputs.model_json_schema(mode="serialization"),
                "how_it_works": task.how_it_works,
            }
        )

    async def run(self, request: Request) -> Response:
        """POST /api/v1/tasks/{task}/run: run it and answer, or 202 and a job with `Prefer: respond-async`."""
        task = self._runtime.catalogue.task(request.path_params["task"])
        payload, adapter = await self._payload(task, request)
        owner = owner_of_headers(request.headers)
        job = await asyncio.to_thread(
            self._runtime.submit, task.name, payload, adapter=request.query_params.get("adapter", adapter), owner=owner
        )
        if "respond-async" in request.headers.get("prefer", ""):
            return JSONResponse(job_json(job), status_code=202, headers={"location": f"{API}/jobs/{job.id}"})
        await finished(job, request)
        if job.error is not None:
            raise job.error
        shown = await asyncio.to_thread(job_json, job, with_outputs=True)
        return JSONResponse(shown, headers=_UNCOMPRESSED)

    async def _payload(self, task: Task, request: Request) -> tuple[dict[str, Any], str | None]:
        """(field values, adapter) of a JSON or a multipart request."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        limit = self._runtime.limits.upload_bytes
        if kind == "application/json":
            return _from_json(await limited(request, limit * 4 // 3 + 65_536, limit).body())
        if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
            try:
                async with limited(request, limit + 65_536, limit).form(max_part_size=4_000_000) as form:
                    return await _from_form(task, form), None
            except (MultiPartException, HTTPException) as fault:
                detail = fault.detail if isinstance(fault, HTTPException) else fault.message
                raise InvalidInput(
                    "The form is not well-formed.", expected="multipart/form-data", got=detail
                ) from fault
        raise InvalidInput(
            "The request's content type is not one that a task takes.",
            expected="multipart/form-data, or application/json with data URLs",
            got=kind or "none",
        )

    async def jobs(self, request: Request) -> Response:
        """GET /api/v1/jobs: the caller's own jobs, newest first."""
        owner = owner_of_headers(request.headers)
        return JSONResponse({"jobs": [job_json(job) for job in self._runtime.jobs.of(owner)]})

    async def job(self, request: Request) -> Response:
        """GET /api/v1/jobs/{job}: its state; as server-sent events if the caller accepts text/event-stream."""
        job = self._runtime.jobs.get(request.path_params["job"], owner_of_headers(request.headers))
        if "text/event-stream" in request.headers.get("accept", ""):
            return EventSourceResponse(_events(job))
        return JSONResponse(await asyncio.to_thread(job_json, job, with_outputs=True))

    async def cancel(self, request: Request) -> Response:
        """DELETE /api/v1/jobs/{job}: cancel it, and forget it with its result."""
        job = self._runtime.jobs.get(request.path_params["job"], owner_of_headers(request.headers))
        await asyncio.to_thread(self._runtime.jobs.remove, job)
        return JSONResponse(job_json(job))

    async def download(self, request: Request) -> Response:
        """GET /api/v1/jobs/{job}/result.zip: the result's files, each in its own format, and result.json."""
        job = self._runtime.jobs.get(request.path_params["job"], owner_of_headers(request.headers))
        if job.outputs is None:
            raise NotFound("The job has no result.", expected="a job that is done", got=job.state)
        data = await asyncio.to_thread(outputs_zip, job.outputs)
        name = f"{job.task}-{job.id[:8]}.zip"
        return Response(data, headers={"content-disposition": f'attachment; filename="{name}"'}, media_type=_ZIP)

    async def openapi(self, request: Request) -> Response:
        """GET /api/v1/openapi.json."""
        return JSONResponse(document(self._runtime))

    async def healthz(self, request: Request) -> Response:
        """GET /healthz: the process answers."""
        return JSONResponse({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """GET /readyz: the process takes runs."""
        return JSONResponse({"status": "ready", "tasks": len(self._runtime.catalogue)})

    async def metrics(self, request: Request) -> Response:
        """GET /metrics, in Prometheus' text format."""
        return Response(self._runtime.metrics.text(), media_type="text/plain; version=0.0.4")


def job_json(job: Job, *, with_outputs: bool = False) -> dict[str, Any]:
    """A job as JSON; its outputs, media as data URLs, only where they are asked for."""
    shown: dict[str, Any] = {
        "job": job.id,
        "task": job.task,
        "adapter": job.adapter,
        "state": job.state,
        "progress": round(job.progress, 4),
        "note": job.note,
        "device": job.device,
        "seconds": round(job.run_s, 4),
        "remarks": job.remarks,
    }
    if job.error is not None:
        shown["error"] = job.error.shape()
    if with_outputs:
        shown["outputs"] = outputs_json(job.outputs) if job.outputs is not None else None
    return shown


def _summary(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "title": task.title,
        "section": task.section,
        "summary": task.summary,
        "part_of": task.part_of,
        "adapters": [
            adapter.model_dump(
                include={"name", "title", "kind", "licence", "commercial", "source", "quality", "limits"}
            )
            for adapter in task.adapters
        ],
        "run": f"{API}/tasks/{task.name}/run",
        "demo": f"/demos/{task.name}/",
    }


async def _events(job: Job) -> AsyncIterator[ServerSentEvent]:
    """`progress` after each change, `done` with the outputs at the end."""
    async for state in job.follow():
        if state.finished:
            shown = await asyncio.to_thread(job_json, state, with_outputs=True)
            yield ServerSentEvent(data=json.dumps(shown), event="done")
        else:
            yield ServerSentEvent(data=json.dumps(job_json(state)), event="progress")


def _from_json(body: bytes) -> tuple[dict[str, Any], str | None]:
    try:
        document = json.loads(body)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise InvalidInput("The body is not JSON.", expected='{"inputs": {...}}', got=str(fault)[:80]) from fault
    if not isinstance(document, dict) or not isinstance(document.get("inputs"), dict):
        raise InvalidInput(
            "The body has no inputs.", expected='{"inputs": {...}, "adapter": "..."}', got="another shape"
        )
    adapter = document.get("adapter")
    if adapter is not None and not isinstance(adapter, str):
        raise InvalidInput("The adapter is not a name.", field="adapter", expected="text", got=type(adapter).__name__)
    return document["inputs"], adapter


async def _from_form(task: Task, form: FormData) -> dict[str, Any]:
    """Field values of a form: files as blobs, a repeated part as a list, JSON fields parsed."""
    specs = {spec.name: spec for spec in describe(task.inputs)}
    payload: dict[str, Any] = {}
    for name in form:
        values = [await _value(specs.get(name), part) for part in form.getlist(name)]
        spec = specs.get(name)
        payload[name] = values if (spec is not None and spec.many) or len(values) > 1 else values[0]
    return payload


async def _value(spec: FieldSpec | None, part: UploadFile | str) -> Any:
    if isinstance(part, UploadFile):
        return Blob(name=part.filename or "", data=await part.read())
    if spec is not None and spec.kind == "json":
        with suppress(json.JSONDecodeError):  # what is no JSON is left to the validation, which names the field
            return json.loads(part)
    return part
