"""Many files and the rows of a table through one task, without a browser."""

from __future__ import annotations

import csv
import io
import time
import zipfile

import pytest
from streamlit.testing.v1 import AppTest

from pages import batch, host
from studio.runtime import Runtime
from tests.families.specimens.task import EXAMPLES

OWNER = host.owner_of_cookie({})


@pytest.fixture
def connected(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """The runtime of the test, which the pages show."""
    monkeypatch.setattr(host, "_host", host._Host())
    host.connect(runtime)
    return runtime


def tab(name: str) -> AppTest:
    script = (
        "from pages import batch, host\n"
        f"task = host.runtime().catalogue.task({name!r})\n"
        "batch.show_batch(task, task.adapters[0])\n"
    )
    return AppTest.from_string(script, default_timeout=30).run()


def ended(runtime: Runtime, app: AppTest, task: str) -> AppTest:
    started = runtime.batches.latest(OWNER, task)
    assert started is not None
    assert started.wait(20)
    time.sleep(0.05)
    app.run()
    assert not app.exception
    return app


def test_each_row_of_a_table_is_a_run(connected: Runtime) -> None:
    app = tab("specimen_stream")
    assert app.button(key="batch-run-specimen_stream").disabled
    table = b"steps,pause_s\n2,0\n3,\nmany,0\n"
    app.file_uploader(key="batch-table-specimen_stream").set_value(("table.csv", table, "text/csv")).run()
    button = app.button(key="batch-run-specimen_stream")
    assert (button.label, button.disabled) == ("Run 3", False)
    button.click().run()
    app = ended(connected, app, "specimen_stream")
    assert "3 of 3, 1 failed" in "\n".join(element.value for element in app.markdown)
    shown = app.dataframe[0].value
    assert list(shown["state"]) == ["done", "done", "failed"]
    assert list(shown["text"])[:2] == ["1 2", "1 2 3"]
    started = connected.batches.latest(OWNER, "specimen_stream")
    assert started is not None
    rows = list(csv.DictReader(io.StringIO(batch.table_of(started))))
    assert [row["input"] for row in rows] == ["row 1", "row 2", "row 3"]
    assert "integer" in rows[2]["error"]


def test_each_file_is_a_run(connected: Runtime) -> None:
    app = tab("specimen_echo")
    files = [(name, (EXAMPLES / "picture.png").read_bytes(), "image/png") for name in ("a b.png", "../c.png")]
    app.file_uploader(key="batch-files-specimen_echo-image").set_value(files).run()
    app.button(key="batch-run-specimen_echo").click().run()
    app = ended(connected, app, "specimen_echo")
    started = connected.batches.latest(OWNER, "specimen_echo")
    assert started is not None
    with zipfile.ZipFile(io.BytesIO(batch._zip(started))) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert "table.csv" in names
    assert {name.partition("/")[0] for name in names if "/" in name} == {"0001-a_b.png", "0002-_c.png"}
    assert "0001-a_b.png/result.json" in names


@pytest.mark.parametrize(
    ("table", "said"),
    [(b"colour\nred\n", "No such columns"), (b"steps\n", "no rows"), (b"\xff\xfe\x00", "not a CSV table")],
)
def test_a_table_that_does_not_fit(connected: Runtime, table: bytes, said: str) -> None:
    app = tab("specimen_stream")
    app.file_uploader(key="batch-table-specimen_stream").set_value(("table.csv", table, "text/csv")).run()
    assert said in app.warning[0].value
    assert app.button(key="batch-run-specimen_stream").disabled
