"""What a task, an adapter and a backend are. Everything the studio shows, serves or tests follows from these."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

if TYPE_CHECKING:
    from studio.weights import Weights

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Inputs(BaseModel):
    """Base of every task's inputs. A field it does not know is an error, not a surprise."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, frozen=True)


class Outputs(BaseModel):
    """Base of every task's outputs."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class Ui:
    """What a field's Python type cannot say: put it into `Annotated`.

    Args:
        unit: the field's unit, shown after numbers ("px", "s", "bpm").
        step: step of a slider.
        lines: height of a text box; more than one makes it multi-line.
        placeholder: shown in an empty text box.
        accept: file name endings a file field takes, with their dots.
        camera: whether a picture is rather taken by webcam than uploaded; it comes first then.
        sketch: whether a picture is rather drawn than uploaded: a pad with white paper and a black brush comes first.
        advanced: whether the field is tucked away: an input under "Settings", an output under "Result as data".
        wide: whether a picture among the outputs has a row of its own, as broad as there is room.
        over: for a field of `studio.shapes.Shapes`: the picture or the video over which they are drawn.
        before: for a picture among the outputs: the output that it is laid over, with a slider between the two.
        pictures: for a choice: files with a picture of each, by its name; a click on one chooses it.
    """

    def __init__(
        self,
        *,
        unit: str = "",
        step: float | None = None,
        lines: int = 1,
        placeholder: str = "",
        accept: tuple[str, ...] = (),
        camera: bool = False,
        sketch: bool = False,
        advanced: bool = False,
        wide: bool = False,
        over: str = "",
        before: str = "",
        pictures: Mapping[str, Path] | None = None,
    ) -> None:
        self.unit = unit
        self.step = step
        self.lines = lines
        self.placeholder = placeholder
        self.accept = accept
        self.camera = camera
        self.sketch = sketch
        self.advanced = advanced
        self.wide = wide
        self.over = over
        self.before = before
        self.pictures = dict(pictures or {})

    def __get_pydantic_json_schema__(self, schema: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return handler(schema) | ({"x-unit": self.unit} if self.unit else {})


class Adapter(BaseModel):
    """One way to do a task: a class and its weights.

    Attributes:
        name: short name, unique in the task ("dlib").
        title: for people.
        entry: where the backend class is: "backends.faces.dlib_faces:DlibFaces". Imported at first use only.
        weights: key in the family's weights.toml; empty for a backend that has none.
        memory_mb: memory the loaded backend takes, in MB; counts until the pool has measured it on this machine.
        licence: SPDX identifier, or words, of the weights.
        commercial: whether that licence allows commercial use.
        source: paper or repository of the model.
        kind: embedded (weights in this repository), package (inside a pip dependency), hub (downloaded on
            request), endpoint (a server elsewhere).
        devices: where it can run, best first.
        gpu_memory_mb: the least memory a GPU must have, in MB; one with less is passed over.
        concurrency: calls that one loaded backend can serve at the same time.
        batch: the most calls that wait and are answered at once; more than one needs a `BatchBackend`.
        quality: the measured figure, in one line, with its data.
        limits: what it is bad at, in a sentence or two.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    entry: str
    weights: str = ""
    memory_mb: int = Field(ge=0)
    licence: str
    commercial: bool = True
    source: str
    kind: Literal["embedded", "package", "hub", "endpoint"]
    devices: tuple[Literal["cuda", "mps", "cpu"], ...] = ("cpu",)
    gpu_memory_mb: int = Field(0, ge=0)
    concurrency: int = Field(1, ge=1)
    batch: int = Field(1, ge=1)
    quality: str = ""
    limits: str = ""

    @field_validator("entry")
    @classmethod
    def _entry(cls, value: str) -> str:
        if not re.fullmatch(r"[\w.]+:\w+", value):
            raise ValueError(f"expected 'package.module:Class', got {value!r}")
        return value


class Example(BaseModel):
    """A named set of inputs that a visitor can try with one click.

    `values` maps field names to values as a task's inputs take them; media are `pathlib.Path`s, opened when the
    example is used. `adapter` names the one that the example is for; without a name it is the one that is chosen. The
    first one of a task is for any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    values: dict[str, Any]
    adapter: str = ""


class Live(BaseModel):
    """Says that a task can run on a webcam's frames: which input is the camera, which output to show.

    Attributes:
        longest_px: of the longer side of the frames that the browser sends; larger ones cost time on both sides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    camera: str
    show: str
    longest_px: int = Field(640, ge=64, le=1920)


class Chat(BaseModel):
    """Says that a task is a conversation about something that the visitor keeps here, and which tasks keep it.

    A demo shows these together: the conversation, its sources and the place that a source names, the conversations
    and topics that there are. Programs reach each topic as the model `<model>:<topic>` of OpenAI's chat route.

    Attributes:
        message: the input with what is said.
        topic: the input with the name of what it is about: a collection of documents, say.
        thread: the input, and the output, with the conversation's id; empty starts one.
        history: the input with the turns before, for callers who keep them on their own. None: they are kept here.
        answer: the output with the reply, in Markdown.
        sources: the output with what the reply cites, a list of `studio.results.Source`.
        model: how programs name it.
        threads: the task that keeps the conversations. Inputs: `action` (list, show, rename, export, delete), <thread>
            and `title`. Outputs: `chats`, a table of ids and titles, `messages` (`studio.results.Message`), `export`.
        topics: the task that keeps the topics. Inputs: `action` (list, files, rename, remove file, delete), <topic>,
            `new_name` and `document`. Outputs: `message` and `table`, whose first column has the names.
        upload: the task that adds files to a topic, or begins one. Inputs: <topic> and `files`. Output: `message`.
        place: the task that shows what a source names. Inputs: <topic>, and `Source.place`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: str
    topic: str
    thread: str
    history: str
    answer: str
    sources: str
    model: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    threads: str
    topics: str
    upload: str
    place: str

    @property
    def helpers(self) -> tuple[str, ...]:
        """The tasks that it names."""
        return (self.threads, self.topics, self.upload, self.place)


class Embedding(BaseModel):
    """Says that a task turns texts into vectors: OpenAI's embeddings route has its adapters as models.

    Attributes:
        texts: the input with a list of texts.
        vectors, tokens: the outputs with a vector for each, and with the number of tokens of all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    texts: str
    vectors: str
    tokens: str


class Task(BaseModel):
    """The one declaration of a task; see ARCHITECTURE and the worked example in the README.

    Attributes:
        name: identifier, the same on every surface.
        title, section, summary: what people read in the gallery.
        inputs, outputs: pydantic models whose fields' titles, descriptions, bounds and `Ui` make every form.
        examples: at least one, and each must validate as `inputs`.
        adapters: the first is the default.
        how_it_works: a short explanation in Markdown, with the papers.
        live: set if the task can run on a webcam.
        rerun_on_change: whether its form runs by itself whenever a field changes, without the run being kept: for tasks
            that answer in a fraction of a second. The button runs it as always.
        chat: set if the task is a conversation.
        embedding: set if the task turns texts into vectors.
        stores: whether it stores what it is given, or shows what is stored: a gallery, a collection, conversations. Its
            runs are not kept: else what is deleted there would still be here.
        part_of: the task on whose page this one is shown; it has no place of its own in the gallery.
        layout: entry string of a function that builds a Gradio layout better than the generic one.
        keywords: further words under which the gallery's search finds it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    section: str
    summary: str
    inputs: type[Inputs]
    outputs: type[Outputs]
    examples: tuple[Example, ...] = Field(min_length=1)
    adapters: tuple[Adapter, ...] = Field(min_length=1)
    how_it_works: str = ""
    live: Live | None = None
    rerun_on_change: bool = False
    chat: Chat | None = None
    embedding: Embedding | None = None
    stores: bool = False
    part_of: str | None = None
    layout: str | None = None
    keywords: tuple[str, ...] = ()

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        if not _NAME.fullmatch(value) or keyword.iskeyword(value):
            raise ValueError(f"expected a lower-case identifier, got {value!r}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [adapter.name for adapter in self.adapters]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: adapter names repeat: {names}")
        if self.examples[0].adapter:
            raise ValueError(f"{self.name}: the first example is for one adapter alone")
        for example in self.examples:
            unknown = example.values.keys() - self.inputs.model_fields.keys()
            missing = {n for n, f in self.inputs.model_fields.items() if f.is_required()} - example.values.keys()
            if unknown or missing:
                raise ValueError(f"{self.name}: example {example.title!r}: unknown {unknown}, missing {missing}")
            if example.adapter and example.adapter not in names:
                raise ValueError(f"{self.name}: example {example.title!r} is for no adapter of the task")
        if self.live and not (
            self.live.camera in self.inputs.model_fields and self.live.show in self.outputs.model_fields
        ):
            raise ValueError(f"{self.name}: live names fields that are not there")
        for name, field in self.inputs.model_fields.items():
            for mark in field.metadata:
                if isinstance(mark, Ui) and mark.over and mark.over not in self.inputs.model_fields:
                    raise ValueError(f"{self.name}: {name} is drawn over {mark.over!r}, which is not there")
        for name, field in self.outputs.model_fields.items():
            for mark in field.metadata:
                if isinstance(mark, Ui) and mark.before and mark.before not in self.outputs.model_fields:
                    raise ValueError(f"{self.name}: {name} is laid over {mark.before!r}, which is not there")
        for marks, inputs, outputs in (
            (self.chat, ("message", "topic", "thread", "history"), ("thread", "answer", "sources")),
            (self.embedding, ("texts",), ("vectors", "tokens")),
        ):
            if marks and not (
                {getattr(marks, name) for name in inputs} <= self.inputs.model_fields.keys()
                and {getattr(marks, name) for name in outputs} <= self.outputs.model_fields.keys()
            ):
                raise ValueError(f"{self.name}: {type(marks).__name__} names fields that are not there")
        return self

    def adapter(self, name: str | None) -> Adapter | None:
        """The adapter of that name, the default one for None or "", or None where there is none."""
        if not name:
            return self.adapters[0]
        return next((adapter for adapter in self.adapters if adapter.name == name), None)


class Run(Protocol):
    """The handle a backend gets for one call."""

    @property
    def owner(self) -> str:
        """Whose data this call may see."""

    @property
    def device(self) -> str:
        """Where the backend was loaded: "cpu", "cuda" or "mps"."""

    @property
    def live(self) -> bool:
        """Whether this is one of many frames of a webcam: a quick answer now beats a better one later."""

    @property
    def workdir(self) -> Path:
        """A temporary folder of this call, made at first use, removed with the job."""

    @property
    def storage(self) -> Path:
        """The owner's durable folder for this family, made at first use."""

    def progress(self, fraction: float, note: str = "") -> None:
        """Say how far the call is (0..1) and what it is doing; raises Cancelled like `check`."""

    def check(self) -> None:
        """Raise Cancelled if the call is not wanted any more. To be called every 100 ms or so."""

    def note(self, text: str) -> None:
        """Something the user should know about this result (a fallback, a picture scaled down)."""

    def call(
        self, task: str, payload: Mapping[str, Any] | Inputs, adapter: str | None = None, until: float | None = None
    ) -> Outputs:
        """Ask another task, of any family, and wait for its answer; part of this call, not a job of its own.

        It runs for the same owner and is cancelled with this call; its remarks become this call's. While it runs, this
        backend's place is free for other calls: nothing of a call may be kept on the backend itself.

        Args:
            until: the fraction of this call's progress that is reached with the answer; the progress of the task that
                is asked moves it there. Without it only the notes are shown.

        Raises:
            NotFound: no such task or adapter.
            InvalidInput: see `Runtime.validate`; names no field, as its field is none of this task's.
            BackendFailed: the task, asked through others, asks itself.
        """


class Backend(Protocol):
    """A loaded model. Constructing it loads, calling it infers, dropping it frees the memory."""

    def __init__(self, weights: Weights, device: str) -> None: ...

    def __call__(self, inputs: Any, run: Run) -> Outputs | Iterator[Outputs]:
        """Answer, or yield partial answers of which the last is the answer.

        A generator that is cancelled gets Cancelled, from `run` or where it yields; it may catch it, yield once more
        what is done until then, and raise it again.
        """


class BatchBackend(Backend, Protocol):
    """A loaded model that answers several calls at once sooner than one after the other."""

    def many(self, inputs: Sequence[Any], runs: Sequence[Run]) -> Sequence[Outputs]:
        """Answer several calls of one task, in their order.

        Whatever it raises, each is then called alone: so an input at fault fails alone, and what takes more than a
        moment can be watched and cancelled. Of the runs it uses `note` only.
        """
