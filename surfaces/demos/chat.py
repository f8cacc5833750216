"""A conversation with its sources beside it, for any task that declares one; see `studio.contract.Chat`."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.contract import Chat, Outputs, Task
from studio.errors import AtelierError, NotFound
from studio.fields import describe
from studio.jobs import Job
from studio.results import Message, Source
from studio.runtime import Runtime
from surfaces.demos.chat_keeping import Keeping, wired
from surfaces.demos.inputs import InputField, build_input, collected
from surfaces.demos.outputs import OutputPanel
from surfaces.demos.signature import name_parameters
from surfaces.demos.status import error_html, status_html
from surfaces.identity import owner_of_headers

_SHOW_EVERY_S = 0.1
_QUOTE_CHARACTERS = 160
_CITED = re.compile(r"(?<!\\)\[(\d{1,3})\]")

#: For the page's head, so that the first click is heard too: a click on a number in an answer presses the hidden
#: button, which asks the studio for the place.
CITATIONS_HEAD = """
<script>
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href*="#source-"]');
  if (!link) return;
  event.preventDefault();
  event.stopPropagation();
  document.documentElement.dataset.cited = link.href.split("#source-")[1];
  document.querySelector("#chat-cited").click();
}, true);
</script>
"""
_CITED_JS = "(cited, thread) => [document.documentElement.dataset.cited, thread]"


@dataclass(frozen=True)
class Shown:
    """A conversation as the page shows it."""

    thread: str
    messages: list[Message]

    def bubbles(self, asked: str = "", said: str = "") -> list[dict[str, str]]:
        """Its messages and a turn in the making, as Gradio takes them; numbers of sources are links to them."""
        turns = [
            {"role": message.role, "content": _linked(message.content, message.sources, turn)}
            for turn, message in enumerate(self.messages)
        ]
        turns += [{"role": "user", "content": asked}] if asked else []
        return turns + ([{"role": "assistant", "content": said or "…"}] if asked else [])

    @property
    def last_turn(self) -> int:
        """Which message is the last that cites something; -1 where none does."""
        cited = [turn for turn, message in enumerate(self.messages) if message.sources]
        return cited[-1] if cited else -1

    def sources(self, turn: int) -> Sequence[Source]:
        """What a message cites."""
        return self.messages[turn].sources if 0 <= turn < len(self.messages) else []


class ChatPanel:
    """The conversation, what it cites, and the place of a citation; `Keeping` has the topics and threads around it.

    Args:
        adapter: the component with the adapter's name.
    """

    def __init__(self, runtime: Runtime, task: Task, chat: Chat, adapter: gr.Textbox, blocks: gr.Blocks) -> None:
        self._runtime = runtime
        self._task = task
        self._chat = chat
        self._place = runtime.catalogue.task(chat.place)
        self._specs = {spec.name: spec for spec in describe(task.inputs)}
        self._keeping = Keeping(runtime, task, chat)
        with gr.Row(equal_height=False, elem_classes=["chat"]):
            with gr.Column(scale=6, min_width=320):
                self._said = self._build_chatbot()
                self._message = self._build_message()
                with gr.Row():
                    self._ask = gr.Button("Ask", variant="primary", elem_id="chat-ask")
                    self._stop = gr.Button("Cancel", variant="stop", visible=False, elem_id="chat-cancel")
                self._status = gr.HTML(elem_classes=["run-status"], elem_id="chat-status", show_label=False)
                self._settings = self._build_settings()
            with gr.Column(scale=5, min_width=320):
                self._sources = gr.Radio([], label="Sources", elem_id="chat-sources", visible=False)
                self._nothing = gr.HTML(_NO_SOURCES, show_label=False)
                with gr.Column(visible=False, elem_id="chat-place") as self._place_column:
                    self._panel = OutputPanel(self._place, data=False)
        for component in self._panel.components:
            component.elem_id = f"chat-{component.elem_id}"
        self._cited = gr.Textbox(visible=False, label="Cited")
        self._open = gr.Button("Open the source", visible="hidden", elem_id="chat-cited")
        self._job_id = gr.Textbox(visible=False, label="Job")
        self._adapter = adapter
        self._connect(blocks)

    def _build_chatbot(self) -> gr.Chatbot:
        return gr.Chatbot(
            label="Conversation",
            show_label=False,
            elem_id="chat-said",
            height=440,
            layout="panel",
            placeholder="Write below, or begin with one of these:" if self._task.examples else "Write below.",
            examples=[{"text": str(example.values[self._chat.message])} for example in self._task.examples],
            latex_delimiters=[],
            allow_tags=False,
            feedback_options=[],
            buttons=[],
        )

    def _build_message(self) -> gr.Textbox:
        spec = self._specs[self._chat.message]
        return gr.Textbox(
            label=spec.title,
            show_label=False,
            placeholder=spec.ui.placeholder or spec.title,
            max_lines=8,
            elem_id="chat-message",
            autofocus=False,
        )

    def _build_settings(self) -> list[InputField]:
        chat = self._chat
        own = (chat.message, chat.topic, chat.thread, chat.history)
        rest = [spec for spec in self._specs.values() if spec.name not in own]
        if not rest:
            return []
        with gr.Accordion("Settings", open=False):
            fields = [build_input(spec) for spec in rest]
        for field in fields:
            for component in field.components:
                component.elem_id = f"chat-{component.elem_id}"
        return fields

    @property
    def _place_outputs(self) -> list[gr.components.Component]:
        return [self._place_column, *self._panel.components]

    @property
    def _turn_outputs(self) -> list[gr.components.Component]:
        """What a turn changes."""
        return [
            self._said, self._message, self._status, self._ask, self._stop, self._job_id, self._sources, self._nothing,
            self._keeping.thread, *self._place_outputs,
        ]  # fmt: skip

    def _connect(self, blocks: gr.Blocks) -> None:
        keeping = self._keeping
        settings = [component for field in self._settings for component in field.components]
        asking = [self._message, keeping.topic, keeping.thread, self._adapter, *settings]
        ask = wired(self._handler(), asking, self._turn_outputs)
        self._ask.click(**ask, api_name="chat_ask", trigger_mode="once")
        self._message.submit(**ask, api_name="chat_enter", trigger_mode="once")
        filled = self._said.example_select(
            self._example,
            None,
            [self._message, keeping.topic],
            api_name="chat_example",
            api_visibility="undocumented",
            show_progress="hidden",
        )
        filled.then(**ask, api_name="chat_example_ask")
        self._stop.click(**wired(self._cancel, [self._job_id], []), api_name="chat_cancel")
        thread = [self._said, self._sources, self._nothing, *self._place_outputs]
        opened = wired(self._opened, [keeping.thread], [*thread, keeping.topic, self._status])
        keeping.show_files_after(filled, "chat_example_files")
        keeping.show_files_after(keeping.thread.input(**opened, api_name="chat_open"), "chat_open_files")
        keeping.after_thread_change(opened)
        place = [*self._place_outputs, self._status, self._sources]
        self._sources.input(**wired(self._show, [self._sources, keeping.thread], place), api_name="chat_source")
        cited = wired(self._show, [self._cited, keeping.thread], place)
        self._open.click(**cited, js=_CITED_JS, api_name="chat_cited")
        blocks.load(**wired(self._restore, [], [*keeping.components, *self._turn_outputs]), api_name="chat_restore")

    def _handler(self) -> Callable[..., AsyncIterator[list[Any]]]:
        """The event's function: put a question, and show the answer as it comes."""

        async def ask(*values: Any) -> AsyncIterator[list[Any]]:
            message, topic, thread, adapter, *settings, request = values
            owner = owner_of_headers(request.headers)
            payload = {self._chat.message: message or "", self._chat.topic: topic, self._chat.thread: thread or ""}
            payload |= collected(self._settings, settings)
            try:
                job = self._runtime.submit(self._task.name, payload, adapter=adapter or None, owner=owner)
            except AtelierError as error:
                yield self._turn(status=error_html(error, self._task))
                return
            async for update in self._follow(job, owner):
                yield update

        settings = [f"{f.spec.name}_{place}" for f in self._settings for place in range(len(f.components))]
        name_parameters(ask, dict.fromkeys(["message", "topic", "thread", "adapter", *settings, "request"]))
        return ask

    async def _follow(self, job: Job, owner: str, *, found_again: bool = False) -> AsyncIterator[list[Any]]:
        """What the page shows after each change of a job, at most ten times a second."""
        adapter = self._runtime.catalogue.adapter(self._task, job.adapter)
        before = self._shown(str(getattr(job.inputs, self._chat.thread)), owner)
        asked = str(getattr(job.inputs, self._chat.message))
        told_s = 0.0
        async for state in job.follow():
            if not state.finished and time.monotonic() - told_s < _SHOW_EVERY_S:
                continue
            told_s = time.monotonic()
            status = status_html(state, self._task, adapter, found_again=found_again and state.finished)
            if state.error is not None:
                yield self._turn(before.bubbles(), status=status, message=asked)
            elif not state.finished:
                said = str(getattr(state.outputs, self._chat.answer)) if state.outputs else ""
                yield self._turn(before.bubbles(asked, said), status=status, message="", running=state.id)
            else:
                yield self._done(state, owner, status)

    def _done(self, job: Job, owner: str, status: str) -> list[Any]:
        shown = self._shown(str(getattr(job.outputs, self._chat.thread)), owner)
        threads = self._keeping.threads(owner, shown.thread)
        return self._turn(
            shown.bubbles(), status=status, message="", sources=self._listed(shown, shown.last_turn), thread=threads
        )

    def _turn(
        self,
        said: Any = None,
        *,
        status: str,
        message: Any = None,
        running: str = "",
        sources: list[Any] | None = None,
        thread: Any = None,
    ) -> list[Any]:
        """Values of `_turn_outputs`; what is None stays as it is."""
        return [
            gr.skip() if said is None else said,
            gr.skip() if message is None else message,
            status,
            gr.update(visible=not running),
            gr.update(visible=bool(running)),
            running,
            *([gr.skip(), gr.skip()] if sources is None else sources),
            gr.skip() if thread is None else thread,
            *([gr.skip()] * len(self._place_outputs) if sources is None else self._no_place()),
        ]

    def _shown(self, thread: str, owner: str) -> Shown:
        """A conversation from where it is kept; an empty one where there is none of that id."""
        if not thread:
            return Shown("", [])
        try:
            kept = self._keeping.look(self._chat.threads, owner, action="show", **{self._chat.thread: thread})
        except AtelierError:  # deleted in another window
            return Shown("", [])
        return Shown(thread, kept.messages)

    @staticmethod
    def _listed(shown: Shown, turn: int, chosen: str | None = None) -> list[Any]:
        """The sources of a turn to choose from, and whether the words for none are shown."""
        choices = [(_label(source), f"{turn}-{source.number}") for source in shown.sources(turn)]
        return [gr.update(choices=choices, value=chosen, visible=bool(choices)), gr.update(visible=not choices)]

    def _show(self, cited: str, thread: str, request: gr.Request) -> list[Any]:
        """The place of a source, given as "<turn>-<number>"."""
        owner = owner_of_headers(request.headers)
        shown = self._shown(thread or "", owner)
        turn, _, number = (cited or "").partition("-")
        place = int(turn) if turn.isdecimal() else -1
        source = next((one for one in shown.sources(place) if str(one.number) == number), None)
        if source is None:
            return [*[gr.skip()] * len(self._place_outputs), gr.skip(), gr.skip()]
        listed = self._listed(shown, place, cited)[0]
        try:
            outputs = self._runtime.run_frame(self._place.name, source.place, owner=owner)
        except AtelierError as error:
            return [*self._no_place(), error_html(error, self._place), listed]
        return [*self._filled(outputs), gr.skip(), listed]

    def _filled(self, outputs: Outputs) -> list[Any]:
        values = self._panel.render(outputs)
        return [gr.update(visible=True), *[gr.update(value=v, visible=v not in (None, "")) for v in values]]

    def _no_place(self) -> list[Any]:
        return [gr.update(visible=False), *[gr.skip()] * len(self._panel.components)]

    def _opened(self, thread: str, request: gr.Request) -> list[Any]:
        """An earlier conversation, or an empty one."""
        owner = owner_of_headers(request.headers)
        shown = self._shown(thread or "", owner)
        topic = self._keeping.topic_of(shown.thread, owner)
        return [
            shown.bubbles(),
            *self._listed(shown, shown.last_turn),
            *self._no_place(),
            gr.update(value=topic) if topic else gr.skip(),
            "",
        ]

    def _example(self, request: gr.Request, selected: gr.SelectData) -> list[Any]:
        text = selected.value["text"]
        values = next(e.values for e in self._task.examples if e.values[self._chat.message] == text)
        return [text, values.get(self._chat.topic, self._specs[self._chat.topic].default)]

    def _cancel(self, job_id: str, request: gr.Request) -> None:
        try:
            self._runtime.jobs.get(job_id, owner_of_headers(request.headers)).cancel()
        except NotFound:
            return  # it has ended

    async def _restore(self, request: gr.Request) -> AsyncIterator[list[Any]]:
        """After a reload: the topics and threads, and the latest question, answered or not yet."""
        owner = owner_of_headers(request.headers)
        jobs = [job for job in self._runtime.jobs.of(owner, self._task.name) if self._kept(job)]
        topic = str(getattr(jobs[0].inputs, self._chat.topic)) if jobs else None
        thread = str(getattr(jobs[0].outputs or jobs[0].inputs, self._chat.thread)) if jobs else ""
        kept = self._keeping.restored(owner, topic, thread)
        if not jobs:
            yield [*kept, *self._turn(status="")]
            return
        async for update in self._follow(jobs[0], owner, found_again=True):
            yield [*kept, *update]
            kept = [gr.skip()] * len(kept)

    def _kept(self, job: Job) -> bool:
        """Whether a job is a turn of a conversation that is kept here, and did not fail."""
        return getattr(job.inputs, self._chat.history) is None and job.state not in ("failed", "cancelled")


_NO_SOURCES = '<p class="hint">The places that an answer comes from will be listed here. A click opens them.</p>'


def _linked(content: str, sources: Sequence[Source], turn: int) -> str:
    """An answer whose numbers lead to its sources."""
    known = {source.number for source in sources}

    def link(found: re.Match[str]) -> str:
        return f"[\\[{found[1]}\\]](#source-{turn}-{found[1]})" if int(found[1]) in known else found[0]

    return _CITED.sub(link, content)


def _label(source: Source) -> str:
    quote = " ".join(source.quote.split())
    shown = quote if len(quote) <= _QUOTE_CHARACTERS else quote[: _QUOTE_CHARACTERS - 1].rstrip() + "…"
    return f"[{source.number}] {source.title}: “{shown}”"
