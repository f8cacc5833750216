"""A pool whose models are elsewhere: each lease is a connection to a model server, or to Ray Serve before many.

What a task keeps stays where the studio's home is: the models of such tasks are loaded here, like all in `Pool`, and
so are those that other tasks share with them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from studio.catalogue import Catalogue
from studio.contract import Adapter, Inputs, Outputs, Run, Task
from studio.devices import OutOfGpuMemory
from studio.errors import AtelierError, BackendFailed, Cancelled, Forbidden, error_from
from studio.pool import Loaded, Pool, model_name
from studio.remote_messages import CANCEL, ConnectionLost, Message, Several, receive, send

#: The header by which Ray Serve sends a request to a replica that has the model already.
MODEL_HEADER = "serve_multiplexed_model_id"
PATH = "/lease"
#: Connections that are lost during one call before it is given up.
_TRIES = 4
#: How long to look for a model server that can be reached, and how long one attempt may take: it may be starting.
_LOOK_S, _ATTEMPT_S = 120, 30

#: How long a generator that is cancelled may take to hand over what is done.
_LAST_WORD_S = 5

#: (whether more may come, outputs)
_Answers: TypeAlias = Generator[tuple[bool, Outputs]]


class RemotePool(Pool):
    """Leases from a model server what can be leased there.

    Args:
        catalogue: the tasks; the server must have the same version of them.
        address: http:// or https:// of the server.
        key: what it asks of its callers; empty for nothing.
        rest: those of `Pool`, for the models that stay here.
    """

    def __init__(self, *rest: Any, catalogue: Catalogue, address: str, key: str = "", **named: Any) -> None:
        super().__init__(*rest, **named)
        parts = urlsplit(address)
        secure = "wss" if parts.scheme == "https" else "ws"
        self._address = f"{secure}://{parts.netloc}{parts.path.rstrip('/')}{PATH}"
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._catalogue = catalogue
        entries = [catalogue.entry(task.name) for task in catalogue if task.stores]
        self._here = {model_name(entry.family, adapter) for entry in entries for adapter in entry.task.adapters}

    @contextmanager
    def lease(
        self,
        family: Path,
        adapter: Adapter,
        check: Callable[[], None] = lambda: None,
        *,
        device: str | None = None,
    ) -> Iterator[Loaded]:
        """Lend a backend; see `Pool.lease`. A server elsewhere may take its time to load it.

        Raises:
            BackendFailed: no model server can be reached.
            Forbidden: it wants another key.
        """
        model = model_name(family, adapter)
        if adapter.kind == "endpoint" or model in self._here:
            with super().lease(family, adapter, check, device=device) as loaded:
                yield loaded
            return
        wanted = {"family": family.name, "entry": adapter.entry, "weights": adapter.weights, "device": device}
        with _Lease(self._address, self._headers | {MODEL_HEADER: model}, wanted) as lease:
            started_s = time.perf_counter()
            facts = lease.begin(check)
            yield Loaded(
                key=(model, facts["device"]),
                title=adapter.title,
                entry=adapter.entry,
                backend=_RemoteBackend(lease, self._catalogue, adapter.entry),
                memory_mb=int(facts["memory_mb"]),
                load_s=time.perf_counter() - started_s,
                concurrency=adapter.concurrency,
                remark=facts["remark"],
                remote=True,
            )

    @contextmanager
    def paused(self, loaded: Loaded, check: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hand a lease back for a while; see `Pool.paused`. The server does that itself with one of its own."""
        with nullcontext() if loaded.remote else super().paused(loaded, check):
            yield


class _Lease:
    """One connection to a model server that has leased a backend for it."""

    def __init__(self, address: str, headers: dict[str, str], wanted: dict[str, Any]) -> None:
        self._address, self._headers, self._wanted = address, headers, wanted
        self._socket: ClientConnection | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def begin(self, check: Callable[[], None]) -> dict[str, Any]:
        """Connect, again if need be, and lease: the facts of "leased".

        Raises:
            AtelierError: no server can be reached, or it refuses.
        """
        until_s = time.monotonic() + _LOOK_S
        while True:
            check()
            self._close()
            try:
                self._socket = self._connected()
                send(self, "lease", **self._wanted)
                told = self.next(check)
                if told.kind == "failed":
                    raise error_from(told.facts)
                return told.facts
            except ConnectionLost as fault:
                if time.monotonic() > until_s:
                    raise BackendFailed(
                        "No model server can be reached.",
                        got=str(fault)[:200],
                        hint="The operator can look at ATELIER_MODEL_SERVER and whether it runs.",
                    ) from fault
            time.sleep(0.5)

    def next(self, check: Callable[[], None]) -> Message:
        """The server's next message. Raises ConnectionLost, and what `check` raises meanwhile."""
        while True:
            check()
            with suppress(TimeoutError):
                return receive(self, 0.1)

    def send(self, data: str | bytes) -> None:
        """See `Connection.send`."""
        if self._socket is None:
            raise ConnectionLost("not connected")
        try:
            self._socket.send(data)
        except (ConnectionClosed, OSError) as fault:
            raise ConnectionLost(str(fault)) from fault

    def receive(self, timeout_s: float | None) -> str | bytes:
        """See `Connection.receive`."""
        if self._socket is None:
            raise ConnectionLost("not connected")
        try:
            return self._socket.recv(timeout_s)
        except TimeoutError:
            raise
        except (ConnectionClosed, OSError) as fault:
            raise ConnectionLost(str(fault)) from fault

    def _connected(self) -> ClientConnection:
        try:
            connection = connect(
                self._address,
                additional_headers=self._headers,
                open_timeout=_ATTEMPT_S,
                compression=None,
                max_size=None,
                proxy=None,
            )
            return self._open.enter_context(connection)
        except InvalidStatus as fault:
            if fault.response.status_code in (401, 403):
                raise Forbidden(
                    "The model server wants another key.", hint="The operator sets it with ATELIER_MODEL_SERVER_KEY."
                ) from fault
            raise ConnectionLost(str(fault)) from fault
        except (InvalidHandshake, OSError, TimeoutError) as fault:
            raise ConnectionLost(str(fault)) from fault

    def _close(self) -> None:
        self._socket = None
        self._open.close()


class _RemoteBackend:
    """A backend that is called over a lease. A call whose server is lost begins anew on another one."""

    def __init__(self, lease: _Lease, catalogue: Catalogue, entry: str) -> None:
        self._lease = lease
        self._catalogue = catalogue
        # what several tasks share is told by its inputs which one it does
        doing = [task for task in catalogue if any(adapter.entry == entry for adapter in task.adapters)]
        self._tasks: dict[type[Inputs], Task] = {task.inputs: task for task in doing}

    def __call__(self, inputs: Inputs, run: Run) -> Outputs | Iterator[Outputs]:
        answers = self._answers(inputs, run)
        first = next(answers, None)
        if first is None:  # a generator that yields nothing: the caller's to judge
            return iter(())
        streamed, outputs = first
        return _chained(outputs, answers) if streamed else outputs

    def many(self, inputs: Sequence[Inputs], runs: Sequence[Run]) -> list[Outputs]:
        """Several calls at once; see `studio.contract.BatchBackend`.

        Raises ConnectionLost, and Cancelled where one of them is cancelled: the others then begin anew, each alone.
        """

        def check() -> None:
            for run in runs:
                run.check()

        task = self._tasks[type(inputs[0])]
        send(self._lease, "calls", Several(values=list(inputs)), task=task.name, owners=[run.owner for run in runs])
        while True:
            message = self._lease.next(check)
            if message.kind == "outputs":
                return message.models(task.outputs)
            self._told(message, runs[message.facts.get("place", 0)])

    def _answers(self, inputs: Inputs, run: Run) -> _Answers:
        """What the server answers, in whole, or in parts as they come."""
        for attempt in range(_TRIES):
            try:
                if attempt:
                    self._lease.begin(run.check)
                yield from self._called(inputs, run)
                return
            except ConnectionLost:
                run.note("The model server was lost during this run; it began anew.")
        raise BackendFailed(
            f"The model server was lost {_TRIES} times during this run.", hint="The server's own log says why."
        )

    def _called(self, inputs: Inputs, run: Run) -> _Answers:
        task = self._tasks[type(inputs)]
        send(self._lease, "call", inputs, task=task.name, owner=run.owner, live=run.live)
        streamed = False
        while True:
            try:
                message = self._lease.next(run.check)
                if message.kind == "partial":
                    streamed = True
                    yield True, message.model(task.outputs)
                    continue
            except Cancelled:
                if streamed:
                    yield from self._done_until_now(task)
                raise
            if message.kind == "outputs":
                yield False, message.model(task.outputs)
                return
            if message.kind == "end":
                return
            self._told(message, run)

    def _done_until_now(self, task: Task) -> _Answers:
        """What a generator that is cancelled still hands over; see `studio.execution.partials`."""
        until_s = time.monotonic() + _LAST_WORD_S
        last: Outputs | None = None
        with suppress(ConnectionLost, TimeoutError):
            self._lease.send(CANCEL)
            while True:
                message = receive(self._lease, max(0.0, until_s - time.monotonic()))
                if message.kind in ("end", "failed"):
                    break
                if message.kind == "partial":
                    last = message.model(task.outputs)
        if last is not None:
            yield True, last

    def _told(self, message: Message, run: Run) -> None:
        facts = message.facts
        if message.kind == "progress":
            run.progress(facts["fraction"], facts["note"])
        elif message.kind == "note":
            run.note(facts["text"])
        elif message.kind == "ask":
            self._ask(message, run)
        elif message.kind == "failed":
            raise error_from(facts)
        elif message.kind == "out_of_memory":
            raise OutOfGpuMemory("the model server's GPU")
        else:
            raise ConnectionLost(f"an unknown message: {message.kind!r}")

    def _ask(self, message: Message, run: Run) -> None:
        """Another task's answer, which its backend there asks for: found here, like any other."""
        try:
            task = self._catalogue.task(message.facts["task"])
            outputs = run.call(task.name, message.model(task.inputs), message.facts["adapter"], message.facts["until"])
        except AtelierError as error:
            run.check()  # whoever cancelled is not to be answered
            send(self._lease, "refusal", **error.record())
        else:
            send(self._lease, "answer", outputs)


def _chained(first: Outputs, rest: _Answers) -> Generator[Outputs]:
    """All that is streamed. Whoever is cancelled tells it where it stands, and may get one more."""
    outputs = first
    while True:
        try:
            yield outputs
            _, outputs = next(rest)
        except StopIteration:
            return
        except Cancelled as reason:
            with suppress(StopIteration):
                yield rest.throw(reason)[1]
            raise
