"""What a studio and a model server say to each other: JSON messages, each followed by the files of its values.

A message is one text with its kind, its facts and the sizes of its files; then come the files, in pieces: the values of
a task's inputs or outputs, and their media. The studio opens a connection for each lease:

    studio                                     model server
    lease (family, entry, weights, device)  ->
                                            <- leased (device, memory_mb, remark), or failed
    call (task, owner, live, inputs)        ->
        or calls (task, owners, inputs of all), answered by one message with all outputs
                                            <- progress, note, partial (outputs), ask (task, inputs), ...
    answer (outputs), or refusal; cancel    ->
                                            <- outputs, or end after partial ones, or failed, or out_of_memory

Either side ends it by closing the connection. Nothing that is received is ever executed: values are JSON and media.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from studio.packing import Packer, is_packed_file, unpacked

_PIECE_BYTES = 1 << 20
#: the file with a model's values
_VALUES = "values.json"
_PREFIX = "atelier-message-"
M = TypeVar("M", bound=BaseModel)

#: what the studio says, in one message without facts, when it does not want the answer any more
CANCEL = "cancel"


class Several(BaseModel):
    """The inputs, or the outputs, of several calls in one message."""

    values: list[Any]


class ConnectionLost(Exception):
    """The other side is gone, or says what cannot be understood."""


class Connection(Protocol):
    """One side of a websocket."""

    def send(self, data: str | bytes) -> None:
        """Send one message. Raises ConnectionLost."""

    def receive(self, timeout_s: float | None) -> str | bytes:
        """The next message. Raises ConnectionLost, or TimeoutError when none has come in time."""


@dataclass(frozen=True)
class Message:
    """A message with its files, which are kept until its model is read.

    Attributes:
        folder: where its files are, the values of its model among them; None where it has none.
    """

    kind: str
    facts: dict[str, Any]
    folder: tempfile.TemporaryDirectory[str] | None

    def model(self, wanted: type[M]) -> M:
        """Its model, validated, once. What was let in on the other side meets no limit here. Raises ConnectionLost."""
        with self._values() as values:
            return wanted.model_validate(values)

    def models(self, wanted: type[M]) -> list[M]:
        """Those of `Several`, each like `model`."""
        with self._values() as values:
            return [wanted.model_validate(each) for each in values["values"]]

    @contextmanager
    def _values(self) -> Iterator[Any]:
        """The values with their files, which are gone afterwards."""
        if self.folder is None:
            raise ConnectionLost(f"a message without values: {self.kind!r}")
        with self.folder as name:
            yield unpacked(json.loads((Path(name) / _VALUES).read_bytes()), Path(name), {})


def send(connection: Connection, kind: str, model: BaseModel | None = None, **facts: Any) -> None:
    """Send a message. Raises ConnectionLost."""
    if model is None:
        connection.send(json.dumps({"kind": kind, "facts": facts, "files": {}}))
        return
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        part = Path(name) / "outputs"
        values = Packer().pack(model, part, part.name)
        files = [_written(values, Path(name) / _VALUES), *(sorted(part.iterdir()) if part.is_dir() else [])]
        sizes = {str(file.relative_to(name)): file.stat().st_size for file in files}
        connection.send(json.dumps({"kind": kind, "facts": facts, "files": sizes}))
        for file in files:
            for piece in _pieces(file):
                connection.send(piece)


def receive(connection: Connection, timeout_s: float | None = None) -> Message:
    """The next message, with all its files.

    Args:
        timeout_s: how long to wait for its beginning; None waits for ever.

    Raises:
        ConnectionLost, TimeoutError: see `Connection.receive`.
    """
    head = connection.receive(timeout_s)
    try:
        told = json.loads(head)
        folder = tempfile.TemporaryDirectory(prefix=_PREFIX) if told["files"] else None
        message = Message(told["kind"], dict(told["facts"]), folder)
        for name, size in told["files"].items():
            assert folder is not None
            _receive_file(connection, Path(folder.name), name, int(size))
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise ConnectionLost(f"not a message: {fault!r}") from fault
    return message


def _receive_file(connection: Connection, folder: Path, name: str, size: int) -> None:
    if name != _VALUES and not is_packed_file(name):
        raise ValueError(f"not a file of a message: {name!r}")
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        while file.tell() < size:
            piece = connection.receive(None)
            if not isinstance(piece, bytes) or not piece:
                raise ValueError("a file was broken off")
            file.write(piece)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _written(values: Any, path: Path) -> Path:
    path.write_text(json.dumps(values))
    return path
