"""Names for the parameters of an event's function, from which Gradio takes the names that its clients use."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

REQUIRED = inspect.Parameter.empty


def name_parameters(function: Callable[..., Any], defaults: Mapping[str, Any]) -> None:
    """Give a function of `*values` a signature with these names and defaults, the last of them Gradio's request.

    As in any signature, what follows the first optional parameter is optional too; the runtime validates it anyway.
    """
    parameters = []
    optional = False
    for name, default in defaults.items():
        optional = optional or default is not REQUIRED
        value = None if optional and default is REQUIRED else default
        parameters.append(inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=value))
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {"request": gr.Request}
