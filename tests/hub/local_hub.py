"""A model hub on the loopback address, as the real `huggingface_hub` client sees one, that can misbehave.

`python -m tests.hub.local_hub` is not needed: tests start it in a thread with `LocalHub`.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from studio.downloads import Downloads
from studio.weights import Shelf, Weights

REVISION = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "atelier/tiny"
_SITE = "/models/"  # below it the same files are at plain addresses, as on a publisher's own site
_ADDRESS = re.compile(r"/(?P<repository>[\w.-]+/[\w.-]+)/resolve/(?P<revision>[0-9a-f]{40})/(?P<path>[\w./-]+)")


@dataclass
class Faults:
    """What goes wrong, and how often.

    Attributes:
        cut_at: fraction of the file after which the connection is cut.
        cuts: how many times; the hub behaves afterwards.
        errors: how many requests are answered with status 500.
        status: answered to every request, if set.
        bytes_per_s: the speed, 0 for all at once.
        ranges: whether a download can be continued.
    """

    cut_at: float = 0.0
    cuts: int = 0
    errors: int = 0
    status: int = 0
    bytes_per_s: float = 0.0
    ranges: bool = True


@dataclass
class LocalHub:
    """Serves `files` (path to content) of one repository at one revision. A context manager.

    Attributes:
        requests: (method, path, first byte asked for) in order.
        sent: bytes of content sent.
    """

    files: dict[str, bytes]
    faults: Faults = field(default_factory=Faults)
    requests: list[tuple[str, str, int]] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    tokens: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> LocalHub:
        hub = self

        class Handler(_Handler):
            local = hub

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def site(self) -> str:
        """Where the files are at plain addresses."""
        return self.url + _SITE

    def row(self, names: Mapping[str, str] | None = None, **changes: Any) -> str:
        """weights.toml with a row "net" that pins all files as they are, or with changed facts.

        Args:
            names: path to name, of files that are not named as their path is.
        """
        where = {} if "site" in changes else {"repository": REPOSITORY, "revision": REVISION}
        facts = {"kind": "hub", **where, "licence": "MIT", "source": "tests"}
        lines = ["[net]", *(f'{name} = "{value}"' for name, value in (facts | changes).items())]
        for path, content in self.files.items():
            name = (names or {}).get(path) or re.sub(r"\W", "_", path.rpartition(".")[0])
            digest = hashlib.sha256(content).hexdigest()
            lines.append(f'[net.files.{name}]\npath = "{path}"\nsha256 = "{digest}"\nbytes = {len(content)}')
        return "\n".join(lines) + "\n"

    def gets(self, path: str) -> list[int]:
        """The first bytes asked for, of each GET of a file."""
        return [start for method, asked, start in self.requests if method == "GET" and asked == path]


def pulled(
    hub: LocalHub, folder: Path, files: dict[str, bytes], names: Mapping[str, str] | None = None, **changes: Any
) -> Weights:
    """Weights with these files, fetched from the hub by the real client; their row is written into the folder."""
    hub.files.clear()
    hub.files |= files
    (folder / "weights.toml").write_text(hub.row(names, **changes))
    shelf = Shelf(folder, Downloads())
    download = shelf.pull(folder, "net")
    assert download.wait(60)
    assert download.error is None
    return shelf.resolve(folder, "net")


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients here hang up on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    local: LocalHub

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its base class names it
        pass

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        hub, faults = self.local, self.local.faults
        match = _ADDRESS.fullmatch(self.path)
        plain = self.path.startswith(_SITE)
        path = match["path"] if match else self.path.removeprefix(_SITE)
        start = self._start() if faults.ranges else 0
        with hub.lock:
            hub.requests.append((self.command, path, start))
            hub.tokens.append(self.headers.get("authorization", ""))
            failing = faults.errors > 0
            faults.errors -= failing
        if failing or faults.status:
            return self._error(faults.status or 500)
        if not plain and (match is None or match["repository"] != REPOSITORY):
            return self._error(404, "RepoNotFound")
        if match is not None and match["revision"] != REVISION:
            return self._error(404, "RevisionNotFound")
        if path not in hub.files:
            return self._error(404, "EntryNotFound")
        content = hub.files[path]
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if with_body:
            self._send(path, content, start)
        return None

    def _start(self) -> int:
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        return int(match[1]) if match else 0

    def _error(self, status: int, code: str = "") -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, path: str, content: bytes, start: int) -> None:
        hub, faults = self.local, self.local.faults
        with hub.lock:
            cut = faults.cuts > 0
            faults.cuts -= cut
        end = max(start, round(len(content) * faults.cut_at)) if cut else len(content)
        step = 16_384
        try:
            for at in range(start, end, step):
                piece = content[at : min(at + step, end)]
                self.wfile.write(piece)
                hub.sent[path] += len(piece)
                if faults.bytes_per_s:
                    time.sleep(len(piece) / faults.bytes_per_s)
        except (BrokenPipeError, ConnectionResetError):
            pass
        if end < len(content):
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
