"""One file of a model repository: found in the cache of `huggingface_hub`, or brought there.

The cache, its folders, tokens, proxies, redirects and the rules of being offline are those of `huggingface_hub`
(https://huggingface.co/docs/huggingface_hub). Ours is what it lacks: its own download throws away what it has when it
is stopped, reports in steps of 10 MB, and does not check a pinned SHA-256. So the bytes come over its session into a
file of ours next to its blobs, and are handed over to its cache once their hash is right.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable
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
class HubFile:
    """A file of a repository at a pinned commit, and what it must be."""

    repository: str
    revision: str
    path: str
    sha256: str
    bytes: int


class _Cut(Exception):
    """The connection ended early, or the hub was busy: worth another attempt."""


def cached(file: HubFile) -> Path | None:
    """Where the file is in the cache; None where it is not there or has not its size. Its hash is not looked at."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(file.repository, file.path, revision=file.revision)
    path = Path(found) if isinstance(found, str) else None
    return path if path is not None and path.stat().st_size == file.bytes else None


def partial_path(file: HubFile) -> Path:
    """Where the bytes are gathered until they are all there and right."""
    return _folder(file) / "blobs" / f"{file.sha256}.atelier-partial"


def partial_bytes(file: HubFile) -> int:
    """How many bytes of an unfinished download are there."""
    try:
        return partial_path(file).stat().st_size
    except FileNotFoundError:
        return 0


def offline() -> bool:
    """Whether `huggingface_hub` was told to stay offline (HF_HUB_OFFLINE)."""
    from huggingface_hub.constants import is_offline_mode

    return is_offline_mode()


def cache_folder() -> Path:
    """The cache of `huggingface_hub` (HF_HUB_CACHE, HF_HOME)."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def sha256_of(path: Path, report: Report = lambda count: None) -> str:
    """SHA-256 of a file in hexadecimal; `report` is told how many bytes have been read."""
    digest, count = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
            count += len(block)
            report(count)
    return digest.hexdigest()


def fetch(file: HubFile, report: Report, wait: Wait) -> Path:
    """Bring the file into the cache, continuing where an earlier attempt ended; only one process does at a time.

    What was gathered stays for the next time if `report` or `wait` raises, or the connection is lost for good.

    Raises:
        WeightsUnavailable: offline, refused, not there, no room, or not the file that is pinned. In the last case it
            is removed.
    """
    from filelock import FileLock, Timeout

    partial = partial_path(file)
    partial.parent.mkdir(parents=True, exist_ok=True)
    lock_path = cache_folder() / ".locks" / _folder(file).name / f"{file.sha256}.atelier.lock"
    lock_path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_path)
    while True:
        try:
            with lock.acquire(blocking=False):
                return _fetch_alone(file, partial, report, wait)
        except Timeout:  # another process has it in hand: watch it
            report(partial_bytes(file))
            wait(0.2)


def _fetch_alone(file: HubFile, partial: Path, report: Report, wait: Wait) -> Path:
    if (path := cached(file)) is not None:
        if sha256_of(path) == file.sha256:
            return path
        forget(file)
    failures = 0
    while partial_bytes(file) < file.bytes:
        before = partial_bytes(file)
        report(before)
        try:
            _continue(file, partial, report)
        except _Cut as fault:
            failures = 1 if partial_bytes(file) > before else failures + 1
            if failures > _RETRIES:
                raise WeightsUnavailable(
                    f"The download of {file.path} ended early: {fault}.",
                    got=f"{partial_bytes(file):,} of {file.bytes:,} bytes",
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
    return _hand_over(file, partial)


def _continue(file: HubFile, partial: Path, report: Report) -> None:
    """One request for the bytes that are missing. Raises _Cut where another one may bring more."""
    import httpx2
    from huggingface_hub import hf_hub_url
    from huggingface_hub.errors import OfflineModeIsEnabled
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    url = hf_hub_url(file.repository, file.path, revision=file.revision)
    have = partial_bytes(file)
    # no compression: bytes are counted, and continued, as they are in the file
    headers = build_hf_headers() | {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with get_session().stream("GET", url, headers=headers, timeout=_READ_TIMEOUT_S) as response:
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
            raise _Cut(f"the hub answered with status {status}") from None
        raise _refused(file, status) from None
    except OSError as fault:
        raise _unwritable(file, fault) from None


def _check_size(file: HubFile, length: str | None, have: int) -> None:
    """Refuse before the transfer what cannot be the pinned file."""
    if length is not None and have + int(length) != file.bytes:
        raise WeightsUnavailable(
            f"The file {file.path} at the hub has another size than the one this studio was tested with.",
            expected=f"{file.bytes:,} bytes",
            got=f"{have + int(length):,} bytes",
            hint="The publisher's file has changed: please report it.",
        )


def _hand_over(file: HubFile, partial: Path) -> Path:
    """Give the checked bytes to the cache under the name it wants, and have it point there."""
    import httpx2
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    blob = None
    try:
        url = hf_hub_url(file.repository, file.path, revision=file.revision)
        etag = get_hf_file_metadata(url, retry_on_errors=True).etag
        if not etag or Path(etag).name != etag:
            raise _refused(file, 0)
        blob = partial.replace(partial.parent / etag)
        # the blob is there: this makes the pointer of its revision, and transfers nothing
        path = Path(hf_hub_download(file.repository, file.path, revision=file.revision))
    except (httpx2.HTTPError, EntryNotFoundError, OSError) as fault:
        if blob is not None:
            blob.replace(partial)
        raise WeightsUnavailable(
            f"The download of {file.path} could not be finished: {type(fault).__name__}.",
            hint="What has come is kept. Try again later.",
        ) from None
    return path


def forget(file: HubFile) -> None:
    """Remove the file, or what there is of it, from the cache. A blob that another revision uses stays."""
    from huggingface_hub import try_to_load_from_cache

    partial_path(file).unlink(missing_ok=True)
    found = try_to_load_from_cache(file.repository, file.path, revision=file.revision)
    if not isinstance(found, str):
        return
    pointer = Path(found)
    blob = pointer.resolve()
    pointer.unlink()
    snapshots = _folder(file) / "snapshots"
    used = any(other.resolve() == blob for other in snapshots.rglob("*") if other.is_symlink())
    if not used and blob.is_relative_to(_folder(file).resolve()):
        blob.unlink(missing_ok=True)


def _folder(file: HubFile) -> Path:
    from huggingface_hub.file_download import repo_folder_name

    return cache_folder() / repo_folder_name(repo_id=file.repository, repo_type="model")


def _offline(file: HubFile) -> WeightsUnavailable:
    return WeightsUnavailable(
        f"{file.path} is not on this machine, and the studio was told to stay offline.",
        expected="a connection to the hub",
        got="HF_HUB_OFFLINE is set",
        hint="Start it without HF_HUB_OFFLINE, or copy the cache (HF_HOME) from a machine that has the model.",
    )


def _unreachable(fault: Exception) -> str:
    import httpx2

    if isinstance(fault, httpx2.ConnectError | httpx2.ConnectTimeout):
        return "the hub cannot be reached"
    return "the connection was cut" if not isinstance(fault, httpx2.TimeoutException) else "no more data came"


def _refused(file: HubFile, status: int) -> WeightsUnavailable:
    if status in (401, 403):
        return WeightsUnavailable(
            f"The hub does not hand out {file.repository} without being asked for it.",
            got=f"status {status}",
            hint=f"Accept its terms at https://huggingface.co/{file.repository} and set HF_TOKEN.",
        )
    return WeightsUnavailable(
        f"The hub has no file {file.path} in {file.repository} at revision {file.revision[:8]}.",
        got=f"status {status}" if status else "an answer without a name for the file",
        hint="The publisher may have moved it: please report it.",
    )


def _unwritable(file: HubFile, fault: OSError) -> WeightsUnavailable:
    if fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return WeightsUnavailable(
            "The disk is full.",
            expected=f"{file.bytes - partial_bytes(file):,} more bytes",
            got=str(fault.strerror),
            hint="Free some space and continue; or cancel, which removes what has come.",
        )
    return WeightsUnavailable(
        f"The download of {file.path} cannot be written: {fault.strerror or type(fault).__name__}.",
        hint="The folder of HF_HOME must be writable.",
    )
