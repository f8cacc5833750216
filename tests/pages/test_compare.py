"""Several models and several runs side by side, without a browser."""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest

from pages import host
from pages.results import first_picture
from studio.runtime import Runtime

OWNER = host.owner_of_cookie({})


@pytest.fixture
def connected(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """The runtime of the test, which the pages show."""
    monkeypatch.setattr(host, "_host", host._Host())
    host.connect(runtime)
    return runtime


def tab(name: str) -> AppTest:
    script = f"from pages import compare, host\ncompare.show_comparison(host.runtime().catalogue.task({name!r}))\n"
    return AppTest.from_string(script, default_timeout=30).run()


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in app.markdown)


def ended(runtime: Runtime, app: AppTest) -> AppTest:
    until_s = time.monotonic() + 10
    while runtime.jobs.unfinished():
        assert time.monotonic() < until_s
        time.sleep(0.01)
    app.run()
    assert not app.exception
    return app


def test_one_input_goes_through_two_models(connected: Runtime) -> None:
    app = tab("specimen_echo")
    assert app.multiselect(key="compare-models-specimen_echo").value == ["echo", "twin"]
    app.button(key="compare-run-specimen_echo").click().run()
    shown = texts(ended(connected, app))
    assert "**Specimen echo**" in shown
    assert "**Specimen twin**" in shown
    assert shown.count("on CPU") == 2
    assert shown.count("model 1 MB") == 2
    assert shown.count("Hello") >= 2
    jobs = connected.jobs.of(OWNER)
    assert {job.adapter for job in jobs} == {"echo", "twin"}
    assert jobs[0].outputs is not None
    assert first_picture(jobs[0].outputs) is not None


def test_earlier_runs_stand_beside(connected: Runtime) -> None:
    runs = [connected.run("specimen_stream", {"steps": steps}, owner=OWNER).id for steps in (3, 5)]
    connected.run("specimen_stream", {"steps": 9}, owner="somebody else")
    assert connected.runs.writer.settle(10)
    app = tab("specimen_stream")
    beside = app.multiselect(key="compare-beside-specimen_stream")
    assert len(beside.options) == 2
    beside.set_value(runs).run()
    shown = texts(ended(connected, app))
    assert "1 2 3 4 5" in shown
    assert shown.count("**Specimen stream**") == 2


def test_a_model_that_fails_says_so_in_its_column(connected: Runtime) -> None:
    app = tab("specimen_failure")
    app.multiselect(key="compare-models-specimen_failure").set_value(["failing", "unloadable"]).run()
    app.button(key="compare-run-specimen_failure").click().run()
    ended(connected, app)
    assert ["fine" in texts(app), len(app.warning)] == [True, 1]


def test_a_full_queue_is_said(connected: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected._waiting, "_per_owner", 1)
    held = connected.submit("specimen_stream", {"steps": 1000, "pause_s": 0.05}, owner=OWNER)
    app = tab("specimen_echo")
    app.button(key="compare-run-specimen_echo").click().run()
    assert "runs of yours" in app.warning[0].value
    held.cancel()
    held.wait(5)
