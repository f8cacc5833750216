"""Face verification as a visitor meets it: uploads, the webcam, live, errors, and the tabs beside the demo."""

from __future__ import annotations

import zipfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from tests.browser.visitor import FACES, Visitor

TASK = "face_verification"
HOPPER = FACES / "hopper.jpg"
HOPPER_AGAIN = FACES / "hopper_mirrored_darker.jpg"
COLLINS = FACES / "collins.jpg"


def test_two_uploaded_photographs_get_a_verdict_and_a_download(visitor: Visitor) -> None:
    visitor.open_task(TASK)
    visitor.give_picture("first", HOPPER)
    visitor.give_picture("second", HOPPER_AGAIN)
    visitor.run()
    expect(visitor.readout).to_contain_text("The same person")
    distance = float(visitor.readout.locator("div", has_text="Distance").locator("dd").inner_text())
    assert 0 < distance < 0.53
    for output in ("first_face", "second_face"):
        picture = visitor.demo.locator(f"#output-{output} img")
        expect(picture).to_be_visible()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") > 0
    expect(visitor.status).to_contain_text("on cpu")
    with visitor.page.expect_download() as download:
        visitor.download_link.click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        assert any(name.endswith(".json") for name in archive.namelist())
        assert sum(name.endswith((".png", ".jpg")) for name in archive.namelist()) >= 2


def test_different_people_are_told_apart_and_the_api_tab_shows_that_call(visitor: Visitor) -> None:
    visitor.open_task(TASK)
    visitor.demo.get_by_role("button", name="Two different people").click()
    expect(visitor.readout).to_contain_text("Different people")
    visitor.page.get_by_role("tab", name="API").click()
    expect(visitor.page.get_by_text("Your last call, done in")).to_be_visible()
    curl = visitor.page.get_by_test_id("stCode").locator("visible=true")
    expect(curl).to_contain_text("first=@hopper.jpg")
    expect(curl).to_contain_text("second=@collins.jpg")
    expect(curl).to_contain_text(f"{visitor.page.url.rpartition('/')[0]}/api/v1/tasks/{TASK}/run")


def test_a_snapshot_of_the_webcam_is_compared(visitor: Visitor) -> None:
    visitor.open_task(TASK)
    visitor.give_picture("first", HOPPER)
    visitor.field("second").get_by_text("Click to Access Webcam").click()
    visitor.field("second").get_by_label("capture photo").click()
    expect(visitor.field("second").locator("img").locator("visible=true")).to_have_count(1)
    visitor.run()
    expect(visitor.readout).to_contain_text("The same person")


def test_a_text_renamed_jpg_is_refused_in_words(visitor: Visitor, tmp_path: Path) -> None:
    fake = tmp_path / "holiday.jpg"
    fake.write_text("Dear diary, this is no picture.\n")
    visitor.open_task(TASK)
    visitor.give("first", fake)
    visitor.give_picture("second", HOPPER)
    error = visitor.run_into_error()
    expect(error).to_contain_text("First picture")
    expect(error).to_contain_text("Expected")
    assert "Traceback" not in visitor.text()
    expect(visitor.run_button).to_be_enabled()


def test_a_picture_without_a_face_is_named_with_a_hint_and_the_next_run_works(visitor: Visitor, tmp_path: Path) -> None:
    plain = tmp_path / "plain.png"
    Image.new("RGB", (400, 300), (120, 150, 90)).save(plain)
    visitor.open_task(TASK)
    visitor.give_picture("first", HOPPER)
    visitor.give_picture("second", plain)
    error = visitor.run_into_error()
    expect(error).to_contain_text("No face was found in the second picture.")
    expect(error).to_contain_text("Use a picture in which the face is larger")
    assert "Traceback" not in visitor.text()
    visitor.demo.get_by_role("button", name="One photograph, mirrored and darker").click()
    expect(visitor.readout).to_contain_text("The same person")
    expect(visitor.demo.get_by_role("alert")).to_have_count(0)


def test_the_model_card_and_the_explanation_have_content(visitor: Visitor) -> None:
    visitor.open_task(TASK)
    visitor.page.get_by_role("tab", name="Model card").click()
    card = visitor.page.get_by_role("tabpanel").locator("visible=true")
    for fact in ("Licence", "CC0-1.0", "Measured", "python -m bench.quality faces", "Bad at"):
        expect(card).to_contain_text(fact)
    visitor.page.get_by_role("tab", name="How it works").click()
    expect(card).to_contain_text("Align")
    expect(card.get_by_role("link", name="dlib, King 2009")).to_have_attribute(
        "href", "https://jmlr.org/papers/v10/king09a.html"
    )
