"""Atelier: the one place where the studio is put together. `python app.py` starts it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import streamlit as st
import uvicorn
from starlette.routing import BaseRoute, Route

from pages import host
from studio.logs import configure
from studio.runtime import Runtime
from studio.settings import Settings
from surfaces import mcp, rest
from surfaces.demos.mount import Demos
from surfaces.entrance import entrance

STOP_WITHIN_S = 4
SHELL = Path(__file__).parent / "pages" / "shell.py"
#: what the REST application answers, 404s included; all of it comes before Streamlit's own catch-all page
REST_PATHS = (
    "/api", "/api/{rest:path}", "/v1", "/v1/{rest:path}",
    "/healthz", "/readyz", "/metrics",
    "/openapi.json", "/docs", "/docs/{rest:path}", "/static-offline-docs/{rest:path}",
)  # fmt: skip


def build(runtime: Runtime) -> st.App:
    """The whole studio as one ASGI application: pages, demos, REST and MCP around one runtime."""
    host.connect(runtime)
    demos = Demos(runtime)
    rest_app = rest.build(runtime)
    mcp_app = mcp.build(runtime)

    @asynccontextmanager
    async def lifespan(app: st.App) -> AsyncIterator[None]:
        _stop_with(runtime)
        async with AsyncExitStack() as stack:
            for mounted in (rest_app, mcp_app):
                await stack.enter_async_context(mounted.router.lifespan_context(mounted))
            stack.push_async_callback(asyncio.to_thread, runtime.close)
            stack.push_async_callback(demos.close)
            yield

    routes: list[BaseRoute] = [
        *(Route(path, rest_app) for path in REST_PATHS),
        Route("/mcp", mcp_app),
        Route("/demos", rest_app),
        Route("/demos/{rest:path}", demos),
    ]
    return st.App(SHELL, routes=routes, lifespan=lifespan, middleware=entrance(runtime.settings))


def _stop_with(runtime: Runtime) -> None:
    """Make SIGINT and SIGTERM cancel what runs, at once.

    The server leaves its lifespan only after every answer is sent, so a run must end first; what streams without
    end (a demo's heartbeat) is cut off after a moment.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        previous = signal.getsignal(number)
        server = getattr(previous, "__self__", None)
        if not isinstance(server, uvicorn.Server) or not callable(previous):
            continue  # somebody else runs the server, a test's client say
        server.config.timeout_graceful_shutdown = STOP_WITHIN_S

        def stop(number: int, frame: FrameType | None, previous: Callable[..., Any] = previous) -> None:
            threading.Thread(target=runtime.close, args=(STOP_WITHIN_S,), name="close").start()
            previous(number, frame)

        signal.signal(number, stop)


def streamlit_options(settings: Settings) -> dict[str, str | int]:
    """What Streamlit's configuration takes from the studio's settings."""
    same_site = "none" if settings.framed_by else "lax"
    return {"server.port": settings.port, "server.address": settings.host, "server.xsrfCookieSameSite": same_site}


def _address(settings: Settings) -> str:
    shown = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    path = f"{settings.base_path}/" if settings.base_path or settings.tokens else ""
    query = f"?token={settings.tokens[0]}" if settings.tokens else ""
    return f"http://{shown}:{settings.port}{path}{query}"


def main() -> None:
    """Start the studio with the settings of the environment and serve until it is told to stop."""
    settings = Settings().with_token()
    configure(settings)
    runtime = Runtime(settings)
    app = build(runtime)
    print(f"Atelier: {_address(settings)}", flush=True)
    try:
        app.run(config=streamlit_options(settings))
    finally:
        runtime.close()


if __name__ == "__main__":
    main()
