"""A form that answers while it is filled in: each change runs the task, and the newest change wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from studio.contract import Task
from studio.errors import AtelierError, InvalidInput
from studio.runtime import Runtime
from surfaces.demos.inputs import InputField, collected
from surfaces.demos.outputs import OutputPanel
from surfaces.demos.signature import REQUIRED, name_parameters
from surfaces.demos.status import error_html
from surfaces.identity import owner_of_headers


def connect_changes(
    runtime: Runtime,
    task: Task,
    fields: list[InputField],
    adapter: gr.Textbox,
    panel: OutputPanel,
    status: gr.HTML,
    api_name: str,
) -> None:
    """Run the task at every change of a field, and show the result; none of these runs is kept.

    What is only half written is mostly invalid: its error is shown when the text field is left, not at every letter.

    Args:
        api_name: the name of the run event, to which those of the changes are added.
    """
    components = [component for field in fields for component in field.components]
    event: dict[str, Any] = {
        "inputs": [*components, adapter],
        "outputs": [*panel.components, status],
        "preprocess": False,
        "show_progress": "hidden",
        "concurrency_limit": None,
        "trigger_mode": "always_last",
        "api_visibility": "undocumented",
    }
    for name, moment in (("changed", "input"), ("left", "blur")):
        triggers = [getattr(component, moment) for component in components if hasattr(component, moment)]
        handler = _handler(runtime, task, fields, panel, tell=moment == "blur")
        gr.on(triggers, handler, **event, api_name=f"{api_name}_{name}")


def _handler(
    runtime: Runtime, task: Task, fields: list[InputField], panel: OutputPanel, *, tell: bool
) -> Callable[..., list[Any]]:
    """The event's function; without `tell`, what was shown stays where the input is invalid."""

    def handle(*values: Any) -> list[Any]:
        *shown, adapter, request = values
        still = [gr.skip()] * len(panel.components)
        try:
            payload = collected(fields, shown)
            outputs = runtime.run_frame(task.name, payload, adapter or None, owner_of_headers(request.headers))
        except InvalidInput as error:
            return [*still, error_html(error, task) if tell else gr.skip()]
        except AtelierError as error:
            return [*still, error_html(error, task)]
        return [*panel.render(outputs), ""]

    names = [f"value_{number}" for number in range(sum(len(field.components) for field in fields))]
    name_parameters(handle, dict.fromkeys([*names, "adapter", "request"], REQUIRED))
    return handle
