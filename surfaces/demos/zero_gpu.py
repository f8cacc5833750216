"""One demo on a ZeroGPU Space, whose GPU is lent for one call at a time.

The `spaces` package of Hugging Face takes a generator function, and runs it in a process that it forks and that alone
has the GPU. What goes in and comes out is pickled; everything else is what the process found when it was forked. So a
backend is named, not handed over, and its run's progress, remarks and answers come back as events.
"""

from __future__ import annotations

import importlib.util
import queue
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from studio.contract import Inputs, Outputs, Run
from studio.errors import AtelierError, BackendFailed, Cancelled, error_from
from studio.execution import CallBackend, failure
from studio.pool import Loaded

#: (what, its value)
Event: TypeAlias = tuple[str, Any]
Compute: TypeAlias = Callable[["Request"], Iterator[Event]]

#: by model; a process that is forked has those that were loaded before. The pool alone keeps them in memory.
_BACKENDS: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()


@dataclass(frozen=True)
class Request:
    """A call as it is pickled.

    Attributes:
        model: whose backend answers.
        workdir: the call's temporary folder.
    """

    model: str
    inputs: Inputs
    owner: str
    device: str
    live: bool
    workdir: Path


def lent_gpu() -> CallBackend | None:
    """How backends are called on a ZeroGPU Space; None where the `spaces` package is not there.

    To be called before PyTorch is imported: the package wants to be first.
    """
    if importlib.util.find_spec("spaces") is None:
        return None
    spaces: Any = importlib.import_module("spaces")
    return calling(spaces.GPU(compute))


def calling(compute: Compute) -> CallBackend:
    """Calls of backends through `compute`, or what a decorator has made of it."""

    def call(loaded: Loaded, inputs: Inputs, run: Run) -> Outputs | Iterator[Outputs]:
        model = loaded.key[0]
        _BACKENDS[model] = loaded.backend
        request = Request(model, inputs, run.owner, run.device, run.live, run.workdir)
        answers = _answers(compute(request), run)
        kind, outputs = next(answers)
        return outputs if kind == "outputs" else _all(outputs, answers)

    return call


def compute(request: Request) -> Iterator[Event]:
    """In the process that has the GPU: what a backend says, as it says it."""
    run = _Run(request)
    if request.model not in _BACKENDS:
        # forked before the model was loaded: the next process will have it
        yield "failed", BackendFailed("The GPU was not ready.", hint="Try again.").record()
        return
    thread = threading.Thread(target=_speak, args=(_BACKENDS[request.model], request.inputs, run))
    thread.start()
    try:
        while (event := run.said.get()) is not None:
            yield event
    finally:
        run.unwanted.set()
        thread.join()


def _speak(backend: Any, inputs: Inputs, run: _Run) -> None:
    try:
        answer = backend(inputs, run)
        if isinstance(answer, Iterator):
            for partial in answer:
                run.check()
                run.said.put(("partial", partial))
        else:
            run.said.put(("outputs", answer))
    except AtelierError as error:
        run.said.put(("failed", error.record()))
    except Exception as fault:  # whatever a third-party model raises must end the call
        run.said.put(("failed", failure(fault, "The Space's log has the reason.").record()))
        raise
    finally:
        run.said.put(None)


def _answers(events: Iterator[Event], run: Run) -> Iterator[tuple[str, Outputs]]:
    """The answers among the events; the rest is passed on to the run."""
    for what, value in events:
        if what in ("outputs", "partial"):
            yield what, value
        elif what == "progress":
            run.progress(*value)
        elif what == "note":
            run.note(value)
        else:
            raise error_from(value)


def _all(first: Outputs, rest: Iterator[tuple[str, Outputs]]) -> Iterator[Outputs]:
    yield first
    for _, outputs in rest:
        yield outputs


@dataclass
class _Run:
    """The `studio.contract.Run` of a call in the process that has the GPU."""

    request: Request
    said: queue.SimpleQueue[Event | None] = field(default_factory=queue.SimpleQueue)
    unwanted: threading.Event = field(default_factory=threading.Event)

    @property
    def owner(self) -> str:
        """See `studio.contract.Run`."""
        return self.request.owner

    @property
    def device(self) -> str:
        """See `studio.contract.Run`."""
        return self.request.device

    @property
    def live(self) -> bool:
        """See `studio.contract.Run`."""
        return self.request.live

    @property
    def workdir(self) -> Path:
        """See `studio.contract.Run`."""
        return self.request.workdir

    @property
    def storage(self) -> Path:
        """Nowhere: what is written there would not be found again."""
        raise BackendFailed("Nothing is kept where the GPU is lent.")

    def progress(self, fraction: float, note: str = "") -> None:
        """See `studio.contract.Run`."""
        self.check()
        self.said.put(("progress", (fraction, note)))

    def check(self) -> None:
        """See `studio.contract.Run`."""
        if self.unwanted.is_set():
            raise Cancelled("The run was cancelled.")

    def note(self, text: str) -> None:
        """See `studio.contract.Run`."""
        self.said.put(("note", text))

    def call(
        self, task: str, payload: Mapping[str, Any] | Inputs, adapter: str | None = None, until: float | None = None
    ) -> Outputs:
        """See `studio.contract.Run`; there is nobody to ask."""
        raise BackendFailed(f"The task {task} cannot be asked where the GPU is lent.")
