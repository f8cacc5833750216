"""What a chat page keeps: topics with their files, and earlier conversations, to be picked, renamed and deleted."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import gradio as gr

from studio.contract import Chat, Task
from studio.errors import AtelierError
from studio.fields import describe
from studio.runtime import Runtime
from surfaces.demos.files import to_file
from surfaces.demos.inputs import build_input
from surfaces.demos.status import error_html, status_html
from surfaces.identity import owner_of_headers

_NEW = "New chat"


def wired(
    function: Callable[..., Any], inputs: Sequence[gr.components.Component], outputs: Sequence[Any]
) -> dict[str, Any]:
    """What every event of a chat page has: it belongs to the page, is not waited for, and is checked by the runtime."""
    return {
        "fn": function,
        "inputs": list(inputs),
        "outputs": list(outputs),
        "preprocess": False,
        "show_progress": "hidden",
        "concurrency_limit": None,
        "api_visibility": "undocumented",
    }


class Keeping:
    """The pickers of topic and conversation, and below them what can be done with each."""

    def __init__(self, runtime: Runtime, task: Task, chat: Chat) -> None:
        self._runtime = runtime
        self._chat = chat
        self._upload = runtime.catalogue.task(chat.upload)
        spec = next(spec for spec in describe(task.inputs) if spec.name == chat.topic)
        self._noun = spec.title
        self._default = str(spec.default)
        with gr.Row(equal_height=True, elem_classes=["chat-pickers"]):
            self.topic = gr.Dropdown(
                [self._default], value=self._default, label=self._noun, elem_id="chat-topic", min_width=200
            )
            self.thread = gr.Dropdown([(_NEW, "")], value="", label="Chat", elem_id="chat-thread", min_width=200)
            self._new = gr.Button(_NEW, elem_id="chat-new", scale=0, min_width=120)
        with gr.Row(equal_height=False, elem_classes=["chat-keeping"]):
            with gr.Accordion("Files", open=False, elem_id="chat-files"):
                self._build_topic()
            with gr.Accordion("This chat", open=False, elem_id="chat-this"):
                self._build_thread()
        self._connect()

    def _build_topic(self) -> None:
        spec = next(spec for spec in describe(self._upload.inputs) if spec.name == "files")
        own = next(spec for spec in describe(self._upload.inputs) if spec.name == self._chat.topic)
        self._into = gr.Textbox(
            value=str(own.default or ""),
            label=f"Add to {self._noun.lower()}",
            info="A new name begins a new one.",
            elem_id="chat-into",
        )
        self._field = build_input(spec)
        self._files: Any = self._field.components[0]  # a gr.File
        self._files.elem_id = "chat-upload"
        self._told = gr.HTML(elem_classes=["run-status"], elem_id="chat-told", show_label=False)
        self._listed = gr.Dataframe(
            visible=False, interactive=False, label=f"Files of the {self._noun.lower()}", elem_id="chat-listed"
        )
        with gr.Row():
            self._file = gr.Dropdown([], label="File", visible=False, elem_id="chat-file")
            self._remove = gr.Button("Remove file", visible=False, scale=0, min_width=140, elem_id="chat-remove")
        with gr.Row():
            self._name = gr.Textbox(label="New name", elem_id="chat-new-name")
            self._rename = gr.Button(f"Rename {self._noun.lower()}", scale=0, min_width=160, elem_id="chat-rename")
        self._delete, self._sure = _delete_buttons(f"Delete {self._noun.lower()}", "chat-delete")

    def _build_thread(self) -> None:
        with gr.Row():
            self._title = gr.Textbox(label="Title", elem_id="chat-title")
            self._retitle = gr.Button("Rename chat", scale=0, min_width=140, elem_id="chat-retitle")
        self._export = gr.Button("Export as Markdown", elem_id="chat-export")
        self._exported = gr.File(visible=False, interactive=False, label="Export", elem_id="chat-exported")
        self._forget, self._surely = _delete_buttons("Delete chat", "chat-forget")
        self._said = gr.HTML(elem_classes=["run-status"], elem_id="chat-thread-told", show_label=False)

    @property
    def components(self) -> list[gr.components.Component]:
        """What `restored` fills."""
        return [self.topic, self.thread, *self._of_topic]

    @property
    def _of_topic(self) -> list[gr.components.Component]:
        return [self._listed, self._file, self._remove, self._into, self._name]

    def _connect(self) -> None:
        around = [self.topic, *self._of_topic, self._told]
        self.topic.input(**wired(self._looked, [self.topic], self._of_topic), api_name="chat_topic")
        self._files.upload(
            **wired(self._added, [self._into, self._files], [self._files, *around]), api_name="chat_add_files"
        )
        self._remove.click(**wired(self._removed, [self.topic, self._file], around), api_name="chat_remove_file")
        self._rename.click(**wired(self._renamed, [self.topic, self._name], around), api_name="chat_rename_topic")
        self._sure.click(**wired(self._deleted, [self.topic], [*around, self._sure]), api_name="chat_delete_topic")
        of_thread = [self.thread, self._said, self._surely]
        self._retitle.click(
            **wired(self._retitled, [self.thread, self._title], [*of_thread, self._title]), api_name="chat_rename"
        )
        self._export.click(
            **wired(self._exporting, [self.thread], [self._exported, self._said]), api_name="chat_export"
        )
        self._new_event = self._new.click(**wired(lambda: "", [], [self.thread]), api_name="chat_new")
        self._gone_event = self._surely.click(
            **wired(self._forgotten, [self.thread], of_thread), api_name="chat_delete"
        )

    def after_thread_change(self, event: dict[str, Any]) -> None:
        """What the page does after "New chat" and after a chat was deleted."""
        for before, name in ((self._new_event, "chat_new"), (self._gone_event, "chat_delete")):
            self.show_files_after(before.then(**event, api_name=f"{name}_open"), f"{name}_files")

    def show_files_after(self, event: Any, api_name: str) -> None:
        """Show the files of the topic that an event has picked.

        Not at every change of the picker: that would be asked again beside what changes topics and files here, and the
        later answer might be the older one.
        """
        event.then(**wired(self._looked, [self.topic], self._of_topic), api_name=api_name)

    def look(self, task: str, owner: str, **values: Any) -> Any:
        """The outputs of one of the keeping tasks; no job is kept of it. Raises what the task raises."""
        return self._runtime.run_frame(task, values, owner=owner)

    def threads(self, owner: str, chosen: str) -> Any:
        """The picker of conversations with one of them chosen."""
        frame = self.look(self._chat.threads, owner, action="list").chats.frame
        pairs = [(str(title), str(name)) for name, title in frame.iloc[:, :2].itertuples(index=False)]
        value = chosen if chosen in {name for _, name in pairs} else ""
        return gr.update(choices=[(_NEW, ""), *pairs], value=value)

    def topic_of(self, thread: str, owner: str) -> str:
        """What a conversation was last about; empty where that is not there any more."""
        if not thread:
            return ""
        kept = self.look(self._chat.threads, owner, action="show", **{self._chat.thread: thread})
        return str(getattr(kept, self._chat.topic))

    def restored(self, owner: str, topic: str | None, thread: str) -> list[Any]:
        """Values of `components` when the page is opened."""
        names = self._names(owner)
        chosen = topic if topic in names else self._default
        return [self._topics(names, chosen), self.threads(owner, thread), *self._about(chosen, owner)]

    def _names(self, owner: str) -> list[str]:
        table = self.look(self._chat.topics, owner, action="list").table
        return list(dict.fromkeys([*(str(name) for name in table.frame.iloc[:, 0]), self._default]))

    @staticmethod
    def _topics(names: Sequence[str], chosen: str) -> Any:
        return gr.update(choices=list(names), value=chosen)

    def _about(self, topic: str, owner: str) -> list[Any]:
        """Values of `_of_topic`."""
        try:
            frame = self.look(self._chat.topics, owner, action="files", **{self._chat.topic: topic}).table.frame
        except AtelierError:  # nothing was put into it yet
            frame = None
        names = [] if frame is None else [str(name) for name in frame.iloc[:, 0]]
        there = bool(names)
        into = gr.skip() if topic == self._default else topic
        return [
            gr.update(value=frame, visible=there),
            gr.update(choices=names, value=names[0] if names else None, visible=there),
            gr.update(visible=there),
            into,
            "",
        ]

    def _looked(self, topic: str, request: gr.Request) -> list[Any]:
        return self._about(topic, owner_of_headers(request.headers))

    async def _added(self, into: str, files: Any, request: gr.Request) -> AsyncIterator[list[Any]]:
        """Add what was dropped, with its progress."""
        owner = owner_of_headers(request.headers)
        still = [gr.skip()] * (1 + len(self._of_topic))
        payload = {self._chat.topic: into or "", "files": self._field.collect([files])}
        try:
            job = self._runtime.submit(self._upload.name, payload, owner=owner)
        except AtelierError as error:
            yield [None, *still, error_html(error, self._upload)]
            return
        adapter = self._runtime.catalogue.adapter(self._upload, job.adapter)
        async for state in job.follow():
            if not state.finished:
                yield [gr.skip(), *still, status_html(state, self._upload, adapter)]
        if job.error is not None or job.outputs is None:
            yield [None, *still, status_html(job, self._upload, adapter)]
            return
        names = self._names(owner)
        topic = str(getattr(job.outputs, self._chat.topic))
        told = _added_told(job.outputs)
        yield [None, self._topics(names, topic), *self._about(topic, owner), told]

    def _removed(self, topic: str, file: str, request: gr.Request) -> list[Any]:
        return self._changed(request, topic, action="remove file", document=file or "")

    def _renamed(self, topic: str, name: str, request: gr.Request) -> list[Any]:
        return self._changed(request, name or "", topic, action="rename", new_name=name or "")

    def _deleted(self, topic: str, request: gr.Request) -> list[Any]:
        return [*self._changed(request, self._default, topic, action="delete"), gr.update(visible=False)]

    def _changed(self, request: gr.Request, after: str, topic: str = "", **values: Any) -> list[Any]:
        """Do something with a topic; then the topic picker, the files of the one chosen, and what was done."""
        owner = owner_of_headers(request.headers)
        try:
            outputs = self.look(self._chat.topics, owner, **{self._chat.topic: topic or after}, **values)
        except AtelierError as error:
            task = self._runtime.catalogue.task(self._chat.topics)
            return [*[gr.skip()] * (1 + len(self._of_topic)), error_html(error, task)]
        names = self._names(owner)
        chosen = " ".join(after.split())
        chosen = chosen if chosen in names else self._default
        return [self._topics(names, chosen), *self._about(chosen, owner), _line(outputs.message)]

    def _retitled(self, thread: str, title: str, request: gr.Request) -> list[Any]:
        return [*self._thread_changed(request, thread, action="rename", title=title or ""), ""]

    def _forgotten(self, thread: str, request: gr.Request) -> list[Any]:
        return self._thread_changed(request, thread, action="delete")

    def _thread_changed(self, request: gr.Request, thread: str, **values: Any) -> list[Any]:
        owner = owner_of_headers(request.headers)
        try:
            outputs = self.look(self._chat.threads, owner, **{self._chat.thread: thread or ""}, **values)
        except AtelierError as error:
            task = self._runtime.catalogue.task(self._chat.threads)
            return [gr.skip(), error_html(error, task), gr.update(visible=False)]
        return [self.threads(owner, thread or ""), _line(outputs.message), gr.update(visible=False)]

    def _exporting(self, thread: str, request: gr.Request) -> list[Any]:
        owner = owner_of_headers(request.headers)
        try:
            values = {"action": "export", self._chat.thread: thread or ""}
            outputs = self.look(self._chat.threads, owner, **values)
        except AtelierError as error:
            return [gr.skip(), error_html(error, self._runtime.catalogue.task(self._chat.threads))]
        return [gr.update(value=to_file(outputs.export), visible=True), ""]


def _delete_buttons(words: str, name: str) -> tuple[gr.Button, gr.Button]:
    """A button, and the one that it brings up, which does it."""
    with gr.Row():
        asked = gr.Button(words, elem_id=name)
        sure = gr.Button(f"{words} for good", variant="stop", visible=False, elem_id=f"{name}-sure")
    asked.click(**wired(lambda: gr.update(visible=True), [], [sure]), api_name=name.replace("-", "_") + "_asked")
    return asked, sure


def _added_told(outputs: Any) -> str:
    """What became of an upload, with its notes."""
    notes = "".join(f"<li>{html.escape(str(note))}</li>" for note in getattr(outputs, "notes", []))
    return _line(outputs.message) + (f'<ul class="remarks">{notes}</ul>' if notes else "")


def _line(text: str) -> str:
    return f'<div class="status done" role="status"><span>{html.escape(text)}</span></div>'
