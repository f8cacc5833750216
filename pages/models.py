"""The shelf: every model by task, whether it is here, what it takes, when it was used; and what is in memory now."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import groupby

import streamlit as st

from pages.host import runtime
from pages.residents import show_residents
from pages.shelf import show_controls
from pages.words import ADAPTER_KINDS, duration, plain, size, state
from studio.pool import model_name
from studio.stock import StockRow, stock

REFRESH_S = 2


def show(tasks: Mapping[str, st.Page]) -> None:
    """Draw the page; `tasks` are the pages of the tasks by name."""
    st.title("Models", anchor=False)
    st.markdown("What each task can use. Nothing is downloaded unless you ask for it here or on the task's page.")
    _live(tasks)


@st.fragment(run_every=REFRESH_S)
def _live(tasks: Mapping[str, st.Page]) -> None:
    rows = [row for row in stock(runtime()) if row.adapter.weights]  # without weights it is no model
    _totals(rows)
    st.subheader("In memory now", anchor=False)
    show_residents()
    for title, group in groupby(_once(rows), key=lambda pair: pair[0].task.title):
        st.subheader(plain(title), anchor=False)
        for row, others in group:
            _row(row, others, tasks[row.task.part_of or row.task.name])


def _once(rows: list[StockRow]) -> list[tuple[StockRow, list[str]]]:
    """Each model under the first task that has it, with the titles of the other tasks that it answers."""
    found: dict[str, tuple[StockRow, list[str]]] = {}
    for row in rows:
        name = model_name(runtime().catalogue.entry(row.task.name).family, row.adapter)
        if name in found:
            found[name][1].append(row.task.title)
        else:
            found[name] = (row, [])
    return list(found.values())


def _totals(rows: list[StockRow]) -> None:
    models = [row for row, _ in _once(rows)]
    residents = runtime().pool.residents()
    here = sum(row.state.done_bytes for row in models)
    fetched = sum(row.state.done_bytes for row in models if row.adapter.kind == "hub")
    with st.grid(3, min_column_width=150, gap="small", key="figures"):
        st.metric("Models", f"{sum(row.state.name == 'ready' for row in models)} of {len(models)} ready")
        st.metric("On disk", f"{size(here)}, downloaded {size(fetched)}" if fetched else size(here))
        used = size(sum(resident.memory_mb for resident in residents) * 1e6)
        st.metric("In memory", f"{used} of {size(runtime().pool.budget_mb * 1e6)}")


def _row(row: StockRow, others: list[str], page: st.Page) -> None:
    adapter = row.adapter
    licence = adapter.licence + ("" if adapter.commercial else ", not for commercial use")
    facts = [ADAPTER_KINDS[adapter.kind], size(row.state.total_bytes) if row.state.total_bytes else "", licence]
    facts += [f"used {_ago(row.last_used_s)}" if row.last_used_s else "not used yet"]
    also = f"  \n:small[:gray[Also for {plain(', '.join(others))}]]" if others else ""
    with st.container(border=True, gap="xsmall", key=f"row-model-{row.task.name}-{adapter.name}"):
        st.markdown(
            f"**{plain(adapter.title)}** · {plain(state(row))}  \n"
            f":gray[{' · '.join(plain(fact) for fact in facts if fact)}]{also}"
        )
        if row.state.name in ("downloading", "paused"):
            st.progress(min(row.state.fraction, 1.0))
        if row.state.name == "ready":
            st.page_link(page, label="Try it", query_params={"model": adapter.name})
        show_controls(row)


def _ago(seconds: float) -> str:
    return f"{duration(max(1.0, time.time() - seconds))} ago"
