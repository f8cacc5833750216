"""The one handle from the pages to the studio: Streamlit runs a script without arguments."""

from __future__ import annotations

import streamlit as st

from studio.runtime import Runtime
from surfaces.identity import owner_of_cookie


class _Host:
    """Holds what `app.py` hands over; a page reads it at each run."""

    runtime: Runtime | None = None


_host = _Host()


def connect(runtime: Runtime) -> None:
    """Show this studio; called once by the composition root, before the first page is served."""
    _host.runtime = runtime


def runtime() -> Runtime:
    """The studio that the pages show."""
    if _host.runtime is None:
        raise RuntimeError("no studio is connected: pages are served by app.py")
    return _host.runtime


def owner() -> str:
    """Whose browser session this is."""
    return owner_of_cookie(dict(st.context.cookies))


def here(path: str) -> str:
    """An absolute path of the studio, as a link to it must name it: "/studio/docs" behind a proxy at /studio."""
    return runtime().settings.base_path + path


def address() -> str:
    """Where the visitor reached this studio: "http://127.0.0.1:7860", or "https://example.org/studio"."""
    scheme, _, rest = (st.context.url or "").partition("://")
    settings = runtime().settings
    origin = f"{scheme}://{rest.partition('/')[0]}" if rest else f"http://{settings.host}:{settings.port}"
    return origin + settings.base_path
