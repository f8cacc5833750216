"""Whose call it is: the owner cookie, API keys and the access token, decided once for all surfaces."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.errors import Unauthorized

COOKIE = "atelier_owner"
ACCESS_COOKIE = "atelier_access"
_YEAR_S = 365 * 24 * 3600
_SECRET = re.compile(r"[0-9a-f]{64}")
#: what a load balancer must reach without a token
_OPEN_PATHS = ("/healthz", "/readyz")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def owner_of_cookie(cookies: Mapping[str, str]) -> str:
    """The owner that a browser's cookies stand for; the nameless visitor "anonymous" where there is no valid one.

    The cookie's value is a secret; the owner's name is derived from it and may be shown or stored.
    """
    value = cookies.get(COOKIE, "")
    return f"browser-{_digest(value)[:32]}" if _SECRET.fullmatch(value) else "anonymous"


def owner_of_headers(headers: Mapping[str, str]) -> str:
    """The owner of an HTTP request: its API key's, if it sends `Authorization: Bearer`, else its cookie's."""
    key = _bearer(headers)
    return f"key-{_digest(key)[:32]}" if key else owner_of_cookie(_cookies(headers))


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _cookies(headers: Mapping[str, str]) -> dict[str, str]:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}


class Identity:
    """Pure ASGI middleware: gives each browser an owner cookie, and asks for the access token where one is set.

    The cookie of a first visit is put into that very request too, so that everything behind sees the same owner
    from the first call on.

    Args:
        app: what it wraps.
        tokens: the accepted access tokens; empty lets everybody in.
    """

    def __init__(self, app: ASGIApp, tokens: tuple[str, ...] = ()) -> None:
        self.app = app
        self.tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, with its owner known, or answer 401."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self.tokens and not self._admitted(scope, headers):
            await self._refuse(scope, receive, send)
            return
        if _SECRET.fullmatch(_cookies(headers).get(COOKIE, "")):
            await self.app(scope, receive, send)
            return
        secret = secrets.token_hex(32)
        _add_cookie(scope, headers, secret)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                flags = f"Path=/; Max-Age={_YEAR_S}; HttpOnly; SameSite=Lax" + _secure(scope, headers)
                MutableHeaders(scope=message).append("set-cookie", f"{COOKIE}={secret}; {flags}")
            await send(message)

        await self.app(scope, receive, send_with_cookie)

    def _admitted(self, scope: Scope, headers: Headers) -> bool:
        if scope["path"] in _OPEN_PATHS:
            return True
        given = _bearer(headers)
        pass_cookie = _cookies(headers).get(ACCESS_COOKIE, "")
        return any(
            hmac.compare_digest(given.encode(), token.encode())
            or hmac.compare_digest(pass_cookie.encode(), _digest(token).encode())
            for token in self.tokens
        )

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """401; a browser that comes with ?token= gets a cookie and is sent on to the same page without it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        given = dict(query).get("token", "")
        headers = Headers(scope=scope)
        response: Response
        if any(hmac.compare_digest(given.encode(), token.encode()) for token in self.tokens):
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            here = "/" + scope["path"].lstrip("/\\")  # "//host/" would lead to another one
            response = RedirectResponse(here + (f"?{rest}" if rest else ""), status_code=303)
            flags = f"Path=/; Max-Age={_YEAR_S}; HttpOnly; SameSite=Lax" + _secure(scope, headers)
            response.headers.append("set-cookie", f"{ACCESS_COOKIE}={_digest(given)}; {flags}")
        elif "text/html" in headers.get("accept", ""):
            response = HTMLResponse(_TOKEN_PAGE, status_code=401)
        else:
            error = Unauthorized(
                "An access token is needed.",
                expected="Authorization: Bearer <token>",
                hint="The operator sets it with ATELIER_TOKEN; the start-up message has the address with it.",
            )
            response = JSONResponse(error.shape(), status_code=401, headers={"www-authenticate": "Bearer"})
        await response(scope, receive, send)


def _secure(scope: Scope, headers: Headers) -> str:
    encrypted = scope.get("scheme") in ("https", "wss") or headers.get("x-forwarded-proto") == "https"
    return "; Secure" if encrypted else ""


def _add_cookie(scope: Scope, headers: Headers, secret: str) -> None:
    """Put the new cookie into the request that is about to be served."""
    kept = "; ".join(f"{name}={value}" for name, value in _cookies(headers).items() if name != COOKIE)
    cookie = f"{COOKIE}={secret}" + (f"; {kept}" if kept else "")
    others = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
    scope["headers"] = [*others, (b"cookie", cookie.encode("latin-1"))]


_TOKEN_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Atelier</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root{color-scheme:light dark}body{font:17px/1.5 sans-serif;max-width:26rem;margin:18vh auto;padding:0 1.5rem}
input,button{font:inherit;padding:.5rem .75rem;width:100%;box-sizing:border-box;margin-top:.75rem}</style>
<h1>Atelier</h1><p>This studio asks for an access token. It stands in the start-up message of the server.</p>
<form><label>Access token
<input name="token" type="password" autocomplete="current-password" autofocus required></label>
<button>Open the studio</button></form></html>
"""
