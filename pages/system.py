"""The machine's state: devices, memory, loaded models, runs and versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time

import psutil
import streamlit as st

from pages.host import owner, runtime
from pages.residents import show_residents
from pages.words import duration, plain, size
from studio.errors import NotFound
from studio.jobs import Job

REFRESH_S = 2
PACKAGES = ("streamlit", "gradio", "fastapi", "pydantic", "torch", "transformers", "numpy")
_STATES = {"queued": "waiting"}


def show() -> None:
    """Draw the page."""
    st.title("System", anchor=False)
    _live()
    st.subheader("Versions", anchor=False)
    st.markdown(" · ".join(f"{name} {version}" for name, version in versions()))


def versions() -> list[tuple[str, str]]:
    """(name, version) of Python and of the main packages that are installed; none is imported for it."""
    found = [("Python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def devices() -> list[str]:
    """The devices models can run on. A GPU is asked for only where torch is loaded: importing it takes seconds."""
    found = [f"CPU, {os.cpu_count() or 1} cores"]
    torch = sys.modules.get("torch")
    if torch is None:
        return found
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            found.append(f"{torch.cuda.get_device_name(index)}, {size(total - free)} of {size(total)} in use")
    elif torch.backends.mps.is_available():
        found.append("Apple GPU")
    return found


@st.fragment(run_every=REFRESH_S)
def _live() -> None:
    _memory()
    st.subheader("Loaded models", anchor=False)
    show_residents()
    _runs()


def _memory() -> None:
    machine = psutil.virtual_memory()
    process = psutil.Process().memory_info().rss
    residents = runtime().pool.residents()
    used_mb = sum(resident.memory_mb for resident in residents)
    with st.grid(4, min_column_width=150, gap="small", key="figures"):
        st.metric("Device", devices()[0].replace(", ", " · "))
        st.metric("Memory of the machine", f"{size(machine.total - machine.available)} of {size(machine.total)}")
        st.metric("Memory of this process", size(process))
        st.metric("Models in their budget", f"{size(used_mb * 1e6)} of {size(runtime().pool.budget_mb * 1e6)}")
    for device in devices()[1:]:
        st.markdown(plain(device))


def _runs() -> None:
    st.subheader("Your runs", anchor=False)
    jobs = runtime().jobs.of(owner())
    others = sum(job.owner != owner() for job in runtime().jobs.unfinished())
    if others:
        st.markdown(f":gray[{others} {'run' if others == 1 else 'runs'} of other visitors now.]")
    if not jobs:
        st.markdown(":gray[None yet.]")
    for job in jobs:
        with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"job-{job.id}"):
            st.markdown(f"**{plain(_title(job))}**  \n:gray[{_run(job)}]", width="stretch")
            if not job.finished:
                st.progress(job.progress, width=160)
                st.button("Cancel", key=f"cancel-{job.id}", on_click=job.cancel)
            else:
                st.button("Forget", key=f"forget-{job.id}", on_click=_forget, args=(job,))


def _title(job: Job) -> str:
    try:
        return runtime().catalogue.task(job.task).title
    except NotFound:
        return job.task


def _run(job: Job) -> str:
    words = [_STATES.get(job.state, job.state), job.adapter]
    if job.finished:
        words += [f"{duration(job.run_s)} on {job.device.upper()}"] if job.device else []
        words += [f"{duration(max(0.0, time.time() - (job.finished_s or 0)))} ago"]
    if job.error is not None and job.state == "failed":
        words.append(job.error.message)
    elif job.note and not job.finished:
        words.append(job.note)
    return plain(" · ".join(words))


def _forget(job: Job) -> None:
    runtime().jobs.remove(job)
