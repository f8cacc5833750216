"""The shelf over HTTP: which models there are, fetching their weights and removing them."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from studio.contract import Adapter, Task
from studio.runtime import Runtime
from studio.stock import check_open, remove, row_of, stock


class ModelRoutes:
    """The handlers, around one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def models(self, request: Request) -> Response:
        """GET /api/v1/models: every adapter of every task, with its state, size, licence, device and last use."""
        rows = await asyncio.to_thread(stock, self._runtime)
        return JSONResponse({"models": [row.shape() for row in rows]})

    async def model(self, request: Request) -> Response:
        """GET /api/v1/models/{task}/{adapter}: one of them; a download is watched by asking again."""
        return await self._answer(*self._named(request))

    async def pull(self, request: Request) -> Response:
        """POST /api/v1/models/{task}/{adapter}/pull: download its weights; 202 while that goes on."""
        task, adapter = self._named(request)
        check_open(self._runtime)
        family = self._runtime.catalogue.entry(task.name).family
        if adapter.kind != "hub" or self._runtime.shelf.state(family, adapter.weights).name != "ready":
            await asyncio.to_thread(self._runtime.shelf.pull, family, adapter.weights)
        return await self._answer(task, adapter, status=202)

    async def pause(self, request: Request) -> Response:
        """POST /api/v1/models/{task}/{adapter}/pause: stop the download, keeping what has come."""
        task, adapter = self._named(request)
        check_open(self._runtime)
        family = self._runtime.catalogue.entry(task.name).family
        await asyncio.to_thread(self._runtime.shelf.pause, family, adapter.weights)
        return await self._answer(task, adapter)

    async def remove(self, request: Request) -> Response:
        """DELETE /api/v1/models/{task}/{adapter}: cancel its download, remove its files."""
        task, adapter = self._named(request)
        check_open(self._runtime)
        await asyncio.to_thread(remove, self._runtime, task, adapter)
        return await self._answer(task, adapter)

    def _named(self, request: Request) -> tuple[Task, Adapter]:
        catalogue = self._runtime.catalogue
        task = catalogue.task(request.path_params["task"])
        return task, catalogue.adapter(task, request.path_params["adapter"])

    async def _answer(self, task: Task, adapter: Adapter, status: int = 200) -> Response:
        row = await asyncio.to_thread(row_of, self._runtime, task, adapter)
        return JSONResponse(row.shape(), status_code=status if row.state.name == "downloading" else 200)
