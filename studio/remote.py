"""A file that is fetched from elsewhere: gathered, continued where it was cut, checked by its SHA-256, and kept.

Over the session of `huggingface_hub`, for its proxies, redirects and rules of being offline. Ours is what it lacks: its
own download throws away what it has when it is stopped, reports in steps of 10 MB, and does not check a pinned SHA-256.
"""

from __future__ import annotations

import errno
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.errors import WeightsUnavailable

#: Seconds without a byte after which a connection counts as cut.
_READ_TIMEOUT_S = 20
_RETRIES = 5
#: These answers pass; others do not get better by asking again.
_PASSING_STATUS = (408, 429, 500, 502, 503, 504)

#: Called with (bytes of this file so far) after each piece, and before each wait; raises to stop.
Report = Callable[[int], None]
#: Called with seconds to wait before another attempt; raises to stop.
Wait = Callable[[float], None]


@dataclass(frozen=True)
class RemoteFile(ABC):
    """A file elsewhere, and what it must be.

    Attributes:
        path: its path there.
    """

    path: str
    sha256: str
    bytes: int

    @property
    @abstractmethod
    def url(self) -> str:
        """Where its bytes are."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """Where it is kept, with what belongs to it."""

    @property
    @abstractmethod
    def partial_path(self) -> Path:
        """Where its bytes are gathered until they are all there and right."""

    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """What is sent with each request, a token say."""

    @abstractmethod
    def cached(self) -> Path | None:
        """Where it is; None where it is not there or has not its size. Its hash is not looked at."""

    @abstractmethod
    def keep(self, partial: Path) -> Path:
        """Take over the bytes, which are right; return where they are now."""

    @abstractmethod
    def forget(self) -> None:
        """Remove it, or what there is of it."""

    @abstractmethod
    def refused(self, status: int) -> WeightsUnavailable:
        """What to say of an answer with that status, 0 where there was none."""

    @property
    def partial_bytes(self) -> int:
        """How many bytes of an unfinished download are there."""
        try:
            return self.partial_path.stat().st_size
        except FileNotFoundError:
            return 0


class _Cut(Exception):
    """The connection ended early, or the server was busy: worth another attempt."""


def offline() -> bool:
    """Whether `huggingface_hub` was told to stay offline (HF_HUB_OFFLINE)."""
    from huggingface_hub.constants import is_offline_mode

    return is_offline_mode()


def sha256_of(path: Path, report: Report = lambda count: None) -> str:
    """SHA-256 of a file in hexadecimal; `report` is told how many bytes have been read."""
    digest, count = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
            count += len(block)
            report(count)
    return digest.hexdigest()


def fetch(file: RemoteFile, report: Report, wait: Wait) -> Path:
    """Bring the file into the cache, continuing where an earlier attempt ended; only one process does at a time.

    What was gathered stays for the next time if `report` or `wait` raises, or the connection is lost for good.

    Raises:
        WeightsUnavailable: offline, refused, not there, no room, or not the file that is pinned. In the last case it
            is removed.
    """
    from filelock import FileLock, Timeout

    partial = file.partial_path
    partial.parent.mkdir(parents=True, exist_ok=True)
    lock_path = file.folder.parent / ".locks" / file.folder.name / f"{file.sha256}.atelier.lock"
    lock_path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_path)
    while True:
        try:
            with lock.acquire(blocking=False):
                return _fetch_alone(file, partial, report, wait)
        except Timeout:  # another process has it in hand: watch it
            report(file.partial_bytes)
            wait(0.2)


def _fetch_alone(file: RemoteFile, partial: Path, report: Report, wait: Wait) -> Path:
    if (path := file.cached()) is not None:
        if sha256_of(path) == file.sha256:
            return path
        file.forget()
    failures = 0
    while file.partial_bytes < file.bytes:
        before = file.partial_bytes
        report(before)
        try:
            _continue(file, partial, report)
        except _Cut as fault:
            failures = 1 if file.partial_bytes > before else failures + 1
            if failures > _RETRIES:
                raise WeightsUnavailable(
                    f"The download of {file.path} ended early: {fault}.",
                    got=f"{file.partial_bytes:,} of {file.bytes:,} bytes",
                    hint="What has come is kept. Try again later; it continues from there.",
                ) from None
            wait(min(2.0 ** (failures - 1), 8.0))
    if (found := sha256_of(partial)) != file.sha256:
        partial.unlink()
        raise WeightsUnavailable(
            f"The downloaded file {file.path} is not the one this studio was tested with; it was removed.",
            expected=f"SHA-256 {file.sha256[:16]}...",
            got=f"SHA-256 {found[:16]}...",
            hint="Try once more. If it happens again, the publisher's file has changed: please report it.",
        )
    return file.keep(partial)


def _continue(file: RemoteFile, partial: Path, report: Report) -> None:
    """One request for the bytes that are missing. Raises _Cut where another one may bring more."""
    import httpx2
    from huggingface_hub.errors import OfflineModeIsEnabled
    from huggingface_hub.utils import get_session, hf_raise_for_status

    have = file.partial_bytes
    # no compression: bytes are counted, and continued, as they are in the file
    headers = {**file.headers(), "Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with get_session().stream("GET", file.url, headers=headers, timeout=_READ_TIMEOUT_S) as response:
            hf_raise_for_status(response)
            continues = response.status_code == 206
            _check_size(file, response.headers.get("content-length"), have if continues else 0)
            with partial.open("ab" if continues else "wb", buffering=0) as out:
                for piece in response.iter_raw():
                    out.write(piece)
                    report(out.tell())
                    if out.tell() > file.bytes:  # the hash will tell that it is another file
                        break
    except OfflineModeIsEnabled:
        raise _offline(file) from None
    except httpx2.TransportError as fault:
        raise _Cut(_unreachable(fault)) from None
    except httpx2.HTTPError as fault:
        status = getattr(getattr(fault, "response", None), "status_code", 0)
        if status in _PASSING_STATUS:
            raise _Cut(f"the server answered with status {status}") from None
        raise file.refused(status) from None
    except OSError as fault:
        raise _unwritable(file, fault) from None


def _check_size(file: RemoteFile, length: str | None, have: int) -> None:
    """Refuse before the transfer what cannot be the pinned file."""
    if length is not None and have + int(length) != file.bytes:
        raise WeightsUnavailable(
            f"The file {file.path} there has another size than the one this studio was tested with.",
            expected=f"{file.bytes:,} bytes",
            got=f"{have + int(length):,} bytes",
            hint="The publisher's file has changed: please report it.",
        )


def _offline(file: RemoteFile) -> WeightsUnavailable:
    return WeightsUnavailable(
        f"{file.path} is not on this machine, and the studio was told to stay offline.",
        expected="a connection",
        got="HF_HUB_OFFLINE is set",
        hint="Start it without HF_HUB_OFFLINE, or copy the cache (HF_HOME) from a machine that has the model.",
    )


def _unreachable(fault: Exception) -> str:
    import httpx2

    if isinstance(fault, httpx2.ConnectError | httpx2.ConnectTimeout):
        return "the server cannot be reached"
    return "the connection was cut" if not isinstance(fault, httpx2.TimeoutException) else "no more data came"


def _unwritable(file: RemoteFile, fault: OSError) -> WeightsUnavailable:
    if fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return WeightsUnavailable(
            "The disk is full.",
            expected=f"{file.bytes - file.partial_bytes:,} more bytes",
            got=str(fault.strerror),
            hint="Free some space and continue; or cancel, which removes what has come.",
        )
    return WeightsUnavailable(
        f"The download of {file.path} cannot be written: {fault.strerror or type(fault).__name__}.",
        hint="The folder of HF_HOME must be writable.",
    )
