"""What sharing the cores is worth to a small network that is called from several threads: `python -m bench.cores`.

Threads caption a scene, with `studio.cores` and without, in rounds within one run: the main thread and as many more as
there are cores in turn, and these without the main thread at once. Exit status 1 if it is not worth anything.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
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
    workers = [ThreadPoolExecutor(1) for _ in range(torch.get_num_threads())]
    cores = Cores()

    def in_turn(sharing: Cores | None) -> float:
        seconds = []
        for _ in range(_CALLS):
            seconds += [_seconds(net, sharing), *(worker.submit(_seconds, net, sharing).result() for worker in workers)]
        return median(seconds)

    def at_once(sharing: Cores | None) -> float:
        calls = [worker.submit(_seconds, net, sharing) for _ in range(_CALLS) for worker in workers]
        return median(call.result() for call in calls)

    print(f"{'figure':<52}{'median':>8}{'min':>8}{'max':>8}{'bound':>9}  detail")
    ratios = [_ratio(name, call, cores) for name, call in (("in turn", in_turn), ("at once", at_once))]
    for ratio in ratios:
        print(ratio.row())
    return 0 if all(ratio.met for ratio in ratios) else 1


def _ratio(name: str, call: Callable[[Cores | None], float], cores: Cores) -> Ratio:
    pairs = [(call(cores), call(None)) for _ in range(1 + _ROUNDS)][1:]
    return Ratio(
        f"a small network, threads {name}, shared over not",
        [shared_s / alone_s for shared_s, alone_s in pairs],
        at_most=1,
        detail=f"{median(a for a, _ in pairs) * 1e3:.1f} ms over {median(b for _, b in pairs) * 1e3:.1f} ms",
    )


@torch.inference_mode()
def _seconds(net: Captioner, sharing: Cores | None) -> float:
    """Of one caption."""
    start_s = time.perf_counter()
    with sharing.shared() if sharing else nullcontext():
        write(net, net.encoder.maps(torch.full((1, 3, 96, 96), 0.5)), Manner(beams=3))
    if sharing:
        sharing.give_back()
    return time.perf_counter() - start_s


if __name__ == "__main__":
    sys.exit(main())
