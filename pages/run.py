"""One run, opened by its address: what it was, in the demo it came from, and what can be done with it."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import streamlit as st

from pages.frame import demo_frame
from pages.host import address, here, owner, runtime
from pages.words import duration, moment, plain, size
from studio.contract import Task
from studio.errors import AtelierError, NotFound
from studio.run_rows import RunRow
from surfaces.encode import outputs_zip

REFRESH_S = 1
_SAID = "run-said"


def show(run_id: str, runs: st.Page) -> None:
    """Draw the run. `runs` is the page with all of them."""
    st.page_link(runs, label="All runs", icon=":material/arrow_back:")
    try:
        row = runtime().runs.row(run_id, owner())
        task = runtime().catalogue.task(row.task)
    except AtelierError as fault:
        st.title("There is no such run", anchor=False)
        st.markdown(
            "It was deleted, its time was over, or it is somebody else's: a run opens only in the browser, or with the "
            "key, that made it."
            if isinstance(fault, NotFound)
            else plain(fault.message)
        )
        return
    st.title(task.title, anchor=False)
    said = st.session_state.pop(_SAID, None)
    if said:
        st.warning(plain(said))
    st.fragment(_about, run_every=None if row.finished else REFRESH_S)(run_id, row.finished)
    if runtime().weights_changed(row):
        st.warning("The model's weights have changed since: repeating the run may give another result.")
    _actions(row, runs)
    st.markdown(
        ":small[:gray[Inputs and result as they were. To repeat it with changes, change an input and press Run.]]"
    )
    page = task.part_of or task.name
    demo_frame(
        here(f"/demos/{page}/?{urlencode({'adapter': row.adapter, 'run': row.id})}"),
        title=f"{task.title}: this run",
        key=f"run-demo-{row.id}",
    )


def _about(run_id: str, finished: bool) -> None:
    """The facts, watched until the run has ended."""
    try:
        row = runtime().runs.row(run_id, owner())
    except NotFound:  # deleted in another window
        st.rerun()
    if row.finished and not finished:
        st.rerun()
    facts = [
        model_of(row),
        *([f"weights {row.revision[:8]}"] if row.revision else []),
        moment(row.created_s, time.time()),
    ]
    facts += [f"{duration(row.run_s)} on {row.device.upper()}"] if row.run_s is not None and row.device else []
    facts += [f"model {size(row.memory_mb * 1e6)}"] if row.memory_mb else []
    facts += [row.state] if row.state != "done" else []
    facts += [f"{size(row.nbytes)} on disk"] if row.nbytes else []
    facts += ["pinned"] if row.pinned else []
    st.markdown(f":small[{' :gray[·] '.join(plain(fact) for fact in facts)}]")


def _actions(row: RunRow, runs: st.Page) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="run-actions"):
        st.button("Repeat", on_click=_repeat, args=(row,), key="run-repeat")
        if row.finished:
            st.button("Unpin" if row.pinned else "Pin", on_click=_pin, args=(row,), key="run-pin")
            if row.state == "done":
                name = f"{row.task}-{row.id[:8]}.zip"
                st.download_button(
                    "Download",
                    lambda: _zip(row),
                    file_name=name,
                    mime="application/zip",
                    key="run-zip",
                    on_click="ignore",
                )
        with st.popover("Link"):
            st.markdown("Opens this run in this browser:")
            st.code(f"{address()}/runs?run={row.id}", language=None, wrap_lines=True)
        with st.popover("Delete"):
            st.markdown("The run, its inputs and its result are removed for good.")
            st.button("Delete this run", on_click=_delete, args=(row,), key="run-delete")


def _zip(row: RunRow) -> bytes:
    outputs = runtime().jobs.get(row.id, row.owner).outputs
    assert outputs is not None
    return outputs_zip(outputs)


def _repeat(row: RunRow) -> None:
    try:
        st.query_params["run"] = runtime().repeat(row.id, row.owner).id
    except AtelierError as fault:
        _say(fault)


def _pin(row: RunRow) -> None:
    try:
        runtime().runs.pin(row.id, row.owner, pinned=not row.pinned)
    except AtelierError as fault:
        _say(fault)


def _delete(row: RunRow) -> None:
    try:
        runtime().jobs.forget(row.id, row.owner)
        del st.query_params["run"]
    except AtelierError as fault:
        _say(fault)


def _say(fault: AtelierError) -> None:
    st.session_state[_SAID] = " ".join(part for part in (fault.message, fault.hint) if part)


def model_of(row: RunRow) -> str:
    """The title of the model that a run used; its name where it is not there any more."""
    try:
        task: Task = runtime().catalogue.task(row.task)
    except NotFound:
        return row.adapter
    adapter = task.adapter(row.adapter)
    return adapter.title if adapter else row.adapter
