"""Whose call it is: the owner cookie, API keys and the access token, decided once for all surfaces."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.errors import Unauthorized
from surfaces.guard import OPEN_PATHS
from surfaces.proxy import path_below

COOKIE = "atelier_owner"
ACCESS_COOKIE = "atelier_access"
_YEAR_S = 365 * 24 * 3600
_SECRET = re.compile(r"[0-9a-f]{64}")


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
    """The cookies by name.

    Of two with one name the first counts: browsers send that of the longer path first (RFC 6265, 5.4), which is the
    studio's own where another one shares the host.
    """
    found: dict[str, str] = {}
    for part in headers.get("cookie", "").split(";"):
        jar: SimpleCookie = SimpleCookie()
        with suppress(CookieError):
            jar.load(part.strip())
        found = {name: morsel.value for name, morsel in jar.items()} | found
    return found


class Identity:
    """Pure ASGI middleware: gives each browser an owner cookie, and asks for the access token where one is set.

    The cookie of a first visit is put into that very request too, so that everything behind sees the same owner
    from the first call on.

    Args:
        app: what it wraps.
        tokens: the accepted access tokens; empty lets everybody in.
        framed: whether a page of another site shows the studio in a frame, where browsers keep a page's cookies back
            unless they are told otherwise.
    """

    def __init__(self, app: ASGIApp, tokens: tuple[str, ...] = (), *, framed: bool = False) -> None:
        self.app = app
        self.tokens = tokens
        self.framed = framed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, with its owner known, or answer 401."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self.tokens and not self._admitted(scope, headers):
            await self._refuse(scope, receive, send)
            return
        known = _cookies(headers).get(COOKIE, "")
        if _SECRET.fullmatch(known):
            if headers.get("cookie", "").count(f"{COOKIE}=") > 1:
                _set_cookie(scope, headers, known)
            await self.app(scope, receive, send)
            return
        secret = secrets.token_hex(32)
        cookie = self._cookie(COOKIE, secret, scope, headers)  # now: a mounted app changes the path in the scope
        _set_cookie(scope, headers, secret)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self.app(scope, receive, send_with_cookie)

    def _admitted(self, scope: Scope, headers: Headers) -> bool:
        if path_below(scope.get("root_path", ""), scope["path"]) in OPEN_PATHS:
            return True
        given = _bearer(headers)
        pass_cookie = _cookies(headers).get(ACCESS_COOKIE, "")
        return any(
            hmac.compare_digest(given.encode(), token.encode())
            or hmac.compare_digest(pass_cookie.encode(), _digest(token).encode())
            for token in self.tokens
        )

    def _cookie(self, name: str, value: str, scope: Scope, headers: Headers) -> str:
        """A cookie for this studio's path alone, out of reach of scripts."""
        path = scope.get("root_path", "") or "/"
        encrypted = scope.get("scheme") in ("https", "wss") or headers.get("x-forwarded-proto") == "https"
        flags = "SameSite=None; Secure; Partitioned" if self.framed else "SameSite=Lax" + "; Secure" * encrypted
        return f"{name}={value}; Path={path}; Max-Age={_YEAR_S}; HttpOnly; {flags}"

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
            response.headers.append("set-cookie", self._cookie(ACCESS_COOKIE, _digest(given), scope, headers))
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


def _set_cookie(scope: Scope, headers: Headers, secret: str) -> None:
    """Put the one owner cookie that counts into the request that is about to be served."""
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
