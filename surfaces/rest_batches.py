"""Batches over HTTP: many inputs through one task, watched and cancelled together."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from studio.batches import Batch, Item
from studio.errors import InvalidInput
from studio.runtime import Runtime
from surfaces.identity import owner_of_headers
from surfaces.requests import limited

BATCHES = "/api/v1/batches"
_SHAPE = '{"items": [{"name": "...", "inputs": {...}}], "adapter": "..."}'


class BatchRoutes:
    """The handlers, around one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def start(self, request: Request) -> Response:
        """POST /api/v1/tasks/{task}/batch: 202 and the batch; each item becomes a run."""
        limit = self._runtime.limits.upload_bytes
        body = await limited(request, limit * 4 // 3 + 65_536, limit).body()
        items, adapter = _items(body)
        owner = owner_of_headers(request.headers)
        batch = await asyncio.to_thread(self._runtime.batch, request.path_params["task"], items, adapter, owner)
        location = f"{self._runtime.settings.base_path}{BATCHES}/{batch.id}"
        return JSONResponse(batch_json(batch), status_code=202, headers={"location": location})

    async def batch(self, request: Request) -> Response:
        """GET /api/v1/batches/{batch}: how far it is, with the short answers so far."""
        return JSONResponse(batch_json(self._of(request)))

    async def cancel(self, request: Request) -> Response:
        """DELETE /api/v1/batches/{batch}: cancel what is left of it; what is done stays among the runs."""
        batch = self._of(request)
        await asyncio.to_thread(batch.cancel)
        return JSONResponse(batch_json(batch))

    def _of(self, request: Request) -> Batch:
        return self._runtime.batches.get(request.path_params["batch"], owner_of_headers(request.headers))


def batch_json(batch: Batch) -> dict[str, Any]:
    """A batch as JSON."""
    return {
        "batch": batch.id,
        "task": batch.task,
        "adapter": batch.adapter,
        "finished": batch.finished,
        "done": batch.count_done,
        "count": len(batch.items),
        "items": [
            {
                "name": item.name,
                "state": item.state,
                "run": item.run or None,
                "seconds": None if item.seconds is None else round(item.seconds, 4),
                "answers": item.answers,
                "error": item.error or None,
            }
            for item in batch.items
        ],
    }


def _items(body: bytes) -> tuple[list[Item], str | None]:
    """(items, adapter) of a request. Raises InvalidInput."""
    try:
        document = json.loads(body)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise InvalidInput("The body is not JSON.", expected=_SHAPE, got=str(fault)[:80]) from fault
    given = document.get("items") if isinstance(document, dict) else None
    adapter = document.get("adapter") if isinstance(document, dict) else None
    if not isinstance(given, list) or not given or not isinstance(adapter, str | None):
        raise InvalidInput("The body has no items.", expected=_SHAPE, got="another shape")
    items = []
    for number, item in enumerate(given, 1):
        if not isinstance(item, dict) or not isinstance(item.get("inputs"), dict):
            raise InvalidInput(f"Item {number} has no inputs.", expected=_SHAPE, got="another shape")
        items.append(Item(str(item.get("name") or number)[:200], item["inputs"]))
    return items, adapter
