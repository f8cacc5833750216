"""What a browser asked for and complained about, and what of it is none of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

#: (pattern over "text @ address", why it is no fault of the studio)
ALLOWED = (
    (
        r"^Failed to load resource.* 404 .*/_stcore/(health|host-config)$",
        "on a page with a path Streamlit's front end first tries this address below the path, then the right one",
    ),
    (
        r"^Failed to load resource.* 404 .*/gradio_api/upload_progress\?upload_id=$",
        "Gradio's picture field asks for the progress of an upload before it has given it an id",
    ),
    (
        r"^(AbortError: signal is aborted|Unexpected error Connection errored out).*/demos/\w+/assets/",
        "Gradio's front end logs that leaving the page ends the stream of a run",
    ),
    (r"^(Response|Event) @ .*/demos/\w+/assets/", "Gradio's front end logs the answer to the request above"),
)


@dataclass
class Traffic:
    """The requests and console errors of the browser contexts it watches.

    Attributes:
        host: host and port of the studio.
        requests: the address of every request, those of frames, workers and web sockets included.
        errors: "text @ address" of every console error and uncaught exception.
    """

    host: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Note everything from now on; called before the first page is opened."""
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("console", self._note)
        context.on("weberror", lambda error: self.errors.append(f"uncaught: {error.error}"))
        context.on("page", self._watch_page)

    def forget(self) -> None:
        """Start anew."""
        self.requests.clear()
        self.errors.clear()

    def _watch_page(self, page: Page) -> None:
        page.on("websocket", lambda socket: self.requests.append(socket.url))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} @ {message.location['url']}")

    @property
    def outside(self) -> list[str]:
        """Requests that leave the host."""
        return outside(self.requests, self.host)

    @property
    def faults(self) -> list[str]:
        """Console errors that nothing excuses."""
        return [error for error in self.errors if not _excused(error)]


def outside(addresses: Iterable[str], host: str) -> list[str]:
    """The addresses that are neither on the host nor inside the page itself."""
    return [
        address
        for address in addresses
        if urlsplit(address.removeprefix("blob:")).netloc != host and not address.startswith(("data:", "about:"))
    ]


def _excused(error: str) -> bool:
    return any(re.search(pattern, error, re.DOTALL) for pattern, _ in ALLOWED)
