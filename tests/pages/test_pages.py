"""The pages as Streamlit runs them, over the real and the specimen families, without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages import host
from pages.home import matching
from pages.words import duration, input_kinds, plain, size, takes
from studio.runtime import Runtime

SHELL = Path(__file__).parents[2] / "pages" / "shell.py"
STREAM = {"steps": 2, "pause_s": 0.0}


@pytest.fixture
def app(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The shell, connected to the runtime of the test."""
    monkeypatch.setattr(host, "_host", host._Host())
    host.connect(runtime)
    return AppTest.from_file(str(SHELL), default_timeout=30)


def page_of(name: str) -> str:
    """A script that shows one task's page."""
    return f"from pages import host, task\ntask.show(host.runtime().catalogue.task({name!r}))\n"


def task_page(name: str) -> AppTest:
    return AppTest.from_string(page_of(name), default_timeout=30)


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.title, *app.subheader, *app.markdown])


def test_the_gallery_shows_every_task_that_has_a_page(app: AppTest, runtime: Runtime) -> None:
    app.run()
    assert not app.exception
    shown = texts(app)
    for task in runtime.catalogue:
        assert (task.summary in shown) == (task.part_of is None)


def test_a_search_without_a_result_can_be_cleared(app: AppTest, runtime: Runtime) -> None:
    app.run()
    app.text_input(key="query").set_value("[no *such* task]").run()
    assert app.subheader[0].value == r"Nothing matches “\[no \*such\* task\]”"
    app.button[0].click().run()
    assert app.text_input(key="query").value == ""
    assert next(iter(runtime.catalogue)).summary in texts(app)


def test_search_looks_everywhere_and_prefers_titles(runtime: Runtime) -> None:
    tasks = list(runtime.catalogue)
    task = next(task for task in tasks if task.name == "face_verification")
    for query in ("face_verification".replace("_", " "), task.title.upper(), task.section, *task.keywords):
        assert task in matching(tasks, query, [])
    assert matching(tasks, task.title, [])[0] is task
    assert matching(tasks, "", []) == tasks
    assert matching(tasks, "  ", ["image"]) == [task for task in tasks if "image" in input_kinds(task)]
    assert matching(tasks, task.title, ["audio"]) == []


def test_what_a_task_takes(runtime: Runtime) -> None:
    assert takes(runtime.catalogue.task("face_verification")) == "two pictures"
    assert takes(runtime.catalogue.task("specimen_stream")) == "a few settings"


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(("asked", "shown"), [("", "echo"), ("twin", "twin"), ("another", "echo")])
def test_the_address_may_name_a_model(asked: str, shown: str) -> None:
    page = task_page("specimen_echo")
    if asked:
        page.query_params["model"] = asked
    page.run()
    picker = page.selectbox(key="model-specimen_echo")
    assert picker.value.name == shown
    assert dict(page.query_params) == ({"model": asked} if asked else {}), "it is left as it was opened"
    picker.select_index(1).run()
    assert page.query_params["model"] == "twin"


@pytest.mark.usefixtures("app")
def test_every_task_has_a_page(runtime: Runtime) -> None:
    for task in runtime.catalogue:
        page = task_page(task.name).run()
        assert not page.exception, task.name
        assert page.title[0].value == task.title
        assert "You have not run it yet" in texts(page)
        assert any(f"/api/v1/tasks/{task.name}/run" in code.value for code in page.code)


@pytest.mark.usefixtures("app")
def test_a_page_shows_the_calls_of_its_parts_too(runtime: Runtime) -> None:
    part = next(task for task in runtime.catalogue if task.part_of)
    page = task_page(str(part.part_of)).run()
    page.segmented_control(key=f"call-{part.part_of}").set_value(part.name).run()
    assert not page.exception
    assert any(f"/api/v1/tasks/{part.name}/run" in code.value for code in page.code)


@pytest.mark.usefixtures("app")
def test_the_api_tab_shows_the_last_call_of_this_owner_only(runtime: Runtime) -> None:
    runtime.run("specimen_stream", STREAM | {"steps": 7}, owner="somebody else")
    assert "You have not run it yet" in texts(task_page("specimen_stream").run())
    runtime.run("specimen_stream", STREAM, owner=host.owner_of_cookie({}))
    page = task_page("specimen_stream").run()
    assert "Your last call, done in" in texts(page)
    shell = next(code.value for code in page.code if code.value.startswith("python -m surfaces.cli"))
    assert "steps=2" in shell
    assert "steps=7" not in shell


@pytest.mark.usefixtures("app")
def test_the_system_page_unloads_and_forgets(runtime: Runtime) -> None:
    runtime.run("specimen_stream", STREAM, owner=host.owner_of_cookie({}))
    runtime.run("specimen_stream", STREAM, owner="somebody else")
    page = AppTest.from_string("from pages import system\nsystem.show()\n", default_timeout=30).run()
    assert not page.exception
    (resident,) = runtime.pool.residents()
    page.button(key=f"unload-{resident.model}-{resident.device}").click().run()
    assert runtime.pool.residents() == []
    (job,) = runtime.jobs.of("anonymous")
    page.button(key=f"forget-{job.id}").click().run()
    assert runtime.jobs.of("anonymous") == []
    assert len(runtime.jobs.of("somebody else")) == 1


def test_words() -> None:
    assert [size(count) for count in (12, 3_400, 990e6, 1.24e9)] == ["12 B", "3.4 kB", "990 MB", "1.24 GB"]
    assert [duration(seconds) for seconds in (0.048, 1.24, 200, 7320)] == ["48 ms", "1.24 s", "3 min 20 s", "2 h 2 min"]
    assert plain("a_b [c](d) $x$ :red[e]") == r"a\_b \[c\]\(d\) \$x\$ \:red\[e\]"
