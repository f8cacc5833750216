"""`python -m surfaces.demos TASK`: one demo alone, as a Gradio Space starts it."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from studio.errors import NotFound
from studio.runtime import Runtime
from studio.settings import Settings
from surfaces.demos.mount import PREFIX, build_app
from surfaces.entrance import entrance
from surfaces.rest import build as build_rest
from surfaces.theme import font_folder


def main(arguments: list[str]) -> int:
    """Serve the demo of the named task; 2 if there is none."""
    settings = Settings()
    runtime = Runtime(settings)
    if len(arguments) != 1:
        names = ", ".join(task.name for task in runtime.catalogue)
        print(f"usage: python -m surfaces.demos TASK\n\ntasks: {names}", file=sys.stderr)
        return 2
    name = arguments[0]
    try:
        demo = build_app(runtime, name)
    except NotFound as error:
        print(error.message, error.expected or "", file=sys.stderr)
        return 2
    rest = build_rest(runtime)

    async def home(request: object) -> RedirectResponse:
        return RedirectResponse(f"{settings.base_path}{PREFIX}/{name}/")

    app = Starlette(
        routes=[
            Route("/", home),
            Mount("/static/media", StaticFiles(directory=font_folder())),
            Route(f"{PREFIX}/{{rest:path}}", demo),
            *(Route(path, rest) for path in ("/api/{rest:path}", "/healthz", "/readyz", "/metrics")),
        ],
        middleware=entrance(settings),
        lifespan=demo.router.lifespan_context,
    )
    print(
        f"{runtime.catalogue.task(name).title}: http://{settings.host}:{settings.port}{settings.base_path}{PREFIX}/{name}/"
    )
    try:
        uvicorn.run(app, host=settings.host, port=settings.port, log_level=settings.log_level)
    finally:
        runtime.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
