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


def origin() -> str:
    """Scheme, host and port under which the visitor reached this page, "http://127.0.0.1:7860" say."""
    scheme, _, rest = (st.context.url or "").partition("://")
    settings = runtime().settings
    return f"{scheme}://{rest.partition('/')[0]}" if rest else f"http://{settings.host}:{settings.port}"
