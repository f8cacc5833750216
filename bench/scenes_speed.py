"""How much the studio adds to a caption of a drawn scene: `python -m bench.scenes_speed`.

Pairs within one run: `image_captioning` by the model `scenes` through the runtime, against the bare network that looks
at the same picture, already small, and writes with the same beams. Exit status 1 if the bound is missed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from backends.captioning.task import image_captioning
from backends.scenes.captions import middle, tensor
from backends.scenes.fields import DescriptionInputs
from backends.scenes.net import Captioner
from backends.scenes.writing import Manner, write
from bench.scenes_quality import captioner
from bench.tables import Ratio, median
from studio.runtime import Runtime
from studio.settings import Settings

_PAIRS, _WARM_UP = 60, 5
_BOUND = 1.05


def main() -> int:
    """Measure and print."""
    example = next(each for each in image_captioning.examples if each.adapter == "scenes").values
    net, _ = captioner("scenes")
    with tempfile.TemporaryDirectory() as home:
        runtime = Runtime(Settings(home=Path(home), device="cpu"))
        try:
            told = DescriptionInputs.model_validate({"image": example["image"], "beams": example["beams"]})
            rgb = tensor(middle(told.image.rgb))[0]
            manner = Manner(told.beams, told.most_words)
            pairs = [
                (_seconds(lambda: _ours(runtime, example)), _seconds(lambda: _bare(net, rgb, manner)))
                for _ in range(_WARM_UP + _PAIRS)
            ][_WARM_UP:]
        finally:
            runtime.close()
    ratio = Ratio(
        f"caption of a scene, {told.beams} beams, over the bare network",
        [ours_s / bare_s for ours_s, bare_s in pairs],
        at_most=_BOUND,
        detail=f"{median(a for a, _ in pairs) * 1e3:.1f} ms over {median(b for _, b in pairs) * 1e3:.1f} ms",
    )
    print(f"{'figure':<52}{'median':>8}{'min':>8}{'max':>8}{'bound':>9}  detail")
    print(ratio.row())
    return 0 if ratio.met else 1


def _ours(runtime: Runtime, values: dict[str, object]) -> None:
    runtime.run("image_captioning", values, adapter="scenes")


@torch.inference_mode()
def _bare(net: Captioner, rgb: torch.Tensor, manner: Manner) -> None:
    write(net, rgb, manner)


def _seconds(work: Callable[[], None]) -> float:
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


if __name__ == "__main__":
    sys.exit(main())
