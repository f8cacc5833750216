"""Pages of other sites, other names of this machine, and frames: what surfaces.guard lets through."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.settings import Settings
from surfaces.entrance import entrance
from tests.contract.checks import check_error

HERE = "http://127.0.0.1:7860"


def visitor(**settings: Any) -> TestClient:
    """A client of an application that answers everything, behind the studio's entrance."""

    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.url.path)

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    app = Starlette(
        routes=[WebSocketRoute("/socket", talk), Route("/{rest:path}", answer, methods=["GET", "POST"])],
        middleware=entrance(Settings(**settings)),
    )
    return TestClient(app, base_url=HERE)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": HERE}, 200),
        ({"sec-fetch-site": "same-origin", "origin": HERE}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:3000"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": HERE}, 403),
        ({"origin": "https://evil.example", "authorization": "Bearer key"}, 200),
    ],
)
def test_what_other_sites_send_is_refused(headers: dict[str, str], status: int) -> None:
    answer = visitor().post("/api/v1/anything", headers=headers)
    assert answer.status_code == status
    if status == 403:
        check_error(answer.json(), None)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, 200),
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, 200),
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "embed"}, 403),
        ({"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 403),
        ({"sec-fetch-mode": "cors"}, 403),
    ],
)
def test_a_link_from_another_site_may_be_followed(headers: dict[str, str], status: int) -> None:
    assert visitor().get("/", headers=headers | {"sec-fetch-site": "cross-site"}).status_code == status


def test_a_websocket_of_another_site_is_closed() -> None:
    with pytest.raises(WebSocketDisconnect), visitor().websocket_connect("/socket", headers={"origin": "http://evil"}):
        pass
    with visitor().websocket_connect(
        "ws://127.0.0.1:7860/socket", headers={"origin": HERE, "host": "127.0.0.1:7860"}
    ) as socket:
        with pytest.raises(WebSocketDisconnect) as ended:
            socket.receive_text()
        assert ended.value.code == 1000


@pytest.mark.parametrize(
    ("host", "forwarded", "status"),
    [
        ("127.0.0.1:7860", "", 200),
        ("localhost:7860", "", 200),
        ("[::1]:7860", "", 200),
        ("evil.example", "", 403),
        ("127.0.0.1.evil.example:7860", "", 403),
        ("evil.example", "127.0.0.1", 403),
        ("127.0.0.1:7860", "studio.example", 403),
    ],
)
def test_without_a_token_only_this_machine_is_let_in(host: str, forwarded: str, status: int) -> None:
    headers = {"host": host} | ({"x-forwarded-host": forwarded} if forwarded else {})
    answer = visitor().get("/api/v1/tasks", headers=headers)
    assert answer.status_code == status
    assert visitor().get("/healthz", headers=headers).status_code == 200
    if status == 403:
        check_error(answer.json(), None)
        assert "ATELIER_TOKEN" in answer.json()["hint"]


def test_with_a_token_or_in_public_any_name_will_do() -> None:
    there = {"host": "studio.example"}
    assert visitor(public=True).get("/", headers=there).status_code == 200
    assert visitor(token="a-token").get("/", headers=there | {"authorization": "Bearer a-token"}).status_code == 200
    assert visitor(host="0.0.0.0", public=True).get("/", headers=there).status_code == 200


def test_frames_are_the_studios_own_unless_the_operator_says_whose() -> None:
    closed = visitor().get("/")
    assert closed.headers["x-frame-options"] == "SAMEORIGIN"
    assert closed.headers["content-security-policy"].endswith("frame-ancestors 'self'")
    assert "SameSite=Lax" in closed.headers["set-cookie"]
    framed = visitor(framed_by="https://huggingface.co").get("/")
    assert "x-frame-options" not in framed.headers
    assert framed.headers["content-security-policy"].endswith("frame-ancestors 'self' https://huggingface.co")
    assert framed.headers["set-cookie"].endswith("SameSite=None; Secure; Partitioned")


@pytest.mark.parametrize("path", ["/studio/api/v1/tasks", "/api/v1/tasks"])
def test_the_path_is_the_same_whether_the_proxy_strips_it_or_not(path: str) -> None:
    assert visitor(base_path="/studio/").get(path).text == "/studio/api/v1/tasks"


def test_of_two_studios_on_one_host_each_has_its_own_cookie() -> None:
    inner, outer = "a" * 64, "b" * 64
    answer = visitor(base_path="/studio").get(
        "/studio/", headers={"cookie": f"atelier_owner={inner}; atelier_owner={outer}"}
    )
    assert "set-cookie" not in answer.headers
