"""The kept runs over HTTP: listed, opened, pinned, deleted and repeated by their owner."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import math
from datetime import UTC, datetime
from typing import Any, cast, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from studio.errors import InvalidInput, NotFound
from studio.jobs import State
from studio.run_rows import Bookmark, RunRow, Wanted
from studio.runtime import Runtime
from surfaces.encode import inputs_json, outputs_json
from surfaces.identity import owner_of_headers
from surfaces.requests import limited

RUNS = "/api/v1/runs"
_MOST = 200
_YES = {"true": True, "1": True, "false": False, "0": False}


class RunRoutes:
    """The handlers, around one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def runs(self, request: Request) -> Response:
        """GET /api/v1/runs: the caller's own, newest first; `next` leads to the rest."""
        wanted, after, limit = _asked(request)
        owner = owner_of_headers(request.headers)
        rows = await asyncio.to_thread(self._runtime.runs.page, owner, wanted, after, limit + 1)
        following = _cursor(rows[limit - 1]) if len(rows) > limit else None
        return JSONResponse({"runs": [self._json(row) for row in rows[:limit]], "next": following})

    async def run(self, request: Request) -> Response:
        """GET /api/v1/runs/{run}: one with its inputs and outputs."""
        return JSONResponse(await asyncio.to_thread(self._whole, *_whose(request)))

    def _whole(self, run_id: str, owner: str) -> dict[str, Any]:
        row = self._runtime.runs.row(run_id, owner)
        job = self._runtime.jobs.get(run_id, owner)
        return self._json(row) | {
            "weights_changed": self._runtime.weights_changed(row),
            "inputs": inputs_json(job.inputs),
            "outputs": outputs_json(job.outputs) if job.outputs is not None else None,
        }

    async def delete(self, request: Request) -> Response:
        """DELETE /api/v1/runs/{run}: cancel it if it goes on, and forget it."""
        run_id, owner = _whose(request)
        row = await asyncio.to_thread(self._runtime.runs.row, run_id, owner)
        await asyncio.to_thread(self._runtime.jobs.forget, run_id, owner)
        return JSONResponse(self._json(row))

    async def pin(self, request: Request) -> Response:
        """PUT and DELETE /api/v1/runs/{run}/pin: keep it beyond its time to live, or not any more."""
        run_id, owner = _whose(request)
        pinned = request.method == "PUT"
        row = await asyncio.to_thread(self._runtime.runs.pin, run_id, owner, pinned=pinned)
        return JSONResponse(self._json(row))

    async def repeat(self, request: Request) -> Response:
        """POST /api/v1/runs/{run}/repeat: 202 and a new job; a JSON body may change inputs and the adapter."""
        run_id, owner = _whose(request)
        limit = self._runtime.limits.upload_bytes
        body = await limited(request, limit * 4 // 3 + 65_536, limit).body()
        changes, adapter = _changes(body)
        job = await asyncio.to_thread(self._runtime.repeat, run_id, owner, changes, adapter)
        location = f"{self._runtime.settings.base_path}/api/v1/jobs/{job.id}"
        shown = {"job": job.id, "task": job.task, "adapter": job.adapter, "state": job.state}
        return JSONResponse(shown, status_code=202, headers={"location": location})

    def _json(self, row: RunRow) -> dict[str, Any]:
        return run_json(row, self._runtime.settings.base_path)

    async def picture(self, request: Request) -> Response:
        """GET /api/v1/runs/{run}/picture: a small picture of it."""
        picture = await asyncio.to_thread(self._runtime.runs.picture, *_whose(request))
        if picture is None:
            raise NotFound("This run has no picture.", expected="a run with a picture in or out")
        return Response(picture, media_type="image/webp", headers={"cache-control": "private, max-age=3600"})


def run_json(row: RunRow, base_path: str = "") -> dict[str, Any]:
    """A run as JSON, the same on every surface; without its inputs and outputs.

    Args:
        base_path: under which a proxy shows the studio.
    """
    shown = {
        "run": row.id,
        "task": row.task,
        "adapter": row.adapter,
        "weights": row.revision,
        "state": row.state,
        "asked": row.asked,
        "answered": row.answered,
        "pinned": row.pinned,
        "batch": row.batch or None,
        "created": _iso(row.created_s),
        "finished": _iso(row.finished_s),
        "seconds": round(row.run_s, 4) if row.run_s is not None else None,
        "device": row.device,
        "memory_mb": row.memory_mb,
        "bytes": row.nbytes,
        "remarks": list(row.remarks),
        "picture": f"{base_path}{RUNS}/{row.id}/picture" if row.has_picture else None,
    }
    return shown | ({"error": row.error.shape()} if row.error is not None else {})


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _whose(request: Request) -> tuple[str, str]:
    return request.path_params["run"], owner_of_headers(request.headers)


def _asked(request: Request) -> tuple[Wanted, Bookmark | None, int]:
    """What the query asks for. Raises InvalidInput."""
    query = request.query_params
    state, pinned, limit = query.get("state"), query.get("pinned"), query.get("limit", "50")
    if state is not None and state not in get_args(State):
        raise InvalidInput("There is no such state.", field="state", expected=", ".join(get_args(State)), got=state)
    if pinned is not None and pinned not in _YES:
        raise InvalidInput("Pinned is a yes or a no.", field="pinned", expected="true or false", got=pinned)
    if not limit.isdecimal() or not 1 <= int(limit) <= _MOST:
        raise InvalidInput("The limit is no such number.", field="limit", expected=f"1 to {_MOST}", got=limit[:40])
    kept = _YES[pinned] if pinned is not None else None
    wanted = Wanted(query.get("task"), cast(State | None, state), kept, query.get("batch"))
    return wanted, _bookmark(query["after"]) if "after" in query else None, int(limit)


def _cursor(row: RunRow) -> str:
    return base64.urlsafe_b64encode(f"{row.created_s!r} {row.id}".encode()).decode().rstrip("=")


def _bookmark(cursor: str) -> Bookmark:
    try:
        seconds, run_id = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_").decode().split(" ")
        created_s = float(seconds)
    except (binascii.Error, ValueError):
        created_s, run_id = math.nan, ""
    if math.isnan(created_s):
        raise InvalidInput("The cursor is none.", field="after", expected="`next` of an answer", got=cursor[:40])
    return created_s, run_id


def _changes(body: bytes) -> tuple[dict[str, Any], str | None]:
    """(changed inputs, adapter) of a repetition; an empty body changes nothing. Raises InvalidInput."""
    try:
        document = json.loads(body or b"{}")
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise InvalidInput("The body is not JSON.", expected='{"inputs": {...}}', got=str(fault)[:80]) from fault
    inputs = document.get("inputs", {}) if isinstance(document, dict) else None
    adapter = document.get("adapter") if isinstance(document, dict) else None
    if not isinstance(inputs, dict) or not isinstance(adapter, str | None):
        raise InvalidInput("The body has another shape.", expected='{"inputs": {...}, "adapter": "..."}', got="other")
    return inputs, adapter
