"""A call of a backend outside the studio: what benchmarks, and some tests, give it for a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.contract import Inputs, Outputs
from studio.errors import NotFound


class BareRun:
    """A `Run` that does nothing: no job, no progress, no cancel.

    Args:
        workdir: where the call may write.
    """

    owner, device, live = "bench", "cpu", False
    storage = Path()

    def __init__(self, workdir: Path = Path()) -> None:
        self.workdir = workdir

    def progress(self, fraction: float, note: str = "") -> None:
        """Nothing."""

    def check(self) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def call(
        self, task: str, payload: Mapping[str, Any] | Inputs, adapter: str | None = None, until: float | None = None
    ) -> Outputs:
        """Nobody is asked."""
        raise NotFound(f"There is no task {task!r}.")


class LiveRun(BareRun):
    """A bare run of a webcam's frame."""

    live = True
