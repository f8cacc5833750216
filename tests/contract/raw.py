"""A request by hand, for what no HTTP client does: hanging up, or sending a body that must not be read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Scope


@dataclass
class Exchange:
    """What came of a request.

    Attributes:
        taken: how many messages of the request the application has asked for.
    """

    status: int = 0
    body: bytes = b""
    taken: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def post(app: ASGIApp, path: str, headers: Mapping[str, str], receive: Callable[[int], Awaitable[Message]]) -> Exchange:
    """POST; `receive` gives the request's messages by number, from 1 on."""
    exchange = Exchange()
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 7860),
    }

    async def take() -> Message:
        exchange.taken += 1
        return await receive(exchange.taken)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            exchange.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        exchange.body += message.get("body", b"")

    asyncio.run(asyncio.wait_for(app(scope, take, send), timeout=20))
    return exchange
