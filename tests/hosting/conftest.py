"""A studio below a path, and nginx in front of it, in each way that a proxy may be set up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.places import Server, start
from tests.hosting.nginx import BASE_PATH, nginx

#: how the proxy hands requests on: the base path stripped or not, the host in Host or in X-Forwarded-Host
WAYS = {
    "stripped": {"strips": True, "forwards_host": False},
    "whole": {"strips": False, "forwards_host": False},
    "forwarded_host": {"strips": True, "forwards_host": True},
}


@pytest.fixture(scope="package")
def studio_below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The studio, told that visitors see it below a path."""
    server = start(tmp_path_factory.mktemp("below"), ATELIER_BASE_PATH=BASE_PATH)
    yield server
    server.process.terminate()
    server.process.wait(20)


@pytest.fixture(scope="package", params=WAYS.values(), ids=WAYS.keys())
def proxied(
    request: pytest.FixtureRequest, studio_below: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address under which visitors see it."""
    with nginx(tmp_path_factory.mktemp("nginx"), studio_below.url, **request.param) as address:
        yield address
