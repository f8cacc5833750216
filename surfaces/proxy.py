"""What a reverse proxy changes on the way, put right: the base path, and the host that the visitor named."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class BehindProxy:
    """Pure ASGI middleware.

    Everything behind it sees a request as ASGI has it for an application below a path: `path` whole, `root_path` the
    part that belongs to the proxy. `X-Forwarded-Host` takes the place of `Host`. The scheme and the visitor's address
    are the server's business, which reads them from a proxy that it trusts.

    Args:
        app: what it wraps.
        base_path: "/studio", or empty where there is none.
    """

    def __init__(self, app: ASGIApp, base_path: str = "") -> None:
        self.app = app
        self.base_path = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on as the visitor made it; the bare base path is sent on to the one with a slash."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        scope = {**scope, "headers": _with_host(scope)}
        if self.base_path and scope["path"] == self.base_path and scope["type"] == "http":
            query = scope.get("query_string", b"").decode("latin-1")
            slashed = RedirectResponse(f"{self.base_path}/" + (f"?{query}" if query else ""), status_code=307)
            await slashed(scope, receive, send)
            return
        path = self.base_path + path_below(self.base_path, scope["path"])
        await self.app(scope | {"path": path, "root_path": self.base_path}, receive, send)


def path_below(base_path: str, path: str) -> str:
    """A request's path as it is without a proxy, whether that has stripped the base path or not."""
    return path[len(base_path) :] if base_path and path.startswith(f"{base_path}/") else path


def visited_host(headers: Mapping[str, str]) -> str:
    """Host and port as the visitor named them."""
    return headers.get("x-forwarded-host", "").partition(",")[0].strip() or headers.get("host", "")


def _with_host(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The request's headers, with the host that the proxy was asked for as its own.

    Gradio would leave the path out of its addresses where it sees the header itself.
    """
    host = visited_host(Headers(scope=scope))
    rest = [(name, value) for name, value in scope["headers"] if name not in (b"host", b"x-forwarded-host")]
    return [(b"host", host.encode("latin-1")), *rest] if host else rest
