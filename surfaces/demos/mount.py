"""Serves the demos at /demos/<task>/, each built when somebody first opens it."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio import processing_utils
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.errors import InvalidInput, NotFound
from studio.runtime import Runtime
from surfaces.demos.blocks import build_blocks
from surfaces.demos.chat import CITATIONS_HEAD
from surfaces.demos.door import Door
from surfaces.demos.files import sweep
from surfaces.theme import GRADIO_CSS, gradio_theme

PREFIX = "/demos"
_LEFTOVER_S = 24 * 3600.0


async def _refuse_address(url: str, cache_dir: str) -> str:
    error = InvalidInput("Files are uploaded, not fetched from an address.", expected="an uploaded file", got=url[:80])
    raise gr.Error(json.dumps(error.shape()), visible=False, print_exception=False)


# A caller may name an address instead of an upload, and Gradio would fetch it: the studio takes no addresses.
processing_utils.async_ssrf_protected_download = _refuse_address


class Demos:
    """ASGI application over all demos.

    A demo is built and its lifespan entered at the first request for it, so that sixty tasks cost nothing at the
    start. Each lifespan lives in a task of its own, because it must be left in the task that entered it.

    Args:
        runtime: the studio.
        only: the one task that has a demo here; all of them if not given.
    """

    def __init__(self, runtime: Runtime, only: str | None = None) -> None:
        self._runtime = runtime
        self._only = only
        self._door = Door(runtime.limits.upload_bytes)
        self._apps: dict[str, ASGIApp] = {}
        self._building = asyncio.Lock()
        self._lives: list[asyncio.Task[None]] = []
        self._closing = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to its task's demo; an unknown task is a JSON 404."""
        path = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix(PREFIX)
        name, _, address = path.lstrip("/").partition("/")
        try:
            app = self._apps.get(name) or await self._build(name)
            refusal = self._door.refusal(scope, address)
        except NotFound as error:
            refusal = error
        if refusal is not None:
            await _answer(refusal.shape(), refusal.status, send)
            return
        await app(scope, receive, send)

    async def prepare(self, name: str) -> None:
        """Build a demo before anybody asks for it."""
        await self._build(name)

    async def _build(self, name: str) -> ASGIApp:
        self._runtime.catalogue.task(name)
        if self._only not in (None, name):
            raise NotFound("This demo is not served here.", expected=self._only, got=name)
        async with self._building:
            if name not in self._apps:
                app = await asyncio.to_thread(build_app, self._runtime, name)
                await self._enter(app)
                self._apps[name] = app
        return self._apps[name]

    async def _enter(self, app: Any) -> None:
        entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def live() -> None:
            async with app.router.lifespan_context(app):
                entered.set_result(None)
                await self._closing.wait()

        self._lives.append(asyncio.create_task(live(), name="demo-lifespan"))
        await entered

    async def close(self) -> None:
        """Leave the lifespans of all demos."""
        self._closing.set()
        for life in self._lives:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(life, timeout=5)


def build_app(runtime: Runtime, name: str) -> Any:
    """A FastAPI application that serves one task's demo at /demos/<name>/."""
    settings = runtime.settings
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # Gradio takes both from the environment only
    folder = settings.home / "tmp" / "demos"
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    sweep(folder, older_than_s=_LEFTOVER_S)
    entry = runtime.catalogue.entry(name)
    families = {str(runtime.catalogue.entry(task.name).family / "examples") for task in runtime.catalogue}
    blocks = build_blocks(runtime, entry.task)
    blocks.queue(default_concurrency_limit=None, api_open=True)
    blocks.has_launched = True  # else Gradio takes any path of this machine that a caller names for an upload
    return gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        blocks,
        path=f"{PREFIX}/{name}",
        footer_links=[],
        run_history=False,
        allowed_paths=sorted(families),
        show_error=False,
        max_file_size=int(settings.max_upload_mb * 1e6),
        mcp_server=False,
        ssr_mode=False,
        theme=gradio_theme(),
        css=GRADIO_CSS,
        css_paths=Path(__file__).parent / "demo.css",
        head=CITATIONS_HEAD if entry.task.chat else None,
    )


async def _answer(shape: Any, status: int, send: Send) -> None:
    body = json.dumps(shape).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
