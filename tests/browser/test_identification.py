"""Face identification: enrolling with consent, finding people, and a gallery that is the visitor's own."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.visitor import FACES, Visitor

TASK = "face_identification"
ENROL, GALLERY = "Enrol a person", "Your gallery"
BOTH = FACES / "hopper_and_collins.jpg"


def enrol(visitor: Visitor, name: str, *photographs: str, consent: bool = True) -> None:
    """Fill in the form for enrolment."""
    visitor.choose_tab(ENROL)
    visitor.write("name", name)
    visitor.give("photographs", *(FACES / photograph for photograph in photographs))
    for photograph in photographs:
        expect(visitor.field("photographs")).to_contain_text(photograph.removesuffix(".jpg"))
    visitor.field("consent").get_by_role("checkbox").set_checked(consent)


def identify(visitor: Visitor) -> str:
    """Look for people in the picture of two; what the table of people says."""
    visitor.choose_tab("Picture")
    visitor.give_picture("image", BOTH)
    visitor.run()
    people = visitor.demo.locator("[id$='output-people']").locator("visible=true")
    expect(people.get_by_role("row").filter(has_text="unknown")).not_to_have_count(0)
    return people.inner_text()


def gallery(visitor: Visitor, action: str = "list", **fields: str) -> None:
    """Do something with the gallery."""
    visitor.choose_tab(GALLERY)
    visitor.field("action").get_by_label(action).check()
    for name, text in fields.items():
        visitor.write(name, text)
    visitor.run()


def test_a_person_is_enrolled_found_renamed_and_deleted(visitor: Visitor) -> None:
    visitor.open_task(TASK)
    enrol(visitor, "Grace Hopper", "hopper.jpg", "hopper_mirrored_darker.jpg")
    visitor.run()
    expect(visitor.readout).to_contain_text("Grace Hopper")
    expect(visitor.demo.locator("[id$='output-faces'] img").locator("visible=true")).not_to_have_count(0)
    people = identify(visitor)
    assert "Grace Hopper" in people
    assert "unknown" in people
    gallery(visitor)
    expect(visitor.readout).to_contain_text("1 person enrolled.")
    gallery(visitor, "rename", name="Grace Hopper", new_name="Amazing Grace")
    expect(visitor.readout).to_contain_text("Grace Hopper is now Amazing Grace.")
    assert "Amazing Grace" in identify(visitor)
    gallery(visitor, "delete", name="Amazing Grace")
    expect(visitor.readout).to_contain_text("Amazing Grace and all photographs of theirs are deleted.")
    assert "Grace" not in identify(visitor)


def test_without_consent_nobody_is_enrolled(visitor: Visitor) -> None:
    visitor.open_task(TASK)
    enrol(visitor, "Grace Hopper", "hopper.jpg", consent=False)
    error = visitor.run_into_error()
    expect(error).to_contain_text("consent")
    gallery(visitor)
    expect(visitor.readout).to_contain_text("Nobody is enrolled yet.")


def test_another_visitor_does_not_see_the_gallery(visitors: Callable[..., Visitor]) -> None:
    somebody, somebody_else = visitors(), visitors()
    somebody.open_task(TASK, tab=ENROL)
    somebody.demo.get_by_role("button", name="Grace Hopper, two photographs").click()
    expect(somebody.download_link).to_be_visible()
    somebody_else.open_task(TASK)
    assert "Grace Hopper" not in identify(somebody_else)
    gallery(somebody_else)
    expect(somebody_else.readout).to_contain_text("Nobody is enrolled yet.")
    assert "Grace Hopper" in identify(somebody)
