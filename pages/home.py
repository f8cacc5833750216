"""The gallery: every task as a card, found by words and by what it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import streamlit as st

from pages.host import runtime
from pages.words import ADAPTER_KINDS, INPUT_KINDS, initials, input_kinds, plain, takes
from studio.contract import Task


def matching(tasks: Iterable[Task], query: str, kinds: Sequence[str]) -> list[Task]:
    """The tasks that have every word of the query somewhere, and take one of the kinds (any, if none is given).

    Those with the words in their title come first; otherwise the order stays.
    """
    words = query.casefold().split()
    found = [
        task
        for task in tasks
        if all(word in _text(task) for word in words) and (not kinds or set(kinds) & set(input_kinds(task)))
    ]
    return sorted(found, key=lambda task: not all(word in task.title.casefold() for word in words))


def _text(task: Task) -> str:
    """Everything the search looks through."""
    parts = [task.title, task.summary, task.section, task.name.replace("_", " "), *task.keywords]
    return " ".join(parts + [adapter.title for adapter in task.adapters]).casefold()


def show(pages: Mapping[str, st.Page]) -> None:
    """Draw the gallery. `pages` are the tasks' pages by name."""
    tasks = [task for task in runtime().catalogue if task.name in pages]
    st.title("Atelier", anchor=False)
    st.markdown("Pick a task, give it something of yours, and see a model work. Then take it home as an API.")
    query, kinds = _search(tasks)
    found = matching(tasks, query, kinds)
    if not found:
        _nothing(query)
        return
    with st.grid(min_column_width=250, gap="small", key="gallery"):
        for task in found:
            _card(task, pages[task.name])


def _search(tasks: Sequence[Task]) -> tuple[str, list[str]]:
    present = [kind for kind in INPUT_KINDS if any(kind in input_kinds(task) for task in tasks)]
    with st.container(horizontal=True, vertical_alignment="center", key="search"):
        query = st.text_input(
            "Search",
            type="search",
            placeholder=f"Search {len(tasks)} tasks" if len(tasks) > 1 else "Search",
            label_visibility="collapsed",
            live="200ms",
            key="query",
            width=360,
        )
        kinds = st.pills(
            "What it takes",
            present,
            selection_mode="multi",
            format_func=INPUT_KINDS.__getitem__,
            label_visibility="collapsed",
            key="kinds",
        )
    return query or "", list(kinds or [])


def _nothing(query: str) -> None:
    with st.container(key="nothing"):
        what = f"“{plain(query.strip())}”" if query.strip() else "this choice"
        st.subheader(f"Nothing matches {what}", anchor=False)
        st.markdown("Try fewer or other words, or start again from the whole gallery.")
        st.button("Clear the search", on_click=_clear)


def _clear() -> None:
    st.session_state["query"] = ""
    st.session_state["kinds"] = []


def _card(task: Task, page: st.Page) -> None:
    picture = runtime().catalogue.entry(task.name).picture
    with st.container(border=True, height="stretch", gap="xsmall", key=f"card-{task.name}"):
        if picture is None:
            # The words below say the same: to a screen reader this is decoration.
            st.html(f'<div class="plate" aria-hidden="true">{escape(initials(task.title))}</div>')
        else:
            st.image(picture, width="stretch", alt=f"A result of {task.title}")
        st.page_link(page, label=f"**{task.title}**")
        st.markdown(task.summary)
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.markdown(f":small[:gray[Takes {takes(task)}]]", width="content")
            st.badge(ADAPTER_KINDS[task.adapters[0].kind], color="gray")
