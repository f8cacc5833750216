"""One demo alone, as `python -m surfaces.demos TASK` serves it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urljoin

import pytest
from starlette.testclient import TestClient

from studio.runtime import Runtime
from studio.settings import Settings
from surfaces.demos.__main__ import build, main
from tests.contract.cases import CATALOGUE
from tests.contract.checks import check_error

HERE = "http://127.0.0.1:7860"


@pytest.mark.parametrize("base_path", ["", "/studio"])
def test_the_root_leads_to_the_demo_and_its_fonts_are_there(
    make_runtime: Callable[..., Runtime], base_path: str
) -> None:
    app = build(make_runtime(CATALOGUE, base_path=base_path), "specimen_stream")
    with TestClient(app, base_url=HERE) as visitor:
        page = visitor.get(f"{base_path}/")
        assert page.status_code == 200
        assert page.url.path == f"{base_path}/demos/specimen_stream/"
        (font, *_) = [
            found for found in re.findall(r"url\(\\?[\"']?([^\"')\\]+\.woff2)", page.text) if "Source" in found
        ]
        assert visitor.get(urljoin(str(page.url), font)).headers["content-type"] == "font/woff2"
        assert visitor.get(f"{base_path}/readyz").status_code == 200


def test_other_demos_and_what_is_shut_are_not_there(make_runtime: Callable[..., Runtime]) -> None:
    with TestClient(build(make_runtime(CATALOGUE), "specimen_stream"), base_url=HERE) as visitor:
        for address in ("specimen_echo/", "specimen_stream/monitoring", "specimen_stream/gradio_api/file=http://a.b/"):
            answer = visitor.get(f"/demos/{address}")
            assert answer.status_code == 404
            check_error(answer.json(), None)


def test_off_the_loopback_address_a_token_is_asked_for(make_runtime: Callable[..., Runtime]) -> None:
    settings = Settings(host="0.0.0.0").with_token()
    (token,) = settings.tokens
    assert len(token) >= 32
    runtime = make_runtime(CATALOGUE, host=settings.host, token=token)
    with TestClient(build(runtime, "specimen_stream"), base_url="http://studio.example") as visitor:
        assert visitor.get("/demos/specimen_stream/").status_code == 401
        assert visitor.get(f"/?token={token}").status_code == 200
    assert Settings(host="0.0.0.0", public=True).with_token().tokens == ()
    assert Settings().with_token().tokens == ()


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["face_verification", "digit_recognition"]])
def test_without_the_name_of_a_task_it_says_how_to_call_it(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "face_verification" in capsys.readouterr().err or arguments == ["nothing"]
