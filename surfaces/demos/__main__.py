"""`python -m surfaces.demos TASK`: one demo alone, as a Gradio Space starts it, one with a lent GPU too."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from studio.errors import NotFound
from studio.execution import call_here
from studio.logs import configure
from studio.runtime import Runtime
from studio.settings import Settings
from surfaces.demos.mount import PREFIX, Demos
from surfaces.demos.zero_gpu import lent_gpu
from surfaces.entrance import entrance
from surfaces.rest import build as build_rest
from surfaces.theme import font_folder


def main(arguments: list[str]) -> int:
    """Serve the demo of the named task; 2 if there is none."""
    settings = Settings().with_token()
    configure(settings)
    runtime = Runtime(settings, call=lent_gpu() or call_here)
    if len(arguments) != 1:
        names = ", ".join(task.name for task in runtime.catalogue)
        print(f"usage: python -m surfaces.demos TASK\n\ntasks: {names}", file=sys.stderr)
        return 2
    name = arguments[0]
    try:
        title = runtime.catalogue.task(name).title
    except NotFound as error:
        print(error.message, error.expected or "", file=sys.stderr)
        return 2
    query = f"?token={settings.tokens[0]}" if settings.tokens else ""
    print(f"{title}: http://{settings.host}:{settings.port}{_page(settings, name)}{query}", flush=True)
    try:
        uvicorn.run(build(runtime, name), host=settings.host, port=settings.port, log_config=None)
    finally:
        runtime.close()
    return 0


def build(runtime: Runtime, name: str) -> Starlette:
    """One demo as an application of its own, with the REST interface that its links lead to."""
    demos = Demos(runtime, only=name)
    rest = build_rest(runtime)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await demos.prepare(name)
        yield
        await demos.close()

    async def home(request: object) -> RedirectResponse:
        return RedirectResponse(_page(runtime.settings, name))

    return Starlette(
        routes=[
            Route("/", home),
            Mount("/static/media", StaticFiles(directory=font_folder())),
            Route(f"{PREFIX}/{{rest:path}}", demos),
            *(Route(path, rest) for path in ("/api/{rest:path}", "/healthz", "/readyz", "/metrics")),
        ],
        middleware=entrance(runtime.settings),
        lifespan=lifespan,
    )


def _page(settings: Settings, name: str) -> str:
    return f"{settings.base_path}{PREFIX}/{name}/"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
