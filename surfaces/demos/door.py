"""What of a demo can be reached from outside: the addresses that its page and its clients use, and no other.

Gradio brings more than the studio needs: a proxy for other addresses, a monitoring page, histories and links that keep
a session's state. A session's events are told to the owner who opened it alone.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from urllib.parse import parse_qs, unquote

from starlette.datastructures import Headers
from starlette.types import Scope

from studio.errors import AtelierError, NotFound, TooLarge
from surfaces.identity import owner_of_headers

#: the addresses below /demos/<task>/ that answer
_ADDRESSES = re.compile(
    r"""
    (config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|login_check)?/?   # the page and what describes it
    | (assets|static|svelte)/.+                                                  # the front end's own files
    | gradio_api/(
        (info|openapi\.json|app_id|startup-events|login_check)/?                 # what the demo can do
        | (upload|upload_progress|component_server|cancel|reset|queue/join|queue/data)/?
        | (call|run|api)/.+
        | heartbeat/[\w-]+
        | file=(?![a-z][a-z0-9+.-]*:).+                                          # a path, never an address elsewhere
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HEARTBEAT = re.compile(r"gradio_api/heartbeat/([\w-]+)")
_SESSIONS = 10_000


class Door:
    """Decides about the requests to the demos.

    Args:
        upload_bytes: the most that one request may send.
    """

    def __init__(self, upload_bytes: int) -> None:
        self._upload_bytes = upload_bytes
        self._body_bytes = upload_bytes * 4 // 3 + 65_536  # a webcam's frame comes as a data URL
        self._owners: OrderedDict[str, str] = OrderedDict()  # by session, the least recently seen first

    def refusal(self, scope: Scope, address: str) -> AtelierError | None:
        """Why a request is not answered, or None.

        Args:
            address: the path below `/demos/<task>/`.
        """
        if not _ADDRESSES.fullmatch(unquote(address)):
            return NotFound(
                "There is nothing at this address.", got=address[:80], hint="/docs describes all addresses."
            )
        headers = Headers(scope=scope)
        session = _session(scope, address)
        if session and self._owner(session, owner_of_headers(headers)) != owner_of_headers(headers):
            return NotFound("There is no such session.", hint="Open the demo's page again.")
        if scope["method"] == "POST":
            return self._too_large(headers.get("content-length", ""))
        return None

    def _owner(self, session: str, asking: str) -> str:
        """Who opened a session: whoever asked for it first."""
        owner = self._owners.setdefault(session, asking)
        self._owners.move_to_end(session)
        while len(self._owners) > _SESSIONS:
            self._owners.popitem(last=False)
        return owner

    def _too_large(self, length: str) -> TooLarge | None:
        if length.isdigit() and int(length) <= self._body_bytes:
            return None
        return TooLarge(
            f"The request is larger than {self._upload_bytes / 1e6:g} MB, or does not say how large it is.",
            expected=f"a Content-Length of at most {self._body_bytes:,} bytes",
            got=length[:20] or "none",
            hint="The operator can raise ATELIER_MAX_UPLOAD_MB.",
        )


def _session(scope: Scope, address: str) -> str:
    """The session whose events a request wants to hear, or "": Gradio's pages and clients make its name up."""
    beat = _HEARTBEAT.fullmatch(address.strip("/"))
    if beat:
        return str(beat[1])
    if address.strip("/") != "gradio_api/queue/data":
        return ""
    query: bytes = scope.get("query_string", b"")
    return parse_qs(query.decode("latin-1")).get("session_hash", [""])[0]
