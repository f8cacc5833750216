"""nginx in front of a studio, with the configuration that deploy/nginx.conf gives to operators."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.conftest import ROOT

BASE_PATH = "/studio"
_MAIN = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
    server {{ listen 127.0.0.1:{port}; {locations} }}
}}
"""


@contextmanager
def nginx(folder: Path, studio_url: str, *, strips: bool, forwards_host: bool = False) -> Iterator[str]:
    """Run nginx in front of the studio; the address under which visitors reach it.

    Args:
        strips: whether the studio is asked without the base path.
        forwards_host: whether the visitor's host is told in `X-Forwarded-Host` instead of `Host`.
    """
    executable = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert executable, "these tests need nginx: run make tools"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    upstream = f"proxy_pass {studio_url}{'/' if strips else ''};"
    locations = (ROOT / "deploy" / "nginx.conf").read_text()
    assert "proxy_pass http://127.0.0.1:7860/;" in locations
    locations = locations.replace("proxy_pass http://127.0.0.1:7860/;", upstream)
    if forwards_host:
        host = f"proxy_set_header Host {urlsplit(studio_url).netloc}; proxy_set_header X-Forwarded-Host $http_host;"
        locations = locations.replace("proxy_set_header Host $http_host;", host)
    configuration = folder / "nginx.conf"
    configuration.write_text(_MAIN.format(folder=folder, port=port, locations=locations))
    process = subprocess.Popen([executable, "-p", str(folder), "-c", str(configuration)])
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}{BASE_PATH}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + 10
    while True:
        assert process.poll() is None, "nginx did not start"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until_s, "nginx does not listen"
            time.sleep(0.05)
        else:
            return
