"""Lends this machine's models to a studio elsewhere: `python -m surfaces.model_server`.

The studio is told its address by ATELIER_MODEL_SERVER. Before many of these, on many machines, stands Ray Serve: see
deploy/ray_serve.py.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.catalogue import Catalogue, Entry
from studio.contract import Adapter, Inputs, Outputs, Task
from studio.devices import out_of_gpu_memory
from studio.errors import AtelierError, BackendFailed, Cancelled, error_from
from studio.execution import failure, partials
from studio.ledger import Ledger
from studio.logs import configure
from studio.media.base import UNLIMITED
from studio.pool import Loaded, Pool
from studio.remote_messages import CANCEL, ConnectionLost, Message, Several, receive, send
from studio.remote_pool import PATH
from studio.runtime import EMBEDDED
from studio.settings import Settings
from studio.validation import validated
from studio.weights import Shelf

log = logging.getLogger(__name__)

#: Leases at the same time, in one process; most wait for their studio or for a place in their model.
_LEASES = 64
_HINT = "The model server's log has the reason."


class ModelServer:
    """The models of one process, lent over websockets.

    Args:
        settings: those of a studio; the memory's and the device's count here, and `model_server_key`.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue | None = None) -> None:
        self._catalogue = catalogue or Catalogue.discover()
        self._key = settings.model_server_key
        ledger = Ledger(settings.home / "models.json")
        self.pool = Pool(
            Shelf(EMBEDDED),
            settings.memory_mb,
            settings.keep_alive_s,
            settings.device,
            gpu_memory_mb=settings.gpu_memory_mb,
            ledger=ledger,
        )
        self._threads = ThreadPoolExecutor(_LEASES, thread_name_prefix="lease")

    async def lend(self, socket: WebSocket) -> None:
        """Serve one lease, until its connection is closed."""
        given = socket.headers.get("authorization", "").removeprefix("Bearer ")
        if self._key and not secrets.compare_digest(given.encode(), self._key.encode()):
            await socket.close(1008)  # before it is accepted: the caller gets status 403
            return
        await socket.accept()
        loop = asyncio.get_running_loop()
        connection = _Socket(socket, loop)
        reading = asyncio.create_task(connection.read())
        try:
            await loop.run_in_executor(self._threads, self._serve, connection)
        finally:
            reading.cancel()
            with suppress(RuntimeError):  # it is closed already
                await socket.close()

    def _serve(self, connection: _Socket) -> None:
        try:
            self._lease(connection, receive(connection).facts)
        except (ConnectionLost, Cancelled):
            return  # the studio has what it wanted, or does not want it any more
        except AtelierError as error:
            failed = error
        except Exception as fault:  # a model that cannot be loaded
            log.exception("a lease failed")
            failed = failure(fault, _HINT)
        with suppress(ConnectionLost):
            send(connection, "failed", **failed.record())

    def _lease(self, connection: _Socket, wanted: Mapping[str, Any]) -> None:
        entry, adapter = self._found(wanted)
        with self.pool.lease(entry.family, adapter, connection.check, device=wanted["device"]) as loaded:
            send(connection, "leased", device=loaded.device, memory_mb=loaded.memory_mb, remark=loaded.remark)
            while True:
                self._call(connection, receive(connection), loaded)

    def _call(self, connection: _Socket, message: Message, loaded: Loaded) -> None:
        """Call the leased backend and tell what comes of it, whatever it is."""
        task = self._catalogue.task(message.facts["task"])
        with tempfile.TemporaryDirectory(prefix="atelier-") as folder:
            lent = _Lent(self._catalogue, self.pool, connection, loaded, Path(folder))
            try:
                if message.kind == "calls":
                    self._answer_all(lent, message, task)
                else:
                    run = _Run(lent, message.facts["owner"], live=message.facts["live"])
                    self._answer(connection, loaded.backend(message.model(task.inputs), run))
            except ConnectionLost:
                raise
            except AtelierError as error:
                send(connection, "failed", **error.record())
            except Exception as fault:  # whatever a third-party model raises must end the call, not the server
                if loaded.device != "cpu" and out_of_gpu_memory(fault):
                    self.pool.evict(loaded.device)
                    send(connection, "out_of_memory")
                    return
                log.exception("%s failed", task.name)
                send(connection, "failed", **failure(fault, _HINT).record())

    @staticmethod
    def _answer(connection: _Socket, answer: Outputs | Iterator[Outputs]) -> None:
        if not isinstance(answer, Iterator):
            send(connection, "outputs", answer)
            return
        for partial in partials(answer, connection.check):
            send(connection, "partial", partial)
        send(connection, "end")

    @staticmethod
    def _answer_all(lent: _Lent, message: Message, task: Task) -> None:
        runs = [_Run(lent, owner, place=place) for place, owner in enumerate(message.facts["owners"])]
        answers = lent.loaded.backend.many(message.models(task.inputs), runs)
        send(lent.connection, "outputs", Several(values=list(answers)))

    def _found(self, wanted: Mapping[str, Any]) -> tuple[Entry, Adapter]:
        for task in self._catalogue:
            entry = self._catalogue.entry(task.name)
            for adapter in task.adapters:
                if (entry.family.name, adapter.entry, adapter.weights) == tuple(
                    wanted[name] for name in ("family", "entry", "weights")
                ):
                    return entry, adapter
        raise BackendFailed(
            "The model server does not know this model.",
            got=f"{wanted['family']}, {wanted['entry']}",
            hint="It must run the same version of Atelier as the studio.",
        )

    def close(self) -> None:
        """Unload what is idle."""
        self.pool.close()
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Socket:
    """A websocket, used from a thread that computes while the event loop reads ahead."""

    def __init__(self, socket: WebSocket, loop: asyncio.AbstractEventLoop) -> None:
        self._socket, self._loop = socket, loop
        self._come: queue.SimpleQueue[str | bytes | None] = queue.SimpleQueue()
        self._gone = self._cancelled = False

    async def read(self) -> None:
        """Take what comes, until the other side is gone."""
        try:
            while True:
                got = await self._socket.receive()
                if got["type"] == "websocket.disconnect":
                    return
                said = got["text"] if got.get("text") is not None else got["bytes"]
                if said == CANCEL:
                    self._cancelled = True
                else:
                    self._come.put(said)
        finally:
            self._gone = True
            self._come.put(None)

    def check(self) -> None:
        """Raise Cancelled once the other side is gone, or does not want the answer any more."""
        if self._gone or self._cancelled:
            raise Cancelled("The studio does not want it any more.")

    def send(self, data: str | bytes) -> None:
        """See `Connection.send`; waits until it is on its way."""
        sending = self._socket.send_text(data) if isinstance(data, str) else self._socket.send_bytes(data)
        try:
            asyncio.run_coroutine_threadsafe(sending, self._loop).result()
        except (RuntimeError, WebSocketDisconnect, OSError) as fault:
            raise ConnectionLost(str(fault)) from fault

    def receive(self, timeout_s: float | None) -> str | bytes:
        """See `Connection.receive`."""
        try:
            got = self._come.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError from None
        if got is None:
            self._come.put(None)
            raise ConnectionLost("the studio is gone")
        return got


@dataclass(frozen=True)
class _Lent:
    """What the calls from elsewhere that are answered at once share."""

    catalogue: Catalogue
    pool: Pool
    connection: _Socket
    loaded: Loaded
    folder: Path


class _Run:
    """The `studio.contract.Run` of a call from elsewhere; `place` is the one among those that come together."""

    def __init__(self, lent: _Lent, owner: str, *, live: bool = False, place: int = 0) -> None:
        self._lent, self._connection, self._place = lent, lent.connection, place
        self.owner = owner
        self.live = live
        self.device = lent.loaded.device
        self.workdir = lent.folder

    @property
    def storage(self) -> Path:
        """Nowhere: tasks that keep something are not run here."""
        raise BackendFailed("A model server keeps nothing for anybody.", hint="The task must say that it `stores`.")

    def progress(self, fraction: float, note: str = "") -> None:
        """See `studio.contract.Run`."""
        self.check()
        send(self._connection, "progress", fraction=fraction, note=note)

    def check(self) -> None:
        """See `studio.contract.Run`."""
        self._connection.check()

    def note(self, text: str) -> None:
        """See `studio.contract.Run`."""
        send(self._connection, "note", text=text, place=self._place)

    def call(
        self, task: str, payload: Mapping[str, Any] | Inputs, adapter: str | None = None, until: float | None = None
    ) -> Outputs:
        """Ask the studio, which finds out who answers; see `studio.contract.Run`."""
        asked = self._lent.catalogue.task(task)
        inputs = validated(asked, payload, UNLIMITED)
        send(self._connection, "ask", inputs, task=task, adapter=adapter, until=until)
        with self._lent.pool.paused(self._lent.loaded, self.check):
            told = receive(self._connection)
        if told.kind == "refusal":
            raise error_from(told.facts)
        return told.model(asked.outputs)


def build(server: ModelServer) -> Starlette:
    """The server as an application: leases, and whether it is there."""

    async def ready(request: object) -> PlainTextResponse:
        return PlainTextResponse("ok")

    return Starlette(routes=[WebSocketRoute(PATH, server.lend), Route("/readyz", ready)])


def main() -> None:
    """Lend until told to stop."""
    given = Settings()
    settings = given.with_model_server_key()
    configure(settings)
    server = ModelServer(settings)
    print(f"Models at http://{settings.host}:{settings.port}", flush=True)
    if settings is not given:  # a key was made: nobody knows it yet
        print(f"ATELIER_MODEL_SERVER_KEY={settings.model_server_key}", flush=True)
    try:
        uvicorn.run(build(server), host=settings.host, port=settings.port, log_config=None)
    finally:
        server.close()


if __name__ == "__main__":
    main()
