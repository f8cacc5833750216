"""A visitor of a studio that nginx shows below a path: pages, websocket, demo, upload, result."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import studio
from tests.browser.traffic import Traffic
from tests.browser.visitor import FACES, Visitor
from tests.hosting.nginx import BASE_PATH, nginx

TASK = "face_verification"


@pytest.fixture
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address under which visitors see the studio."""
    folder = tmp_path_factory.mktemp("proxied")
    with studio(folder, ATELIER_BASE_PATH=BASE_PATH) as inside, nginx(folder, inside, strips=True) as address:
        yield address


def test_from_the_gallery_to_a_result_below_a_path(chromium: Browser, proxied: str) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    traffic = Traffic(urlsplit(proxied).netloc)
    traffic.watch(context)
    visitor = Visitor(context.new_page())
    visitor.page.goto(f"{proxied}/")
    visitor.cards.get_by_role("link", name="Face verification").click()
    visitor.page.wait_for_url(f"{proxied}/{TASK}")
    visitor.page.reload()
    visitor.demo_is_ready()
    visitor.give_picture("first", FACES / "hopper.jpg")
    visitor.give_picture("second", FACES / "hopper_mirrored_darker.jpg")
    visitor.run()
    expect(visitor.readout).to_contain_text("The same person")
    picture = visitor.demo.locator("#output-first_face img")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 0
    fonts = "document.fonts.ready.then(fonts => [...fonts].filter(font => font.status == 'loaded').length)"
    assert visitor.demo.locator("body").evaluate(fonts) > 0, "the demo's own typeface is not there"
    with visitor.page.expect_download() as download:
        visitor.download_link.click()
    assert download.value.url.startswith(f"{proxied}/api/v1/jobs/")
    visitor.page.get_by_role("tab", name="API").click()
    expect(visitor.page.get_by_test_id("stCode").locator("visible=true")).to_contain_text(
        f"{proxied}/api/v1/tasks/{TASK}/run"
    )
    reference = visitor.page.get_by_role("link", name="API reference")
    assert str(reference.evaluate("link => link.href")) == f"{proxied}/docs"
    context.close()
    assert f"{proxied}/_stcore/stream".replace("http:", "ws:") in traffic.requests
    assert traffic.outside == []
    assert traffic.faults == []
