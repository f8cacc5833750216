"""The same input through several models, or several runs of a task, side by side with times and memory."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from pages.host import owner, runtime
from pages.results import first_picture, show_outputs
from pages.slider import show_slider
from pages.words import duration, moment, plain, size
from studio.contract import Adapter, Inputs, Task
from studio.errors import AtelierError
from studio.jobs import Job
from studio.run_rows import Wanted
from studio.stock import row_of

REFRESH_S = 1
#: models that are chosen at first, and runs that can stand beside
_AT_FIRST, _BESIDE = 2, 20
_NOISE_S = 0.005


def show_comparison(task: Task) -> None:
    """Draw the tab: what goes in, through which models, beside which earlier runs; then the answers."""
    st.markdown("The same input through several models, beside earlier runs with other settings if you like.")
    last = runtime().jobs.latest(owner(), task.name)
    source = choose_input(task, last, "compare")
    ready = [one for one in task.adapters if row_of(runtime(), task, one).state.name == "ready"]
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"compare-choice-{task.name}"):
        adapters = _adapters(task, ready)
        st.button(
            "Run them" if len(adapters) > 1 else "Run it",
            key=f"compare-run-{task.name}",
            disabled=not adapters,
            on_click=_start,
            args=(task, source, adapters),
        )
    beside = _beside(task)
    fault = st.session_state.pop(f"compare-said-{task.name}", None)
    if fault:
        st.warning(plain(fault))
    started: list[str] = st.session_state.get(f"compare-{task.name}", [])
    jobs = _jobs([*started, *(run for run in beside if run not in started)])
    if jobs:
        goes_on = any(not job.finished for job in jobs)
        st.fragment(_show, run_every=REFRESH_S if goes_on else None)(task, [job.id for job in jobs], goes_on)


def choose_input(task: Task, last: Job | None, purpose: str) -> Inputs | dict[str, Any]:
    """Let the visitor choose: the input of the last run, or an example that is for any model.

    Args:
        purpose: tells this choice from others.
    """
    places = [place for place, example in enumerate(task.examples) if not example.adapter]
    names = (["Your last run"] if last is not None else []) + [task.examples[place].title for place in places]
    index = st.selectbox(
        "Input", range(len(names)), format_func=names.__getitem__, key=f"{purpose}-input-{task.name}", width=420
    )
    if last is not None and index == 0:
        return last.inputs
    return runtime().example(task, places[index - (last is not None)])


def _adapters(task: Task, ready: list[Adapter]) -> list[str]:
    titles = {one.name: one.title for one in ready}
    return st.multiselect(
        "Models",
        list(titles),
        default=list(titles)[:_AT_FIRST],
        format_func=titles.__getitem__,
        help="Those that are ready on this machine.",
        key=f"compare-models-{task.name}",
        width=420,
    )


def _beside(task: Task) -> list[str]:
    """Earlier runs that are to stand beside."""
    try:
        rows = {row.id: row for row in runtime().runs.page(owner(), Wanted(task.name, "done"), limit=_BESIDE)}
    except AtelierError:
        return []

    def told(run_id: str) -> str:
        row = rows[run_id]
        return " · ".join(part for part in (moment(row.created_s, time.time()), row.adapter, row.asked) if part)

    return st.multiselect(
        "Beside earlier runs",
        list(rows),
        format_func=told,
        placeholder="None" if rows else "There are none yet",
        key=f"compare-beside-{task.name}",
        width=640,
    )


def _start(task: Task, source: Inputs | dict[str, Any], adapters: list[str]) -> None:
    started: list[str] = []
    st.session_state[f"compare-{task.name}"] = started
    try:
        started.extend(runtime().submit(task.name, source, adapter=name, owner=owner()).id for name in adapters)
    except AtelierError as fault:  # those before it run
        said = " ".join(part for part in (fault.message, fault.hint) if part)
        st.session_state[f"compare-said-{task.name}"] = said


def _jobs(run_ids: list[str]) -> list[Job]:
    """The runs as jobs; one that was deleted meanwhile is left out."""
    found = []
    for run_id in run_ids:
        try:
            found.append(runtime().jobs.get(run_id, owner()))
        except AtelierError:
            continue
    return found


def _show(task: Task, run_ids: list[str], went_on: bool) -> None:
    jobs = _jobs(run_ids)
    if went_on and all(job.finished for job in jobs):
        st.rerun()
    pictures = [first_picture(job.outputs) for job in jobs if job.outputs is not None]
    if len(jobs) == 2 and len(pictures) == 2 and pictures[0] is not None and pictures[1] is not None:
        show_slider(pictures[0], pictures[1], [_title(task, job) for job in jobs], key=f"slider-{task.name}")
    quickest = min((job.run_s for job in jobs if job.state == "done"), default=0.0)
    with st.grid(len(jobs), min_column_width=280, gap="medium", key=f"compared-{task.name}"):
        for job in jobs:
            with st.container(border=True, gap="small", key=f"compared-{job.id}"):
                _column(task, job, quickest)


def _column(task: Task, job: Job, quickest_s: float) -> None:
    st.markdown(f"**{plain(_title(task, job))}**")
    if not job.finished:
        st.progress(job.progress, text=plain(job.note or ("Running" if job.state == "running" else "Waiting")))
        return
    if job.error is not None:
        st.warning(plain(job.error.message))
        return
    slower = quickest_s > 0 and job.run_s > max(1.05 * quickest_s, quickest_s + _NOISE_S)
    ratio = f", {job.run_s / quickest_s:.1f} times the quickest" if slower else ""
    facts = [f"{duration(job.run_s)} on {job.device.upper()}{ratio}"]
    facts += [f"model {size(job.memory_mb * 1e6)}"] if job.memory_mb else []
    facts += [f"loaded in {duration(job.load_s)}"] if job.load_s >= 0.05 else []
    st.markdown(f":small[:gray[{' · '.join(plain(fact) for fact in facts)}]]")
    for remark in job.remarks:
        st.markdown(f":small[{plain(remark)}]")
    if job.outputs is not None:
        show_outputs(job.outputs, key=job.id)


def _title(task: Task, job: Job) -> str:
    adapter = task.adapter(job.adapter)
    return adapter.title if adapter else job.adapter
