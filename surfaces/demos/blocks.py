"""Builds the Gradio demo of any task from its declaration."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import gradio as gr

from studio.contract import Chat, Example, Task
from studio.errors import AtelierError, NotFound
from studio.fields import describe
from studio.jobs import Job
from studio.pool import import_entry
from studio.runtime import Runtime
from surfaces.demos.chat import ChatPanel
from surfaces.demos.inputs import InputField, build_input, collected
from surfaces.demos.live import build_live
from surfaces.demos.outputs import OutputPanel
from surfaces.demos.rerun import connect_changes
from surfaces.demos.signature import REQUIRED, name_parameters
from surfaces.demos.status import error_html, status_html
from surfaces.identity import owner_of_headers

_PROGRESS_EVERY_S = 0.1
_DAY_S = 24 * 3600


def build_blocks(runtime: Runtime, task: Task) -> gr.Blocks:
    """The demo of a task, with those of its parts as further tabs, or the layout that its family brings.

    Its events are `/run`, `/cancel` and, for parts, `/<part>` and `/cancel_<part>`.
    """
    parts = runtime.catalogue.parts(task.name)
    blocks: gr.Blocks
    with gr.Blocks(title=f"{task.title} · Atelier", analytics_enabled=False, delete_cache=(600, 3600)) as blocks:
        adapter = gr.Textbox(value="", visible=False, label="Adapter", elem_id="adapter")
        if task.layout:
            import_entry(task.layout)(runtime, task, adapter)
        elif task.chat:
            _build_chat(runtime, task, task.chat, adapter, blocks)
        elif not (parts or task.live):
            Panel(runtime, task, adapter, "run", blocks)
        else:
            with gr.Tabs() as tabs:
                with gr.Tab("Picture" if task.live else task.title, id="try"):
                    panel = Panel(runtime, task, adapter, "run", blocks)
                if task.live:
                    with gr.Tab("Live", id="live"):
                        build_live(runtime, task, adapter, panel.inputs)
                for part in parts:
                    with gr.Tab(part.title, id=part.name):
                        Panel(runtime, part, None, part.name, blocks)
            _open_run(runtime, parts, tabs, blocks)
        blocks.load(
            _adapter_of, None, adapter, api_name="adapter", api_visibility="undocumented", show_progress="hidden"
        )
    return blocks


def _build_chat(runtime: Runtime, task: Task, chat: Chat, adapter: gr.Textbox, blocks: gr.Blocks) -> None:
    """The conversation first, then the parts that it has no use for; the calls that it is made of come last."""
    parts = runtime.catalogue.parts(task.name)
    with gr.Tabs() as tabs:
        with gr.Tab("Chat", id="chat"):
            ChatPanel(runtime, task, chat, adapter, blocks)
        for part in parts:
            if part.name not in chat.helpers:
                with gr.Tab(part.title, id=part.name):
                    Panel(runtime, part, None, part.name, blocks)
        with gr.Tab("Call by call", id="calls"), gr.Tabs():
            with gr.Tab(task.title, id="try"):
                Panel(runtime, task, adapter, "run", blocks)
            for part in parts:
                if part.name in chat.helpers:
                    with gr.Tab(part.title, id=part.name):
                        Panel(runtime, part, None, part.name, blocks)
    _open_run(runtime, [part for part in parts if part.name not in chat.helpers], tabs, blocks)


def _open_run(runtime: Runtime, parts: list[Task], tabs: gr.Tabs, blocks: gr.Blocks) -> None:
    """Show the tab of the run that the page around the demo asks for."""
    names = [part.name for part in parts]

    def opened(request: gr.Request) -> Any:
        job = _asked_run(runtime, request)
        return gr.update(selected=job.task) if job is not None and job.task in names else gr.skip()

    blocks.load(opened, None, tabs, api_name="opened", api_visibility="undocumented", show_progress="hidden")


def _asked_run(runtime: Runtime, request: gr.Request) -> Job | None:
    """The run that the query string names, if it is the visitor's."""
    try:
        return runtime.jobs.get(str(request.query_params["run"]), owner_of_headers(request.headers))
    except (KeyError, AtelierError):
        return None


def _adapter_of(request: gr.Request) -> str:
    """The adapter that the page around the demo asks for in the query string."""
    return str(request.query_params.get("adapter", ""))


class Panel:
    """Inputs, buttons, examples and outputs of one task, and the events between them.

    Args:
        adapter: the component with the adapter's name; None leaves the default.
        api_name: the name of the run event.
        blocks: what the panel is built into.
    """

    def __init__(
        self, runtime: Runtime, task: Task, adapter: gr.Textbox | None, api_name: str, blocks: gr.Blocks
    ) -> None:
        self._runtime = runtime
        self._task = task
        self._api_name = api_name
        self._adapter = adapter or gr.Textbox(value="", visible=False, label="Adapter")
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=300):
                self.inputs = self._build_inputs()
                with gr.Row():
                    self._start = gr.Button("Run", variant="primary", elem_id=f"{api_name}-start")
                    self._stop = gr.Button("Cancel", variant="stop", visible=False, elem_id=f"{api_name}-cancel")
                examples = self._build_examples()
            with gr.Column(scale=6, min_width=300):
                self._status = gr.HTML(
                    elem_id=f"{api_name}-status", elem_classes=["run-status"], label="Status", show_label=False
                )
                self._panel = OutputPanel(task)
        self._job_id = gr.Textbox(visible=False, label="Job")
        if api_name != "run":  # several panels share one page
            for component in [*self._shown_inputs, *self._panel.components]:
                component.elem_id = f"{api_name}-{component.elem_id}"
        self._connect(examples, blocks)

    def _build_inputs(self) -> list[InputField]:
        """The fields in their order; advanced ones under "Settings"."""
        specs = describe(self._task.inputs)
        fields = {spec.name: build_input(spec) for spec in specs if not spec.ui.advanced}
        advanced = [spec for spec in specs if spec.ui.advanced]
        if advanced:
            with gr.Accordion("Settings", open=False):
                fields |= {spec.name: build_input(spec) for spec in advanced}
        for field in fields.values():
            if field.link:
                field.link(fields[field.spec.ui.over])
        return [fields[spec.name] for spec in specs]

    def _build_examples(self) -> list[tuple[gr.Button, Example]]:
        with gr.Column(elem_classes=["examples"], min_width=0):
            gr.HTML('<p class="examples-title">Examples: one click runs them</p>', show_label=False)
            with gr.Row(elem_classes=["examples-row"]):
                return [
                    (gr.Button(example.title, size="sm", icon=_icon(example), elem_classes=["example"]), example)
                    for example in self._task.examples
                ]

    @property
    def _shown_inputs(self) -> list[gr.components.Component]:
        return [component for field in self.inputs for component in field.components]

    @property
    def _run_outputs(self) -> list[gr.components.Component]:
        return [*self._panel.components, self._status, self._start, self._stop, self._job_id]

    def _connect(self, examples: list[tuple[gr.Button, Example]], blocks: gr.Blocks) -> None:
        run: dict[str, Any] = {
            "fn": self._handler(),
            "inputs": [*self._shown_inputs, self._adapter],
            "outputs": self._run_outputs,
            "preprocess": False,
            "show_progress": "hidden",
            "concurrency_limit": None,
            "trigger_mode": "once",
        }
        self._start.click(**run, api_name=self._api_name, api_description=self._task.summary)
        for number, (button, example) in enumerate(examples, 1):
            name = f"{self._api_name}_example_{number}"
            filled = button.click(
                self._filler(example),
                None,
                self._shown_inputs,
                api_name=name,
                api_visibility="undocumented",
                show_progress="hidden",
                concurrency_limit=None,
            )
            inputs = run["inputs"]
            if example.adapter:
                inputs = [*self._shown_inputs, gr.Textbox(value=example.adapter, visible=False, label="Adapter")]
            filled.then(**(run | {"inputs": inputs}), api_name=f"{name}_run", api_visibility="undocumented")
        if self._task.rerun_on_change:
            connect_changes(
                self._runtime, self._task, self.inputs, self._adapter, self._panel, self._status, self._api_name
            )
        self._stop.click(
            self._cancel,
            self._job_id,
            None,
            api_name="cancel" if self._api_name == "run" else f"cancel_{self._api_name}",
            queue=False,
            show_progress="hidden",
        )
        blocks.load(
            self._restore,
            None,
            [*self._shown_inputs, *self._run_outputs],
            api_name=f"{self._api_name}_restore",
            api_visibility="undocumented",
            show_progress="hidden",
            concurrency_limit=None,
        )

    def _handler(self) -> Callable[..., AsyncIterator[list[Any]]]:
        """The run event's function; its signature names the fields, as clients of the API see them."""

        async def handle(*values: Any) -> AsyncIterator[list[Any]]:
            *shown, adapter, request = values
            try:
                job = self._runtime.submit(
                    self._task.name,
                    collected(self.inputs, shown),
                    adapter=adapter or None,
                    owner=owner_of_headers(request.headers),
                )
            except AtelierError as error:
                yield [*self._panel.empty(), error_html(error, self._task), gr.skip(), gr.skip(), ""]
                raise _silent(error) from None
            async for update in self._follow(job):
                yield update
            if job.error is not None:
                raise _silent(job.error)

        fields = [(field, index) for field in self.inputs for index in range(len(field.components))]
        named = {_component_name(field, index): _default(field, index) for field, index in fields}
        name_parameters(handle, {**named, "adapter": "", "request": None})
        return handle

    async def _follow(self, job: Job, *, found_again: bool = False) -> AsyncIterator[list[Any]]:
        """The run outputs after each change of the job, partial answers included, at most ten times a second."""
        adapter = self._runtime.catalogue.adapter(self._task, job.adapter)
        shown: Any = None
        told_s = 0.0
        async for state in job.follow():
            if not state.finished and time.monotonic() - told_s < _PROGRESS_EVERY_S:
                continue
            told_s = time.monotonic()
            # the last event is a client's answer: it has the result even if an earlier one had it already
            fresh = state.outputs if state.finished or state.outputs is not shown else None
            results = [gr.skip()] * len(self._panel.views) if fresh is None else self._panel.render(fresh)
            shown = state.outputs
            yield [
                *(self._panel.empty() if state.error is not None and state.outputs is None else results),
                status_html(state, self._task, adapter, found_again=found_again and state.finished),
                gr.update(visible=state.finished),
                gr.update(visible=not state.finished),
                state.id,
            ]

    def _filler(self, example: Example) -> Callable[[], Any]:
        def fill() -> Any:
            values = [value for field in self.inputs for value in field.fill(self._example_value(field, example))]
            return values if len(values) != 1 else values[0]

        return fill

    def _example_value(self, field: InputField, example: Example) -> Any:
        return example.values.get(field.spec.name, field.spec.default)

    def _cancel(self, job_id: str, request: gr.Request) -> None:
        """Cancel the run that the panel shows."""
        try:
            self._runtime.jobs.get(job_id, owner_of_headers(request.headers)).cancel()
        except NotFound:
            return  # it has ended, and its time is over: nothing is left to cancel

    async def _restore(self, request: gr.Request) -> AsyncIterator[list[Any]]:
        """A run with its inputs and its result, running or done: see `_found`."""
        job = await asyncio.to_thread(self._found, request)
        if job is None:
            yield [gr.skip()] * (len(self._shown_inputs) + len(self._run_outputs))
            return
        inputs = [value for field in self.inputs for value in field.fill(getattr(job.inputs, field.spec.name))]
        async for update in self._follow(job, found_again=True):
            yield [*inputs, *update]
            inputs = [gr.skip()] * len(inputs)

    def _found(self, request: gr.Request) -> Job | None:
        """The run of this task that the address names; else, after a reload, the visitor's latest of the last day."""
        if "run" in request.query_params:
            job = _asked_run(self._runtime, request)
            return job if job is not None and job.task == self._task.name else None
        job = self._runtime.jobs.latest(owner_of_headers(request.headers), self._task.name)
        return job if job is not None and (not job.finished or job.created_s > time.time() - _DAY_S) else None


def _default(field: InputField, index: int) -> Any:
    """What a client may leave out, or REQUIRED."""
    if field.spec.required and index == 0:
        return REQUIRED
    value = field.fill(field.spec.default)[index]
    return getattr(value, "value", value) or None  # Gradio takes a default of None alone for a component without value


def _component_name(field: InputField, index: int) -> str:
    return field.spec.name if index == 0 else f"{field.spec.name}_{index + 1}"


def _icon(example: Example) -> str | None:
    """The example's first picture."""
    for value in example.values.values():
        first = value[0] if isinstance(value, list | tuple) and value else value
        if isinstance(first, Path) and first.suffix in (".jpg", ".png", ".webp"):
            return str(first)
    return None


def _silent(error: AtelierError) -> gr.Error:
    """The error for programs that call the event: its JSON shape. The page has shown it already."""
    return gr.Error(json.dumps(error.shape()), visible=False, print_exception=False)
