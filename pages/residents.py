"""The models in memory: on which device, how much they take, since when they are idle; each can be unloaded."""

from __future__ import annotations

import streamlit as st

from pages.host import runtime
from pages.words import duration, plain, size
from studio.pool import Resident


def show_residents() -> None:
    """Draw them, one line each."""
    residents = [resident for resident in runtime().pool.residents() if resident.memory_mb > 0]
    if not residents:
        st.markdown(":gray[None. A model is loaded when it is first used.]")
    for resident in residents:
        name = f"{resident.model}-{resident.device}"
        with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"model-{name}"):
            st.markdown(f"**{plain(resident.title)}**  \n:gray[{_facts(resident)}]", width="stretch")
            st.button(
                "Unload",
                key=f"unload-{name}",
                disabled=resident.leases > 0,
                help="It is in use." if resident.leases else None,
                on_click=_unload,
                args=(resident.model,),
            )


def _facts(resident: Resident) -> str:
    use = f"in use by {resident.leases}" if resident.leases else f"idle for {duration(resident.idle_s)}"
    runs = "1 run" if resident.uses == 1 else f"{resident.uses} runs"
    return f"{resident.device.upper()} · {size(resident.memory_mb * 1e6)} · {runs} · {use}"


def _unload(model: str) -> None:
    runtime().pool.unload(model)
