"""What no page of this studio asks for is refused, and what browsers need to know about an answer is said with it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.errors import Forbidden
from studio.settings import Settings, is_loopback
from surfaces.proxy import path_below, visited_host

#: what a load balancer must reach under any name
OPEN_PATHS = ("/healthz", "/readyz")

#: addresses under which a visitor's own files are answered: never as something that runs
_FILES = re.compile(r"/demos/[^/]+/gradio_api/(file=|file/|stream/)|/media/")
_FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

# Streamlit and Gradio write scripts and styles into their pages, and Vega compiles its expressions.
_PAGE_POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob: data:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' data: blob:",
    "frame-src": "'self' data: blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


class Guard:
    """Pure ASGI middleware, the outermost: the same-origin checks and the security headers of every surface.

    Two kinds of request are refused with 403:

    - one that a page of another site makes a visitor's browser send, unless it follows a link or sends a key of its
      own (https://web.dev/articles/fetch-metadata). The owner cookie would go with it where sites share a host name.
    - where everybody is let in because only this machine reaches the address: one that names another host. It comes
      through a proxy from elsewhere, or from a site whose name was pointed at this machine (DNS rebinding).

    Args:
        app: what it wraps.
        settings: the operator's settings.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._only_here = settings.loopback and not settings.public and not settings.tokens
        self._base_path = settings.base_path
        self._framed_by = settings.framed_by
        ancestors = f"'self' {settings.framed_by}".strip()
        policy = _PAGE_POLICY | {"frame-ancestors": ancestors}
        self._page_policy = "; ".join(f"{name} {value}" for name, value in policy.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer 403."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), path_below(self._base_path, scope["path"])
        error = None if path in OPEN_PATHS else self._fault(scope, headers)
        if scope["type"] == "websocket":
            if error is None:
                await self.app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._say(MutableHeaders(scope=message), path)
            await send(message)

        app = self.app if error is None else JSONResponse(error.shape(), status_code=error.status)
        await app(scope, receive, send_with_headers)

    def _fault(self, scope: Scope, headers: Headers) -> Forbidden | None:
        elsewhere = [host for host in (headers.get("host", ""), visited_host(headers)) if not is_loopback(_name(host))]
        if self._only_here and elsewhere:
            return Forbidden(
                "This studio is open to the machine that it runs on alone.",
                expected="an address such as 127.0.0.1 or localhost",
                got=elsewhere[-1][:80],
                hint="To show it elsewhere, the operator sets ATELIER_TOKEN, or ATELIER_PUBLIC=true for everybody.",
            )
        if _foreign(scope, headers):
            return Forbidden(
                "A page of another site sent this.",
                expected="a page of this studio, or a program with `Authorization: Bearer KEY`",
                got=(headers.get("origin") or headers.get("sec-fetch-site", ""))[:80],
            )
        return None

    def _say(self, headers: MutableHeaders, path: str) -> None:
        headers["x-content-type-options"] = "nosniff"
        headers["referrer-policy"] = "same-origin"
        headers["cross-origin-resource-policy"] = "same-origin"
        headers["permissions-policy"] = "camera=(self), microphone=(self), geolocation=(), payment=(), usb=()"
        if not self._framed_by:
            headers["x-frame-options"] = "SAMEORIGIN"
        headers["content-security-policy"] = _FILE_POLICY if _FILES.match(path) else self._page_policy


def _foreign(scope: Scope, headers: Headers) -> bool:
    """Whether a page of another site sent it, other than by a link that was followed."""
    if headers.get("authorization", "").lower().startswith("bearer "):
        return False
    site = headers.get("sec-fetch-site")
    if site is None:  # an older browser, a page without encryption, or a program
        origin = headers.get("origin")
        return origin is not None and _plain_host(urlsplit(origin).netloc) != _plain_host(visited_host(headers))
    if site in ("same-origin", "none"):
        return False
    followed = headers.get("sec-fetch-mode") == "navigate" and scope.get("method") in ("GET", "HEAD")
    return not followed or headers.get("sec-fetch-dest") in ("object", "embed")


def _plain_host(host: str) -> str:
    return re.sub(r":(80|443)\Z", "", host.lower())


def _name(host: str) -> str:
    """A Host header without its port."""
    return re.sub(r":\d+\Z", "", host.lower())
