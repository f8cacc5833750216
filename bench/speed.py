"""Speed against peers and against the bare model call, as ratios within one run: `python -m bench.speed`.

Names select figures: `python -m bench.speed start rest live throughput`. Exit status 1 if one misses its bound.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.live import live
from bench.rest import rest
from bench.servers import Server, hello, studio
from bench.tables import Ratio, median
from bench.throughput import throughput

_ROUNDS = 5
_IDLE_S = 4.0


def start() -> list[Ratio]:
    """Seconds to /readyz and resident memory at idle, the studio and its peer in turn."""
    ours, theirs = [], []
    for _ in range(_ROUNDS):
        with studio() as server:
            ours.append(_measured(server))
        with hello() as server:
            theirs.append(_measured(server))
    return [
        Ratio(
            "start to /readyz over a Streamlit + Gradio hello",
            [a.ready_s / b.ready_s for a, b in zip(ours, theirs, strict=True)],
            at_most=1.25,
            detail=f"{median(a.ready_s for a in ours):.2f} s over {median(b.ready_s for b in theirs):.2f} s",
        ),
        Ratio(
            "memory at idle over the same",
            [a.memory_mb / b.memory_mb for a, b in zip(ours, theirs, strict=True)],
            at_most=1.25,
            detail=f"{median(a.memory_mb for a in ours):.0f} MB over {median(b.memory_mb for b in theirs):.0f} MB",
        ),
    ]


@dataclass(frozen=True)
class _Start:
    ready_s: float
    memory_mb: float


def _measured(server: Server) -> _Start:
    time.sleep(_IDLE_S)
    return _Start(server.ready_s, server.memory_mb())


FIGURES: dict[str, Callable[[], list[Ratio]]] = {"start": start, "rest": rest, "live": live, "throughput": throughput}


def main(names: Iterable[str]) -> int:
    """Measure and print; 1 if a bound is missed, 2 for a name that is not known."""
    chosen = list(names) or list(FIGURES)
    unknown = [name for name in chosen if name not in FIGURES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known: {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    missed = False
    print(f"{'figure':<52}{'median':>8}{'min':>8}{'max':>8}{'bound':>9}  detail")
    for name in chosen:
        for ratio in FIGURES[name]():
            print(ratio.row(), flush=True)
            missed = missed or not ratio.met
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
