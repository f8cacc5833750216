"""Whose call it is, and who is let in: the owner cookie, API keys, the access token."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from studio.runtime import Runtime
from surfaces import rest
from surfaces.identity import ACCESS_COOKIE, COOKIE, Identity, owner_of_headers
from tests.contract.cases import CATALOGUE
from tests.contract.checks import check_error
from tests.contract.places import Studio

STREAM = "/api/v1/tasks/specimen_stream/run"
ONE = {"inputs": {"steps": 1}}


@pytest.fixture
def browser(studio: Studio) -> TestClient:
    """A visitor who has never been here."""
    return TestClient(Identity(rest.build(studio.runtime)))


@pytest.fixture
def guarded(make_runtime: Callable[..., Runtime]) -> TestClient:
    """A studio that asks for one of two tokens; redirects are not followed."""
    app = Identity(rest.build(make_runtime(CATALOGUE)), tokens=("first-token", "second-token"))
    return TestClient(app, follow_redirects=False)


def jobs(client: TestClient, **headers: str) -> list[Any]:
    return list(client.get("/api/v1/jobs", headers=headers).json()["jobs"])


def test_the_first_visit_gives_a_cookie_that_stays(browser: TestClient) -> None:
    first = browser.post(STREAM, json=ONE)
    given = first.headers["set-cookie"]
    assert re.fullmatch(rf"{COOKIE}=[0-9a-f]{{64}}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", given), given
    again = browser.get("/api/v1/jobs")
    assert "set-cookie" not in again.headers
    assert [job["job"] for job in again.json()["jobs"]] == [first.json()["job"]], "the first call was the owner's too"


@pytest.mark.parametrize("forged", ["short", "Z" * 64, "0" * 65, '"; drop'])
def test_a_cookie_that_was_not_given_here_is_replaced(browser: TestClient, forged: str) -> None:
    answer = browser.get("/healthz", headers={"cookie": f"{COOKIE}={forged}; other=1"})
    assert re.match(rf"{COOKIE}=[0-9a-f]{{64}};", answer.headers["set-cookie"])


def test_the_cookie_is_secure_behind_https(browser: TestClient) -> None:
    answer = browser.get("/healthz", headers={"x-forwarded-proto": "https"})
    assert answer.headers["set-cookie"].endswith("; Secure")


def test_two_browsers_are_two_owners(studio: Studio, browser: TestClient) -> None:
    browser.post(STREAM, json=ONE)
    assert jobs(TestClient(Identity(rest.build(studio.runtime)))) == []
    assert len(jobs(browser)) == 1


def test_a_key_is_an_owner_wherever_it_is_used(studio: Studio, browser: TestClient, key: dict[str, str]) -> None:
    job = browser.post(STREAM, json=ONE, headers=key).json()["job"]
    assert jobs(browser) == [], "the browser that sent the key is another owner"
    elsewhere = TestClient(Identity(rest.build(studio.runtime)))
    assert [listed["job"] for listed in jobs(elsewhere, **key)] == [job]


def test_an_owners_name_does_not_tell_the_secret() -> None:
    secret = "0123456789abcdef" * 4
    for headers in ({"cookie": f"{COOKIE}={secret}"}, {"authorization": f"Bearer {secret}"}):
        owner = owner_of_headers(headers)
        assert secret[:16] not in owner
        assert owner != "anonymous"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"cookie": f"{ACCESS_COOKIE}=wrong"}])
@pytest.mark.parametrize("address", ["/api/v1/tasks", "/metrics", "/openapi.json", "/docs", "/nothing"])
def test_without_the_token_nothing_is_shown(guarded: TestClient, headers: dict[str, str], address: str) -> None:
    answer = guarded.get(address, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    check_error(answer.json(), None)
    assert "first-token" not in answer.text


def test_without_the_token_nothing_runs(guarded: TestClient) -> None:
    assert guarded.post(STREAM, json=ONE).status_code == 401


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_health_is_free(guarded: TestClient, address: str) -> None:
    assert guarded.get(address).status_code == 200


@pytest.mark.parametrize("token", ["first-token", "second-token"])
def test_a_program_sends_the_token(guarded: TestClient, token: str) -> None:
    assert guarded.post(STREAM, json=ONE, headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_a_browser_comes_with_the_token_once(guarded: TestClient) -> None:
    answer = guarded.get("/api/v1/tasks?token=first-token&x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/api/v1/tasks?x=1")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{ACCESS_COOKIE}=")
    assert "HttpOnly" in cookie
    assert "first-token" not in cookie
    assert guarded.get("/api/v1/tasks").status_code == 200


def test_a_wrong_token_in_the_address_gives_no_cookie(guarded: TestClient) -> None:
    answer = guarded.get("/api/v1/tasks?token=wrong")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_a_browser_without_the_token_is_asked_for_it(guarded: TestClient) -> None:
    answer = guarded.get("/", headers={"accept": "text/html"})
    assert answer.status_code == 401
    assert 'name="token"' in answer.text
    assert "http" not in answer.text, "the page loads nothing from elsewhere"


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example/?token=first-token",
        "/\\\\evil.example/?token=first-token",
        "/%0d%0aset-cookie:a=b?token=first-token",
    ],
)
def test_the_redirect_stays_here(guarded: TestClient, address: str) -> None:
    answer = guarded.get(f"http://testserver{address}")
    location = answer.headers["location"]
    assert not location.startswith(("//", "/\\", "http"))
    assert "\n" not in location
    assert "a=b" not in answer.headers["set-cookie"]
