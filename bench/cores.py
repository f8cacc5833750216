"""What sharing the cores is worth to a small network that is called from several threads: `python -m bench.cores`.

Two threads caption a scene in turn, as the studio's workers do, with `studio.cores` and without, in rounds within one
run. Exit status 1 if it is not worth anything.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import torch

from backends.scenes.net import Captioner
from backends.scenes.writing import Manner, write
from bench.scenes_quality import captioner
from bench.tables import Ratio, median
from studio.cores import Cores

_ROUNDS, _CALLS = 8, 5


def main() -> int:
    """Measure and print."""
    net, _ = captioner("scenes")
    net.requires_grad_(False)
    workers = [ThreadPoolExecutor(1) for _ in range(2)]
    cores = Cores()

    def turns(sharing: Cores | None) -> float:
        return median(worker.submit(_seconds, net, sharing).result() for _ in range(_CALLS) for worker in workers)

    pairs = [(turns(cores), turns(None)) for _ in range(1 + _ROUNDS)][1:]
    ratio = Ratio(
        "a small network, two threads in turn, shared over not",
        [shared_s / alone_s for shared_s, alone_s in pairs],
        at_most=1,
        detail=f"{median(a for a, _ in pairs) * 1e3:.1f} ms over {median(b for _, b in pairs) * 1e3:.1f} ms",
    )
    print(f"{'figure':<52}{'median':>8}{'min':>8}{'max':>8}{'bound':>9}  detail")
    print(ratio.row())
    return 0 if ratio.met else 1


@torch.inference_mode()
def _seconds(net: Captioner, sharing: Cores | None) -> float:
    """Of one caption."""
    start_s = time.perf_counter()
    with sharing.shared() if sharing else nullcontext():
        write(net, net.encoder.maps(torch.full((1, 3, 96, 96), 0.5)), Manner(beams=3))
    return time.perf_counter() - start_s


if __name__ == "__main__":
    sys.exit(main())
