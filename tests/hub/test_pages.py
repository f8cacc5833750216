"""The models page and the offer on a task's page, as Streamlit runs them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from pages import host
from studio.catalogue import Catalogue
from studio.runtime import Runtime
from tests.hub.local_hub import LocalHub

MODELS = """
import streamlit as st
from pages import host, models
shown = [task for task in host.runtime().catalogue if task.part_of is None]
tasks = {task.name: st.Page(lambda: None, title=task.title, url_path=task.name) for task in shown}
st.navigation([st.Page(lambda: models.show(tasks), title="Models", default=True), *tasks.values()]).run()
"""
TASK = "from pages import host, task\ntask.show(host.runtime().catalogue.task('tiny_task'))\n"
#: The page as it is shown when a download has begun since it was shown before.
DOWNLOADING_TASK = (
    """
import time
import streamlit as st
from pages import host
if st.session_state.get("download"):
    host.runtime().shelf.pull(host.runtime().catalogue.entry("tiny_task").family, "net")
    time.sleep(0.3)
"""
    + TASK
)
MakeRuntime = Callable[..., Runtime]


@pytest.fixture
def tiny(make_runtime: MakeRuntime, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    runtime = make_runtime(Catalogue.discover(("tests.hub.families",)))
    monkeypatch.setattr(host, "_host", host._Host())
    host.connect(runtime)
    yield runtime
    runtime.shelf.close()


def page(script: str) -> AppTest:
    shown = AppTest.from_string(script, default_timeout=30).run()
    assert not shown.exception
    return shown


def texts(shown: AppTest) -> str:
    return "\n".join(element.value for element in [*shown.title, *shown.subheader, *shown.markdown, *shown.warning])


def labels(shown: AppTest) -> list[str]:
    return [button.label for button in shown.button]


def wait_for(runtime: Runtime, wanted: str) -> None:
    family = runtime.catalogue.entry("tiny_task").family
    until_s = time.monotonic() + 10
    while runtime.shelf.state(family, "net").name != wanted:
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_a_model_is_downloaded_paused_continued_and_removed(tiny: Runtime, hub: LocalHub) -> None:
    hub.faults.bytes_per_s = 200_000
    shown = page(MODELS)
    assert "**Large one** · to download" in texts(shown)
    assert r"MIT, not for commercial use" in texts(shown)
    assert labels(shown) == ["Download 1 MB"]
    shown.button(key="download-tiny_task-large").click().run()
    assert labels(shown) == ["Pause", "Cancel"]
    assert "downloading" in texts(shown)
    time.sleep(0.3)
    shown.button(key="pause-tiny_task-large").click().run()
    assert "paused at" in texts(shown)
    assert labels(shown)[0].startswith("Continue, ")
    hub.faults.bytes_per_s = 0
    shown.button(key="continue-tiny_task-large").click().run()
    wait_for(tiny, "ready")
    shown.run()
    assert "**Large one** · ready" in texts(shown)
    tiny.run("tiny_task", {}, "large")
    shown.run()
    assert "loaded on CPU" in texts(shown)
    assert "Unload" in labels(shown)
    shown.button(key="remove-tiny_task-large").click().run()
    assert "**Large one** · to download" in texts(shown)
    assert tiny.pool.residents() == []


def test_a_failed_download_says_why_and_can_be_tried_again(tiny: Runtime, hub: LocalHub) -> None:
    right, hub.files["model.safetensors"] = hub.files["model.safetensors"], bytes(1_000_000)
    shown = page(MODELS)
    shown.button(key="download-tiny_task-large").click().run()
    wait_for(tiny, "failed")
    shown.run()
    assert "not the one this studio was tested with" in texts(shown)
    hub.files["model.safetensors"] = right
    shown.button(key="retry-tiny_task-large").click().run()
    wait_for(tiny, "ready")


def test_a_refusal_is_shown(tiny: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny.shelf._downloads, "_free_bytes", lambda folder: 1000)
    shown = page(MODELS)
    shown.button(key="download-tiny_task-large").click().run()
    assert "too little room" in texts(shown)


def test_the_task_page_offers_the_download(tiny: Runtime, hub: LocalHub) -> None:
    shown = page(TASK)
    picker = shown.selectbox[0]
    assert [option.split("  ·  ")[1:] for option in picker.options] == [
        ["in this repository", "ready"],
        ["from its publisher", "1 MB", "to download"],
    ]
    assert "Download 1 MB" not in labels(shown)
    picker.select_index(1).run()
    assert "**Large one** is not here yet: to download" in texts(shown)
    assert "licence MIT, not for commercial use" in texts(shown)
    hub.faults.bytes_per_s = 100_000
    shown.button(key="download-tiny_task-large").click().run()
    assert "downloading" in texts(shown)
    assert {"Pause", "Cancel"} <= set(labels(shown))


def test_a_picked_model_stays_picked_when_the_texts_of_the_picker_change(tiny: Runtime, hub: LocalHub) -> None:
    hub.faults.bytes_per_s = 100_000
    shown = page(DOWNLOADING_TASK)
    shown.session_state["download"] = True
    shown.selectbox[0].select_index(1).run()  # the script is sent the text "to download", and makes another
    assert not shown.exception
    assert "to download" not in shown.selectbox[0].options[1]
    assert shown.selectbox[0].value.name == "large"
    assert "downloading" in texts(shown)


def test_the_task_page_offers_nothing_that_is_here(tiny: Runtime) -> None:
    assert tiny.shelf.pull(tiny.catalogue.entry("tiny_task").family, "net").wait(20)
    shown = page(TASK)
    shown.selectbox[0].select_index(1).run()
    assert "not here yet" not in texts(shown)
    assert not any("Download" in label or label in ("Pause", "Cancel") for label in labels(shown))


def test_a_public_demo_has_no_buttons(make_runtime: MakeRuntime, tiny: Runtime) -> None:
    host.connect(make_runtime(tiny.catalogue, public=True))
    shown = page(MODELS)
    assert labels(shown) == []
    assert "by its operator" in texts(shown)


def test_commercial_use_hides_it(make_runtime: MakeRuntime, tiny: Runtime) -> None:
    host.connect(make_runtime(tiny.catalogue, use="commercial"))
    assert "Large one" not in texts(page(MODELS))
    assert "Model" not in [box.label for box in page(TASK).selectbox]
