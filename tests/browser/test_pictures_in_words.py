"""Pictures put into words, asked about and found again."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.visitor import Visitor

BACKENDS = Path(__file__).parents[2] / "backends"
RECEIPT = BACKENDS / "vqa" / "examples" / "receipt.png"
PICTURES = BACKENDS / "search" / "examples" / "pictures"


def test_a_receipt_is_asked_several_things_and_shows_what_the_answers_rest_on(visitor: Visitor) -> None:
    visitor.open_task("visual_question_answering")
    visitor.give_picture("image", RECEIPT)
    visitor.write("question", "What is the total?\nWhich company?\nWhat does the moon weigh?")
    visitor.run()
    text = visitor.text()
    assert "32.28" in text
    assert "THE BLUE TEAPOT" in text
    assert "weigh" in text
    expect(visitor.demo.locator("#output-picture img").first).to_be_visible()
    visitor.write("question", "   ")
    assert "Ask something." in visitor.run_into_error().inner_text()


def test_a_photograph_is_described_by_what_was_measured(visitor: Visitor) -> None:
    visitor.open_task("image_captioning")
    visitor.give_picture("image", PICTURES / "astronaut.jpg")
    visitor.run()
    assert "face" in visitor.readout.first.inner_text()


def test_own_pictures_are_added_found_by_words_and_compared(visitor: Visitor) -> None:
    visitor.open_task("image_search", "Add pictures")
    visitor.write("collection", "Pile")
    visitor.give("pictures", *(PICTURES / name for name in ("cat.jpg", "cat_again.jpg", "circle.png", "sign.png")))
    visitor.run()
    assert "4" in visitor.readout.first.inner_text()
    visitor.choose_tab("Image search")
    visitor.write("collection", "Pile")
    visitor.write("query", "a red circle")
    visitor.run()
    found = visitor.demo.locator("[id$='output-pictures'] img").locator("visible=true")
    assert 1 <= found.count() <= 4
    assert "circle.png" in visitor.text()
    visitor.choose_tab("Near duplicates")
    visitor.write("collection", "Pile")
    visitor.run()
    text = visitor.text()
    assert "cat_again.jpg" in text
    visitor.page.reload()  # a collection survives
    visitor.demo_is_ready()
    visitor.write("collection", "Pile")
    visitor.give_picture("example", PICTURES / "cat.jpg")
    visitor.run()
    assert "cat_again.jpg" in visitor.text()
