"""What can be done with an adapter's weights: download, pause, continue, cancel, remove."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pages.host import runtime
from pages.words import plain, size
from studio.contract import Adapter, Task
from studio.errors import AtelierError
from studio.stock import StockRow, check_open, remove

#: where the last refusal is kept until it was shown
_SAID = "shelf-said"


def show_controls(row: StockRow) -> None:
    """Draw the buttons that make sense now, and the last refusal if there was one."""
    name = f"{row.task.name}-{row.adapter.name}"
    said = st.session_state.pop(f"{_SAID}-{name}", None)
    if said is not None:
        st.warning(plain(said))
    if row.adapter.kind != "hub":
        return
    if runtime().settings.public:
        st.markdown(":small[:gray[Models of a public demo are downloaded and removed by its operator.]]")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"shelf-{name}"):
        for verb, cost, act in _actions(row):
            st.button(f"{verb}{cost}", key=f"{verb.lower()}-{name}", on_click=_try, args=(act, row.task, row.adapter))


def _actions(row: StockRow) -> Sequence[tuple[str, str, Callable[[Task, Adapter], None]]]:
    """(verb, what it costs or frees, what it does)."""
    state = row.state
    rest = size(state.total_bytes - state.done_bytes)
    match state.name:
        case "absent":
            return [("Download", f" {rest}", _pull)]
        case "downloading":
            return [("Pause", "", _pause), ("Cancel", "", _remove)]
        case "paused":
            return [("Continue", f", {rest} left", _pull), ("Cancel", "", _remove)]
        case "failed":
            return [("Retry", f", {rest} left", _pull), ("Cancel", "", _remove)]
        case "ready":
            return [("Remove", f", frees {size(state.total_bytes)}", _remove)]


def _try(act: Callable[[Task, Adapter], None], task: Task, adapter: Adapter) -> None:
    try:
        check_open(runtime())
        act(task, adapter)
    except AtelierError as fault:
        said = " ".join(part for part in (fault.message, fault.hint) if part)
        st.session_state[f"{_SAID}-{task.name}-{adapter.name}"] = said


def _pull(task: Task, adapter: Adapter) -> None:
    runtime().shelf.pull(runtime().catalogue.entry(task.name).family, adapter.weights)


def _pause(task: Task, adapter: Adapter) -> None:
    runtime().shelf.pause(runtime().catalogue.entry(task.name).family, adapter.weights)


def _remove(task: Task, adapter: Adapter) -> None:
    remove(runtime(), task, adapter)
