"""How much the studio adds to a caption of a drawn scene: `python -m bench.scenes_speed`.

Pairs of runs: `image_captioning` by the model `scenes` through the runtime, and, in a process of its own, what a script
without the studio would do for the same answer: open the file, make it small, write with the same beams, lay each
word's attention over the picture, and tell how far the picture is from the drawn scenes. Which comes first changes from
pair to pair; both begin after a pause, in which the studio ends its writing. Exit status 1 if the bound is missed.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch

from backends.captioning.task import image_captioning
from backends.scenes.captions import ATTENTION_PX, middle, tensor
from backends.scenes.domain import Domain
from backends.scenes.net import Captioner
from backends.scenes.writing import Manner, write
from bench.scenes_quality import captioner
from bench.tables import Ratio, median
from studio.media.attention import spotlights
from studio.runtime import Runtime
from studio.settings import Settings

_PAIRS, _WARM_UP = 200, 5
_PAUSE_S = 0.1
_BOUND = 1.05
_EXAMPLE: dict[str, Any] = next(each for each in image_captioning.examples if each.adapter == "scenes").values
_BARE = "--bare"


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home:
        runtime = Runtime(Settings(home=Path(home), device="cpu"))
        script = subprocess.Popen(
            [sys.executable, "-m", "bench.scenes_speed", _BARE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            pairs = [_pair(runtime, script, ours_first=turn % 2 == 0) for turn in range(_WARM_UP + _PAIRS)][_WARM_UP:]
        finally:
            runtime.close()
            script.communicate()
    ratio = Ratio(
        f"caption of a scene, {_EXAMPLE['beams']} beams, over a bare script",
        [ours_s / bare_s for ours_s, bare_s in pairs],
        at_most=_BOUND,
        detail=f"{median(a for a, _ in pairs) * 1e3:.1f} ms over {median(b for _, b in pairs) * 1e3:.1f} ms",
    )
    print(f"{'figure':<52}{'median':>8}{'min':>8}{'max':>8}{'bound':>9}  detail")
    print(ratio.row())
    return 0 if ratio.met else 1


def _pair(runtime: Runtime, script: subprocess.Popen[str], *, ours_first: bool) -> tuple[float, float]:
    """Seconds of the studio and of the script."""
    seconds: dict[bool, float] = {}
    for ours in (ours_first, not ours_first):
        seconds[ours] = _ours(runtime) if ours else _of(script)
        runtime.runs.writer.settle()
        time.sleep(_PAUSE_S)
    return seconds[True], seconds[False]


def _ours(runtime: Runtime) -> float:
    return _seconds(lambda: runtime.run("image_captioning", _EXAMPLE, adapter="scenes"))


def _of(script: subprocess.Popen[str]) -> float:
    assert script.stdin is not None
    assert script.stdout is not None
    script.stdin.write("\n")
    script.stdin.flush()
    return float(script.stdout.readline())


def bare() -> int:
    """Caption the example each time that a line comes in, and print the seconds that it took."""
    net, domain = captioner("scenes")
    net.requires_grad_(False)
    for _ in sys.stdin:
        print(_seconds(lambda: _script(net, domain)), flush=True)
    return 0


def _script(net: Captioner, domain: Domain) -> None:
    data = Path(_EXAMPLE["image"]).read_bytes()
    square = middle(np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB")))
    with torch.inference_mode():
        maps = net.encoder.maps(tensor(square))
        written = write(net, maps, Manner(_EXAMPLE["beams"]))
        float(domain.strangeness(maps)[0])
    looks = np.asarray(written.looks.numpy(), np.float32)
    spotlights(PIL.Image.fromarray(square), list(zip(written.words, looks, strict=True)), ATTENTION_PX)


def _seconds(work: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


if __name__ == "__main__":
    sys.exit(bare() if _BARE in sys.argv else main())
