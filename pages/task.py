"""The page of any task: its model, its demo, the call as a program, the model card and how it works."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from pages.batch import show_batch
from pages.compare import show_comparison
from pages.frame import demo_frame
from pages.host import address, here, owner, runtime
from pages.shelf import show_controls
from pages.words import ADAPTER_KIND_HELP, ADAPTER_KINDS, duration, plain, size, state, weights_bytes
from studio.contract import Adapter, Task
from studio.errors import WeightsUnavailable
from studio.jobs import Job
from studio.stock import row_of
from surfaces import snippets

REFRESH_S = 3


def show(task: Task, runs: st.Page | None = None) -> None:
    """Draw the page of a task; `runs` is the page with the kept runs."""
    st.title(task.title, anchor=False)
    st.markdown(task.summary)
    adapter = _model(task)
    _fetch(task, adapter)
    if runs is not None and not task.stores:
        st.page_link(runs, label=":small[Earlier runs]", query_params={"task": task.name})
    parts: dict[str, Callable[[], None]] = {"Try": partial(_try, task, adapter)}
    if not task.stores:  # a second run of one that stores would not start from the same
        parts["Compare"] = partial(show_comparison, task)
        parts["Batch"] = partial(show_batch, task, adapter)
    parts |= {"API": partial(_api, task, adapter), "Model card": partial(_card, task, adapter)}
    if task.how_it_works:
        parts["How it works"] = partial(_explain, task)
    for tab, draw in zip(st.tabs(list(parts), key=f"tabs-{task.name}"), parts.values(), strict=True):
        with tab:
            draw()


def _explain(task: Task) -> None:
    st.markdown(task.how_it_works)


def _try(task: Task, adapter: Adapter) -> None:
    demo_frame(
        here(f"/demos/{task.name}/?{urlencode({'adapter': adapter.name})}"),
        title=f"{task.title}: the demo",
        key=f"demo-{task.name}",
    )


def _model(task: Task) -> Adapter:
    """The model picker; only a line about the model where there is no choice."""
    if len(task.adapters) == 1:
        adapter = task.adapters[0]
        facts = [f"**{plain(adapter.title)}**", *(f":gray[{plain(fact)}]" for fact in _cost(task, adapter))]
    else:
        adapter, facts = _picked(task), []
    measured = adapter.quality.partition(" (")[0]  # the command that repeats it stands in the model card
    facts += [f":gray[{plain(fact)}]" for fact in (adapter.licence, measured) if fact]
    st.markdown(f":small[{' :gray[·] '.join(facts)}]", help=ADAPTER_KIND_HELP[adapter.kind])
    return adapter


def _picked(task: Task) -> Adapter:
    """The model that the visitor picked; the address names it, so that a reload keeps it and a link opens with it.

    Streamlit knows an option by its text alone. These texts change while a model is downloaded, so what was picked is
    read by its name before the new texts are made, and is what the picker falls back to.
    """
    key = f"model-{task.name}"
    before = st.session_state.get(key)
    names = [adapter.name for adapter in task.adapters]
    asked = before.name if isinstance(before, Adapter) else st.query_params.get("model")
    return st.selectbox(
        "Model",
        task.adapters,
        index=names.index(asked) if asked in names else 0,
        format_func=lambda one: "  ·  ".join([one.title, *_cost(task, one)]),
        key=key,
        on_change=_name_in_address,
        args=(key,),
        width=560,
    )


def _name_in_address(key: str) -> None:
    st.query_params["model"] = st.session_state[key].name


def _cost(task: Task, adapter: Adapter) -> list[str]:
    """What using it costs first: where its weights are, how large they are, and whether it can answer at once."""
    row = row_of(runtime(), task, adapter)
    weights = row.state.total_bytes
    return [ADAPTER_KINDS[adapter.kind], *([size(weights)] if weights else []), state(row)]


def _fetch(task: Task, adapter: Adapter) -> None:
    """The offer to download a model that is not here, with its size and licence; nothing once it is."""
    if row_of(runtime(), task, adapter).state.name != "ready":
        _offer(task, adapter)


@st.fragment(run_every=1)
def _offer(task: Task, adapter: Adapter) -> None:
    row = row_of(runtime(), task, adapter)
    if row.state.name == "ready":
        st.rerun()
    with st.container(border=True, gap="xsmall", key=f"offer-{task.name}"):
        licence = adapter.licence + ("" if adapter.commercial else ", not for commercial use")
        st.markdown(
            f"**{plain(adapter.title)}** is not here yet: {plain(state(row))}.  \n"
            f":gray[{size(row.state.total_bytes)} · licence {plain(licence)} · {plain(adapter.source)}]"
        )
        if row.state.name in ("downloading", "paused"):
            st.progress(min(row.state.fraction, 1.0))
        show_controls(row)


@st.fragment(run_every=REFRESH_S)
def _api(task: Task, adapter: Adapter) -> None:
    """The call that was just made, as programs; looks again every few seconds."""
    shown = _shown_call(task)
    job = runtime().jobs.latest(owner(), shown.name)
    if job is not None:
        values, name = snippets.values_of(job.inputs), job.adapter
        st.markdown(f"Your last call, {_outcome(job)}.")
    else:
        example = shown.examples[0]
        values = dict(example.values)
        name = adapter.name if shown.adapter(adapter.name) else shown.adapters[0].name
        st.markdown(f"You have not run it yet; this is the example “{plain(example.title)}”.")
    token = bool(runtime().settings.tokens)
    tabs = st.tabs([title for title, _, _ in snippets.LANGUAGES], key=f"languages-{shown.name}")
    for tab, (_, language, write) in zip(tabs, snippets.LANGUAGES, strict=True):
        with tab:
            st.code(write(shown, values, address(), name, token=token), language=language, wrap_lines=True)
    if token:
        st.markdown(":small[:gray[ATELIER\\_TOKEN is the environment variable with your access token.]]")
    st.markdown(f":small[[All addresses]({here('/docs')}) :gray[· MCP at] `{address()}/mcp`]")


def _shown_call(task: Task) -> Task:
    """The task itself, or the part of it whose call is asked for."""
    calls = [task, *runtime().catalogue.parts(task.name)]
    if len(calls) == 1:
        return task
    name = st.segmented_control(
        "Call",
        [call.name for call in calls],
        default=task.name,
        required=True,
        format_func={call.name: call.title for call in calls}.__getitem__,
        key=f"call-{task.name}",
    )
    return next((call for call in calls if call.name == name), task)


def _outcome(job: Job) -> str:
    if job.state == "done":
        return f"done in {duration(job.run_s)} on {job.device.upper()}"
    return {"queued": "waiting", "running": "running now"}.get(job.state, job.state)


def _card(task: Task, adapter: Adapter) -> None:
    """Who made the model, what it was measured at, what it is bad at."""
    st.subheader(plain(adapter.title), anchor=False)
    weights = weights_bytes(runtime(), task, adapter)
    disk = f"{size(weights)} on disk, " if weights else ""
    rows = [
        ("Weights", ADAPTER_KIND_HELP[adapter.kind]),
        ("Size", f"{disk}{size(adapter.memory_mb * 1e6)} of memory when loaded"),
        ("Licence", plain(adapter.licence) + ("" if adapter.commercial else " (not for commercial use)")),
        ("Runs on", ", ".join({"cuda": "NVIDIA GPU", "mps": "Apple GPU", "cpu": "CPU"}[d] for d in adapter.devices)),
        ("Measured", plain(adapter.quality)),
        ("Bad at", plain(adapter.limits)),
        ("Source", _link(adapter.source)),
    ]
    with st.container(key="facts", gap=None):
        for title, text in rows:
            if text:
                with st.container(horizontal=True, gap="small"):
                    st.markdown(f":gray[{title}]", width=110)
                    st.markdown(text, width="stretch")
    if adapter.weights:
        try:
            row = runtime().shelf.row(runtime().catalogue.entry(task.name).family, adapter.weights)
        except WeightsUnavailable as fault:
            st.warning(fault.message)
            return
        if row.card:
            st.markdown(row.card)


def _link(source: str) -> str:
    return f"<{source}>" if source.startswith(("http://", "https://")) else plain(source)
