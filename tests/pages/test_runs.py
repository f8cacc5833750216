"""The page with the visitor's runs, and one of them opened, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from pages import host
from pages.runs import PAGE
from pages.words import moment
from studio.runtime import Runtime

OWNER = host.owner_of_cookie({})
STREAM = {"steps": 2, "pause_s": 0.0}
SCRIPT = """
import streamlit as st
from pages import runs
here = st.Page(lambda: runs.show(here, {}), title="Runs", url_path="runs", default=True)
st.navigation([here]).run()
"""


@pytest.fixture
def connected(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """The runtime of the test, which the pages show."""
    monkeypatch.setattr(host, "_host", host._Host())
    host.connect(runtime)
    return runtime


def opened(**query: str) -> AppTest:
    app = AppTest.from_string(SCRIPT, default_timeout=30)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.title, *app.subheader, *app.markdown])


@pytest.mark.usefixtures("connected")
def test_nothing_has_been_run_yet() -> None:
    assert "Nothing has been run yet" in texts(opened())


def test_the_list_shows_this_owners_runs(connected: Runtime) -> None:
    connected.run("specimen_stream", STREAM, owner=OWNER)
    connected.run("specimen_stream", {"steps": 3}, owner="somebody else")
    connected.submit("specimen_failure", {"way": "own"}, owner=OWNER).wait(5)
    shown = texts(opened())
    assert "steps 2, pause 0 s" in shown
    assert "steps 3" not in shown
    assert "The model cannot use this" in shown
    assert "failed" in shown
    only = opened(task="specimen_stream")
    assert "The model cannot use this" not in texts(only)
    only.toggle(key="runs-pinned").set_value(True).run()
    assert "No run matches" in texts(only)


def test_a_long_list_comes_in_pieces(connected: Runtime) -> None:
    for steps in range(1, PAGE + 4):
        connected.run("specimen_stream", {"steps": steps, "pause_s": 0.0}, owner=OWNER)
    app = opened()
    assert sum("Specimen stream" in element.value for element in app.markdown) == PAGE
    app.button(key="runs-more").click().run()
    assert sum("Specimen stream" in element.value for element in app.markdown) == PAGE + 3
    assert [button.key for button in app.button] == []


def test_a_run_is_opened_repeated_pinned_and_deleted(connected: Runtime) -> None:
    job = connected.run("specimen_stream", STREAM, owner=OWNER)
    assert connected.runs.writer.settle(10)
    app = opened(run=job.id)
    assert app.title[0].value == "Stream"
    assert "Specimen stream" in texts(app)
    app.button(key="run-pin").click().run()
    assert connected.runs.row(job.id, OWNER).pinned
    app.button(key="run-repeat").click().run()
    again = str(app.query_params["run"])
    assert again != job.id
    assert connected.jobs.get(again, OWNER).wait(5)
    assert connected.jobs.get(again, OWNER).inputs == job.inputs
    app.button(key="run-delete").click().run()
    assert "run" not in app.query_params
    assert [row.id for row in connected.runs.page(OWNER)] == [job.id]


def test_a_run_whose_weights_changed_says_so(connected: Runtime) -> None:
    job = connected.run("specimen_stream", STREAM, owner=OWNER)
    connected._revisions["specimen_stream", "stream"] = "another"
    assert "weights have changed" in opened(run=job.id).warning[0].value


@pytest.mark.parametrize("whose", ["somebody else", None])
def test_a_run_that_is_not_there(connected: Runtime, whose: str | None) -> None:
    run = connected.run("specimen_stream", STREAM, owner=whose).id if whose else "f" * 32
    app = opened(run=run)
    assert app.title[0].value == "There is no such run"
    assert list(app.button) == []


def test_runs_that_are_not_kept(make_runtime: Callable[..., Runtime], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_host", host._Host())
    host.connect(make_runtime(runs_ttl_days=0))
    assert "Runs are not kept here" in texts(opened())


def test_moments() -> None:
    now_s = datetime(2026, 11, 21, 15, 5, tzinfo=UTC).timestamp()
    hour_s = 3600
    assert moment(now_s, now_s) == "15:05"
    assert moment(now_s - 20 * hour_s, now_s) == "yesterday 19:05"
    assert moment(now_s - 60 * hour_s, now_s) == "19 Nov 03:05"
    assert moment(now_s - 400 * 24 * hour_s, now_s) == "17 Oct 2025"
