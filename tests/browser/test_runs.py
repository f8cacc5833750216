"""Runs: cancelled, found again after a reload, and seen on the system page."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.visitor import Visitor

TASK = "specimen_stream"


def start(visitor: Visitor, steps: int, pause_s: float) -> None:
    """Start a run that answers in steps, and wait until it has begun."""
    visitor.open_task(TASK)
    visitor.set_number("steps", steps)
    visitor.set_number("pause_s", pause_s)
    visitor.run_button.click()
    expect(visitor.status).to_contain_text(f"of {steps}")


def test_a_run_is_cancelled_and_another_can_be_started(visitor: Visitor) -> None:
    start(visitor, steps=900, pause_s=0.1)
    expect(visitor.run_button).to_be_hidden()
    visitor.cancel_button.click()
    expect(visitor.status).to_contain_text("Cancelled; what was done is shown")
    expect(visitor.run_button).to_be_visible()
    expect(visitor.cancel_button).to_be_hidden()
    visitor.set_number("steps", 2)
    visitor.run()
    expect(visitor.readout).to_contain_text("1 2")


def test_a_reload_in_the_middle_finds_the_run_again(visitor: Visitor) -> None:
    start(visitor, steps=40, pause_s=0.2)
    visitor.page.reload()
    expect(visitor.demo.locator(".status.running")).to_contain_text("of 40")
    expect(visitor.cancel_button).to_be_visible()
    expect(visitor.demo.locator(".status.done")).to_contain_text("run at")
    expect(visitor.readout).to_contain_text(" ".join(str(step) for step in range(1, 41)))
    expect(visitor.field("steps").locator("input[type=number]")).to_have_value("40")
    expect(visitor.run_button).to_be_visible()


def test_a_run_is_cancelled_from_the_system_page(visitor: Visitor) -> None:
    start(visitor, steps=900, pause_s=0.1)
    visitor.page.goto("/system")
    run = visitor.page.locator('[class*="st-key-job-"]')
    expect(run).to_contain_text("running")
    run.get_by_role("button", name="Cancel").click()
    expect(run).to_contain_text("cancelled")
    run.get_by_role("button", name="Forget").click()
    expect(run).to_have_count(0)


def test_the_system_page_shows_a_loaded_model_and_unloads_it(visitor: Visitor) -> None:
    visitor.open_task("face_verification")
    visitor.demo.get_by_role("button", name="Two different people").click()
    expect(visitor.readout).to_contain_text("Different people")
    visitor.page.goto("/system")
    model = visitor.page.locator('[class*="st-key-model-"]', has_text="dlib ResNet")
    expect(model).to_contain_text(re.compile(r"CPU · \d+ MB"))
    model.get_by_role("button", name="Unload").click()
    expect(model).to_have_count(0)
    expect(visitor.page.get_by_text("Python 3.")).to_be_visible()


def test_a_run_is_found_on_the_runs_page_opened_and_repeated(visitor: Visitor) -> None:
    visitor.open_task(TASK)
    visitor.set_number("steps", 3)
    visitor.run()
    expect(visitor.readout).to_contain_text("1 2 3")
    visitor.page.goto("/runs")
    rows = visitor.page.locator('[class*="st-key-row-run-"]')
    expect(rows.first).to_contain_text("steps 3")
    rows.first.get_by_role("link").click()
    visitor.page.wait_for_url(re.compile(r"/runs\?run=[0-9a-f]{32}$"))
    first = visitor.page.url
    expect(visitor.readout).to_contain_text("1 2 3")
    expect(visitor.field("steps").locator("input[type=number]")).to_have_value("3")
    visitor.page.get_by_role("button", name="Repeat").click()
    expect(visitor.page).not_to_have_url(first)
    expect(visitor.readout).to_contain_text("1 2 3")
    visitor.page.goto("/runs")
    expect(rows).to_have_count(2)
