"""What every HTTP route does with a request: read no more of it than is allowed, and stop when the caller hangs up."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from python_multipart.multipart import parse_options_header
from starlette.requests import Request
from starlette.types import Message

from studio.errors import InvalidInput, TooLarge
from studio.jobs import Job


async def finished(job: Job, request: Request) -> None:
    """Wait for the job; cancel it if the caller hangs up."""

    async def end() -> None:
        async for _ in job.follow():
            pass

    async def hang_up() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    waiting = asyncio.create_task(end())
    watching = asyncio.create_task(hang_up())
    await asyncio.wait((waiting, watching), return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        job.cancel()
    for task in (waiting, watching):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def limited(request: Request, limit_bytes: int, stated_bytes: int) -> Request:
    """The same request, which raises TooLarge as soon as more than that many bytes of body have come.

    A form without its end raises InvalidInput: the parser would leave out its last part without a word.
    """
    count, tail = 0, b""
    _, options = parse_options_header(request.headers.get("content-type", ""))
    end = b"--" + options[b"boundary"] + b"--" if b"boundary" in options else b""
    error = TooLarge(
        f"The request is larger than {stated_bytes / 1e6:g} MB.",
        expected=f"at most {stated_bytes:,} bytes",
        hint="The operator can raise ATELIER_MAX_UPLOAD_MB.",
    )
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit_bytes:
        raise error

    async def receive() -> Message:
        nonlocal count, tail
        message = await request.receive()
        body: bytes = message.get("body", b"")
        count, tail = count + len(body), (tail + body[-1024:])[-1024:]
        if count > limit_bytes:
            raise error
        if message["type"] == "http.request" and not message.get("more_body") and end not in tail:
            raise InvalidInput("The form is cut off.", expected="a form that ends with its closing boundary")
        return message

    return Request(request.scope, receive)
