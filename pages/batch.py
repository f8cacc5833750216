"""Many files, or the rows of a table, through one task: progress, what is done so far, a table and an archive."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st

from pages.compare import choose_input
from pages.host import owner, runtime
from pages.words import plain
from studio.batches import Batch, Item
from studio.contract import Adapter, Inputs, Task
from studio.errors import AtelierError
from studio.fields import FieldSpec, describe
from studio.jobs import Job
from studio.media.base import Blob
from surfaces.encode import batch_zip

REFRESH_S = 1
_COLUMNS = ("text", "integer", "number", "boolean", "choice")
_TABLE = "A table of settings (CSV)"


def show_batch(task: Task, adapter: Adapter) -> None:
    """Draw the tab: what stays the same, what changes from run to run, and the batch that was started last."""
    st.markdown("Many files, or the rows of a table, one run each. What does not change is taken from one input.")
    base = choose_input(task, runtime().jobs.latest(owner(), task.name), "batch")
    specs = {spec.name: spec for spec in describe(task.inputs)}
    media = [spec for spec in specs.values() if spec.media is not None]
    columns = [spec for spec in specs.values() if spec.kind in _COLUMNS and not spec.many]
    choices = [spec.name for spec in media] + ([_TABLE] if columns else [])
    what = st.selectbox(
        "What changes",
        choices,
        format_func=lambda name: specs[name].title if name in specs else name,
        key=f"batch-what-{task.name}",
        width=420,
    )
    items = _of_files(base, specs[what], task) if what in specs else _of_table(base, columns, task)
    st.button(
        f"Run {len(items)}" if items else "Run",
        key=f"batch-run-{task.name}",
        disabled=not items,
        on_click=_start,
        args=(task, adapter, items),
    )
    fault = st.session_state.pop(f"batch-said-{task.name}", None)
    if fault:
        st.warning(plain(fault))
    batch = runtime().batches.latest(owner(), task.name)
    if batch is not None:
        st.fragment(_show, run_every=None if batch.finished else REFRESH_S)(task, batch, batch.finished)


def _of_files(base: Inputs | dict[str, Any], spec: FieldSpec, task: Task) -> list[Item]:
    """An item for each file that the visitor gives."""
    endings = [ending.lstrip(".") for ending in spec.ui.accept] or None
    files = st.file_uploader(
        spec.title, type=endings, accept_multiple_files=True, key=f"batch-files-{task.name}-{spec.name}"
    )
    values = _values(base)
    items = []
    for file in files or []:
        blob = Blob(file.name, file.getvalue())
        items.append(Item(file.name, values | {spec.name: [blob] if spec.many else blob}))
    return items


def _of_table(base: Inputs | dict[str, Any], columns: Sequence[FieldSpec], task: Task) -> list[Item]:
    """An item for each row of the visitor's table, whose columns are named like fields."""
    known = {spec.name for spec in columns}
    st.markdown(f":small[:gray[A header with some of: {plain(', '.join(sorted(known)))}.]]")
    file = st.file_uploader("Table", type=["csv"], key=f"batch-table-{task.name}")
    if file is None:
        return []
    try:
        rows = list(csv.DictReader(io.StringIO(file.getvalue().decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error):
        st.warning("The file is not a CSV table in UTF-8.")
        return []
    unknown = {str(name) for row in rows[:1] for name in row} - known
    if unknown or not rows:
        st.warning(plain(f"No such columns: {', '.join(sorted(unknown))}." if unknown else "The table has no rows."))
        return []
    values = _values(base)
    return [Item(f"row {number}", values | _filled(row)) for number, row in enumerate(rows, 1)]


def _filled(row: dict[str | Any, str | Any]) -> dict[str, str]:
    """The cells that are not empty and stand under a name; an empty one leaves the field as it is."""
    return {name: value for name, value in row.items() if name and value}


def _values(base: Inputs | dict[str, Any]) -> dict[str, Any]:
    return dict(base) if isinstance(base, dict) else {name: getattr(base, name) for name in type(base).model_fields}


def _start(task: Task, adapter: Adapter, items: list[Item]) -> None:
    try:
        runtime().batch(task.name, items, adapter.name, owner())
    except AtelierError as fault:
        said = " ".join(part for part in (fault.message, fault.hint) if part)
        st.session_state[f"batch-said-{task.name}"] = said


def _show(task: Task, batch: Batch, was_finished: bool) -> None:
    done, count = batch.count_done, len(batch.items)
    finished = done == count  # asked once: what ends meanwhile is shown as ended when the next look finds it so
    if finished and not was_finished:
        st.rerun()
    failed = sum(item.state == "failed" for item in batch.items)
    words = f"{done} of {count}" + (f", {failed} failed" if failed else "")
    if not finished:
        st.progress(done / count, text=words)
        st.button("Cancel", key=f"batch-cancel-{batch.id}", on_click=batch.cancel)
    else:
        st.markdown(f"**{words}**")
    st.dataframe(rows_of(batch), hide_index=True, key=f"batch-rows-{batch.id}")
    if done:
        with st.container(horizontal=True, key=f"batch-files-{batch.id}"):
            name = f"{task.name}-{batch.id[:8]}"
            st.download_button(
                "Download the table",
                lambda: table_of(batch),  # made on demand: one that is made anew each second would be gone by the click
                f"{name}.csv",
                "text/csv",
                key=f"batch-csv-{batch.id}",
                on_click="ignore",
            )
            st.download_button(
                "Download all results",
                lambda: _zip(batch),
                f"{name}.zip",
                "application/zip",
                key=f"batch-zip-{batch.id}",
                on_click="ignore",
            )


def rows_of(batch: Batch) -> list[dict[str, Any]]:
    """A row for each item: how it stands, what it answered, what went wrong."""
    answers = list(dict.fromkeys(name for item in batch.items for name in item.answers))
    return [
        {"input": item.name, "state": item.state}
        | ({"error": item.error} if any(each.error for each in batch.items) else {})
        | {"seconds": item.seconds}
        | {name: item.answers.get(name) for name in answers}
        for item in batch.items
    ]


def table_of(batch: Batch) -> str:
    """The rows as CSV."""
    rows = rows_of(batch)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _zip(batch: Batch) -> bytes:
    return batch_zip(_results(batch), table_of(batch))


def _results(batch: Batch) -> Iterator[tuple[str, Job]]:
    """(folder's name, job) of each item that is done and still kept."""
    for number, item in enumerate(batch.items, 1):
        if item.state == "done":
            try:
                job = runtime().jobs.get(item.run, batch.owner)
            except AtelierError:
                continue
            yield f"{number:04d}-{re.sub(r'[^A-Za-z0-9._-]', '_', item.name)[:60].strip('.')}", job
