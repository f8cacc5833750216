"""Downloads of weights: one per row however many ask for it, watched, paused, continued and cancelled."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from studio import remote
from studio.errors import AtelierError, Cancelled, WeightsUnavailable
from studio.remote import RemoteFile

log = logging.getLogger(__name__)

#: The rate is that of the last seconds, so that it follows the connection and does not flicker.
_RATE_WINDOW_S = 5.0
#: Room that stays free on the disk.
SPARE_BYTES = 200_000_000


@dataclass(frozen=True)
class WeightsState:
    """How it stands with the weights of an adapter.

    Attributes:
        name: ready; absent; downloading; paused (part of it is here); failed (`reason` says why).
        total_bytes, done_bytes: the size of all files, and how much of it is here.
        bytes_per_s: of the last seconds, while downloading.
        seconds_left: None where it is not known.
    """

    name: Literal["ready", "absent", "downloading", "paused", "failed"]
    total_bytes: int = 0
    done_bytes: int = 0
    bytes_per_s: float = 0.0
    seconds_left: float | None = None
    reason: str = ""

    @property
    def fraction(self) -> float:
        """How much is here, 0..1."""
        return self.done_bytes / self.total_bytes if self.total_bytes else float(self.name == "ready")


class Download:
    """One download, from the moment it is asked for; it runs in a thread of its own."""

    def __init__(self, files: Sequence[RemoteFile]) -> None:
        self._files = list(files)
        self._total_bytes = sum(file.bytes for file in files)
        self._before_bytes = 0  # of the files that are finished
        self._samples: deque[tuple[float, int]] = deque()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._done = threading.Event()
        self.error: AtelierError | None = None
        self._done_bytes = here_bytes(self._files)
        self._thread = threading.Thread(target=self._work, name="download", daemon=True)

    def start(self) -> Download:
        """Begin, and return at once."""
        self._thread.start()
        return self

    @property
    def running(self) -> bool:
        """Whether bytes may still come."""
        return not self._done.is_set() and not self._stop.is_set()

    @property
    def stopped(self) -> bool:
        """Whether it was paused or cancelled."""
        return self._stop.is_set()

    def stop(self, timeout_s: float = 30) -> None:
        """End it, keeping what has come, and wait until its thread has let go of the files."""
        self._stop.set()
        self._thread.join(timeout_s)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until it has ended, well or not; whether it has."""
        return self._done.wait(timeout_s)

    def state(self) -> WeightsState:
        """Where it is now."""
        with self._lock:
            done, samples = self._done_bytes, list(self._samples)
        rate = 0.0
        if len(samples) > 1 and samples[-1][0] > samples[0][0]:
            # the time since the last piece counts too, or a stalled download would look fast
            rate = (samples[-1][1] - samples[0][1]) / (time.monotonic() - samples[0][0])
        left = (self._total_bytes - done) / rate if rate > 0 else None
        return WeightsState("downloading", self._total_bytes, done, rate, left)

    def _work(self) -> None:
        try:
            for file in self._files:
                remote.fetch(file, self._report, self._wait)
                self._before_bytes += file.bytes
                self._report(0)
        except Cancelled:
            pass
        except WeightsUnavailable as fault:
            self.error = fault
        except Exception:  # whatever a library raises must not leave a download that never ends
            log.exception("a download failed")
            self.error = WeightsUnavailable("The download failed.", hint="The log has the reason.")
        finally:
            self._done.set()

    def _report(self, file_bytes: int) -> None:
        now_s = time.monotonic()
        with self._lock:
            self._done_bytes = self._before_bytes + file_bytes
            if not self._samples or now_s - self._samples[-1][0] >= 0.1:
                self._samples.append((now_s, self._done_bytes))
            while now_s - self._samples[0][0] > _RATE_WINDOW_S and len(self._samples) > 2:
                self._samples.popleft()
        if self._stop.is_set():
            raise Cancelled("The download was stopped.")

    def _wait(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Cancelled("The download was stopped.")


class Downloads:
    """All downloads of this process.

    Args:
        free_bytes: how much fits on the disk of a folder.
    """

    def __init__(self, free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free) -> None:
        self._free_bytes = free_bytes
        self._known: dict[tuple[RemoteFile, ...], Download] = {}
        self._lock = threading.Lock()

    def start(self, files: Sequence[RemoteFile]) -> Download:
        """Download what is missing of the files, or join the download that is at it.

        Raises:
            WeightsUnavailable: offline, or too little room on the disk.
        """
        key = tuple(files)
        with self._lock:
            known = self._known.get(key)
            if known is not None and known.running:
                return known
            self._check(files)
            self._known[key] = Download(files).start()
            return self._known[key]

    def state(self, files: Sequence[RemoteFile]) -> WeightsState:
        """How it stands with the files, whoever brought them; looks at their sizes only."""
        total, done = sum(file.bytes for file in files), here_bytes(files)
        with self._lock:
            known = self._known.get(tuple(files))
        if known is not None and known.running:
            return known.state()
        if all(file.cached() for file in files):
            return WeightsState("ready", total, total)
        if known is not None and known.error is not None:
            return WeightsState("failed", total, done, reason=known.error.message)
        return WeightsState("paused" if done else "absent", total, done)

    def pause(self, files: Sequence[RemoteFile]) -> None:
        """End the download of the files, keeping what has come."""
        with self._lock:
            known = self._known.get(tuple(files))
        if known is not None:
            known.stop()

    def remove(self, files: Sequence[RemoteFile]) -> None:
        """End the download of the files and remove all that is here of them."""
        self.pause(files)
        with self._lock:
            self._known.pop(tuple(files), None)
        for file in files:
            file.forget()

    def close(self) -> None:
        """End all downloads, keeping what has come."""
        with self._lock:
            known = list(self._known.values())
        for download in known:
            if download.running:
                download.stop(timeout_s=2)

    def _check(self, files: Sequence[RemoteFile]) -> None:
        """Refuse before the first byte what cannot succeed."""
        missing = sum(file.bytes for file in files) - here_bytes(files)
        if missing and remote.offline():
            raise WeightsUnavailable(
                "These weights are not on this machine, and the studio was told to stay offline.",
                expected="a connection",
                got="HF_HUB_OFFLINE is set",
                hint="Start it without HF_HUB_OFFLINE, or copy the cache (HF_HOME) from a machine that has the model.",
            )
        folder = files[0].folder
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        free = self._free_bytes(folder)
        if missing + SPARE_BYTES > free:
            raise WeightsUnavailable(
                "There is too little room on the disk for this download.",
                expected=f"{missing / 1e6:,.0f} MB, and {SPARE_BYTES / 1e6:,.0f} MB to spare",
                got=f"{free / 1e6:,.0f} MB free",
                hint="Remove a model on the Models page, or set HF_HOME to a folder on a larger disk.",
            )


def here_bytes(files: Sequence[RemoteFile]) -> int:
    """How many bytes of the files are on this machine."""
    return sum(file.bytes if file.cached() else min(file.partial_bytes, file.bytes) for file in files)
