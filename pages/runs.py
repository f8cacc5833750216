"""The visitor's runs: every one that is kept, newest first, and one of them opened by its address."""

from __future__ import annotations

import time
from collections.abc import Mapping
from html import escape

import streamlit as st

from pages import run
from pages.host import owner, runtime
from pages.words import duration, initials, moment, plain
from studio.errors import AtelierError, NotFound
from studio.run_rows import RunRow, Wanted

PAGE = 24
REFRESH_S = 2
STATES = {"queued": "waiting", "failed": "failed", "cancelled": "cancelled", "interrupted": "interrupted"}


def show(here: st.Page, tasks: Mapping[str, st.Page]) -> None:
    """Draw the page: the run that the address names, else the list.

    Args:
        here: this page, for links to it.
        tasks: the tasks' pages by name.
    """
    opened = st.query_params.get("run")
    # a link to the page that is open already changes what the script sees, not the browser's address: this does
    st.query_params.from_dict(st.query_params.to_dict())
    if opened:
        run.show(opened, here)
        return
    st.title("Runs", anchor=False)
    st.markdown("Everything you have run here, until you delete it or its time is over. Pinned runs stay.")
    wanted = _wanted()
    shown = st.session_state.setdefault("runs-shown", PAGE)
    try:
        rows = runtime().runs.page(owner(), wanted, limit=shown + 1)
    except AtelierError as fault:
        st.warning(plain(fault.message))
        return
    if not rows:
        _nothing(wanted, tasks)
        return
    goes_on = any(not row.finished for row in rows)
    st.fragment(_list, run_every=REFRESH_S if goes_on else None)(wanted, shown, here)


def _wanted() -> Wanted:
    """The choice of the visitor; the address may name a task to begin with."""
    names = runtime().runs.tasks(owner())
    asked = st.query_params.get("task")
    with st.container(horizontal=True, vertical_alignment="center", key="runs-choice"):
        task = st.selectbox(
            "Task",
            [None, *names],
            index=names.index(asked) + 1 if asked in names else 0,
            format_func=lambda name: title_of(name) if name else "All tasks",
            label_visibility="collapsed",
            key="runs-task",
            width=300,
        )
        pinned = st.toggle("Pinned only", key="runs-pinned")
    return Wanted(task=task, pinned=True if pinned else None)


def _nothing(wanted: Wanted, tasks: Mapping[str, st.Page]) -> None:
    with st.container(key="nothing"):
        if wanted != Wanted():
            st.subheader("No run matches", anchor=False)
            st.markdown("Choose another task, or switch “Pinned only” off.")
        elif not runtime().runs.kept:
            st.subheader("Runs are not kept here", anchor=False)
            st.markdown("The operator has set ATELIER\\_RUNS\\_TTL\\_DAYS to 0.")
        else:
            st.subheader("Nothing has been run yet", anchor=False)
            st.markdown("Pick a task and give it something of yours, or click one of its examples. It will be here.")
            for name in list(tasks)[:3]:
                st.page_link(tasks[name], label=title_of(name))


def _list(wanted: Wanted, shown: int, here: st.Page) -> None:
    rows = runtime().runs.page(owner(), wanted, limit=shown + 1)
    with st.container(gap="small", key="runs-list"):
        for row in rows[:shown]:
            _row(row, here)
    if len(rows) > shown:
        st.button("Show more", key="runs-more", on_click=_more)
    if not any(not row.finished for row in rows) and any(row.id in _going_on() for row in rows):
        st.session_state["runs-going-on"] = set()
        st.rerun()  # nothing goes on any more: the page need not look again
    st.session_state["runs-going-on"] = {row.id for row in rows if not row.finished}


def _going_on() -> set[str]:
    found: set[str] = st.session_state.get("runs-going-on", set())
    return found


def _more() -> None:
    st.session_state["runs-shown"] += PAGE


def _row(row: RunRow, here: st.Page) -> None:
    title = title_of(row.task)
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key=f"row-run-{row.id}"):
        picture = runtime().runs.picture(row.id, row.owner) if row.has_picture else None
        if picture is not None:
            st.image(picture, width=88, alt="")
        else:
            st.html(f'<div class="plate small" aria-hidden="true">{escape(initials(title))}</div>', width=88)
        with st.container(gap=None, width="stretch"):
            st.page_link(here, label=f"**{plain(title)}**", query_params={"run": row.id})
            for line in _said(row):
                st.markdown(line, width="stretch")
            st.markdown(f":small[:gray[{' · '.join(_facts(row))}]]", width="stretch")
        if row.pinned:
            st.badge("pinned", color="gray")


def _said(row: RunRow) -> list[str]:
    """What came out, or why nothing did, and from what."""
    if not row.finished:
        job = next((job for job in runtime().jobs.of(row.owner) if job.id == row.id), None)
        note = f"{job.progress:.0%} · {job.note}".replace("%", " %") if job and job.state == "running" else "waiting"
        return [plain(note)]
    result = row.answered if row.state == "done" else row.error.message if row.error else STATES.get(row.state, "")
    return [*([plain(result)] if result else []), *([f":gray[{plain(row.asked)}]"] if row.asked else [])]


def _facts(row: RunRow) -> list[str]:
    took = [f"{duration(row.run_s)} on {row.device.upper()}"] if row.run_s is not None and row.device else []
    state = [STATES[row.state]] if row.state in STATES else []
    return [plain(fact) for fact in (run.model_of(row), moment(row.created_s, time.time()), *took, *state)]


def title_of(task: str) -> str:
    """A task's title; its name where it is not there any more."""
    try:
        return runtime().catalogue.task(task).title
    except NotFound:
        return task
