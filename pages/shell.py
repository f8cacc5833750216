"""The script that Streamlit runs at each interaction: page settings, navigation, and the page that was chosen."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from pages import home, models, runs, system, task
from pages.host import here, runtime
from pages.style import apply_style
from studio.catalogue import Catalogue

# A file of our own: Streamlit fetches a ":material/..:" icon of the page from another host.
ICON = Path(__file__).parent / "icon.svg"


def navigation(catalogue: Catalogue) -> dict[str, list[st.Page]]:
    """The pages by section: the studio's own first, then each section of tasks in the catalogue's order."""
    kept = st.Page(lambda: runs.show(kept, tasks), title="Runs", icon=":material/history:", url_path="runs")
    tasks = {
        declared.name: st.Page(partial(task.show, declared, kept), title=declared.title, url_path=declared.name)
        for declared in catalogue
        if declared.part_of is None
    }
    sections = {
        "Studio": [
            st.Page(partial(home.show, tasks), title="Gallery", icon=":material/grid_view:", default=True),
            kept,
            st.Page(partial(models.show, tasks), title="Models", icon=":material/inventory_2:", url_path="models"),
            st.Page(system.show, title="System", icon=":material/memory:", url_path="system"),
        ]
    }
    for declared in catalogue:
        if declared.name in tasks:
            sections.setdefault(declared.section, []).append(tasks[declared.name])
    return sections


def main() -> None:
    """Draw the shell and run the chosen page."""
    st.set_page_config(page_title="Atelier", page_icon=ICON, layout="wide")
    apply_style()
    page = st.navigation(navigation(runtime().catalogue), expanded=14)
    with st.sidebar:
        st.markdown(f":small[[API reference]({here('/docs')}) :gray[· MCP at {here('/mcp')}]]")
    page.run()


if __name__ == "__main__":
    main()
