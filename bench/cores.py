"""What sharing the cores is worth to a small network that is called from several threads: `python -m bench.cores`.

Threads caption a scene, with `studio.cores` and without, in rounds within one run: the main thread and as many more as
there are cores in turn, and these without the main thread at once. Before that, one thread alone: with the helpers that
it has from the call before, and after it has given them back. Exit status 1 if it is not worth anything.
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
_PAIRS, _WARM_UP, _PAUSE_S = 60, 3, 0.1


def main() -> int:
    """Measure and print."""
    cores = Cores()
    with ThreadPoolExecutor(1) as alone:
        kept = alone.submit(_kept, cores).result()
    net, _ = captioner("scenes")
    net.requires_grad_(False)
    workers = [ThreadPoolExecutor(1) for _ in range(torch.get_num_threads())]

    def in_turn(sharing: Cores | None) -> float:
        seconds = []
        for _ in range(_CALLS):
            seconds += [_seconds(net, sharing), *(worker.submit(_seconds, net, sharing).result() for worker in workers)]
        return median(seconds)

    def at_once(sharing: Cores | None) -> float:
        calls = [worker.submit(_seconds, net, sharing) for _ in range(_CALLS) for worker in workers]
        return median(call.result() for call in calls)

    print(f"{'figure':<52}{'median':>8}{'min':>8}{'max':>8}{'bound':>9}  detail")
    ratios = [kept, *(_ratio(name, call, cores) for name, call in (("in turn", in_turn), ("at once", at_once)))]
    for ratio in ratios:
        print(ratio.row())
    return 0 if all(ratio.met for ratio in ratios) else 1


def _kept(cores: Cores) -> Ratio:
    """Each pair: a call that finds no helpers, and one that finds those of the call before it.

    In a thread of its own, before any other has called PyTorch, as in a studio.
    """
    net, _ = captioner("scenes")
    net.requires_grad_(False)
    pairs = []
    for _ in range(_WARM_UP + _PAIRS):
        cores.give_back()
        seconds = []
        for _ in range(2):
            time.sleep(_PAUSE_S)
            seconds.append(_seconds(net, cores, keep=True))
        pairs.append((seconds[0], seconds[1]))
    pairs = pairs[_WARM_UP:]
    return Ratio(
        "a small network, one thread, helpers kept over new",
        [kept_s / new_s for new_s, kept_s in pairs],
        at_most=1,
        detail=f"{median(kept for _, kept in pairs) * 1e3:.1f} ms over {median(new for new, _ in pairs) * 1e3:.1f} ms",
    )


def _ratio(name: str, call: Callable[[Cores | None], float], cores: Cores) -> Ratio:
    pairs = [(call(cores), call(None)) for _ in range(1 + _ROUNDS)][1:]
    return Ratio(
        f"a small network, threads {name}, shared over not",
        [shared_s / alone_s for shared_s, alone_s in pairs],
        at_most=1,
        detail=f"{median(a for a, _ in pairs) * 1e3:.1f} ms over {median(b for _, b in pairs) * 1e3:.1f} ms",
    )


@torch.inference_mode()
def _seconds(net: Captioner, sharing: Cores | None, *, keep: bool = False) -> float:
    """Of one caption; the helpers are given back within it, unless they are kept."""
    start_s = time.perf_counter()
    with sharing.shared() if sharing else nullcontext():
        write(net, net.encoder.maps(torch.full((1, 3, 96, 96), 0.5)), Manner(beams=3))
    if sharing and not keep:
        sharing.give_back()
    return time.perf_counter() - start_s


if __name__ == "__main__":
    sys.exit(main())
