"""How fast styles are painted, beside the bare computation, and how steady videos are: `python -m bench.style_speed`.

A call is all of it: the picture scaled, painted, its answer made. Bare is the matching alone, on the same pixels, with
the style's cells kept as the adapter keeps them, and for the trained network its forward pass alone. Live is a real
browser whose camera shows a photograph that moves. Steadiness is the mean change between consecutive frames of a
photograph that stands still, with a camera's noise: after painting, over before. Seconds are processor seconds, but for
`gatys`, where a visitor waits for them; live counts frames. Names select figures: `gatys fast network live video
steady`. Exit status 1 if one misses its bound.
"""

from __future__ import annotations

import functools
import io
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import PIL.Image
import PIL.ImageOps
import torch

from backends.style.fast import Fast
from backends.style.feedforward import FeedForward, SteadyNetwork
from backends.style.fields import LiveInputs, StyleInputs
from backends.style.gatys import Gatys
from backends.style.painter import noise_for
from backends.style.palettes import RGB, as_rgb, as_tensor
from backends.style.task import live_style, style_transfer
from backends.style.video import Steady, SteadyPainter, longest_px
from bench.bare import BareRun, LiveRun
from bench.live import streamed
from bench.tables import Ratio, median
from studio.catalogue import Catalogue
from studio.media.base import Blob
from studio.media.image import Image
from studio.runtime import EMBEDDED
from studio.weights import Shelf, Weights

_ROUNDS, _WARM_UP = 9, 2
_SIDE_PX = 512
_FRAMES, _NOISE = 16, 6.0
_CAMERA_WH = (640, 480)


def gatys() -> list[Ratio]:
    """Seconds until a picture of 512 px is painted step by step, and until the first one on the way is seen."""
    backend = Gatys(_weights("style_encoder"), "cpu")
    inputs = StyleInputs(content=_photograph("astronaut"), size=_SIDE_PX)
    started = time.perf_counter()
    seen = [time.perf_counter() - started for _ in cast(Iterator[object], backend(inputs, BareRun()))]
    detail = f"{torch.get_num_threads()} threads, {len(seen)} pictures"
    return [
        Ratio(f"gatys: seconds for {_SIDE_PX} px", [seen[-1]], at_most=60, detail=detail),
        Ratio(f"gatys: seconds to the first preview of {_SIDE_PX} px", [seen[0]], at_most=5, detail=detail),
    ]


def fast() -> list[Ratio]:
    """CPU seconds of a call of `fast` at 512 px, over those of the matching alone."""
    backend, photograph = load(), _photograph("astronaut")
    inputs = StyleInputs(content=photograph, size=_SIDE_PX)
    study = backend.study(inputs.painting, None, _SIDE_PX)
    rgb = as_tensor(photograph.rgb)

    def bare() -> None:
        with torch.inference_mode():
            backend.swapper.paint(rgb, study, inputs.strength, inputs.seed, lambda: None)

    pairs = _pairs(lambda: backend(inputs, BareRun()), bare)
    return [_ratio(f"fast: call over bare matching, {_SIDE_PX} px", pairs, at_most=1.1)]


def network() -> list[Ratio]:
    """CPU seconds of a call of `feed_forward` at 512 px, over those of its forward pass alone."""
    backend, photograph = trained(), _photograph("astronaut")
    inputs = StyleInputs(content=photograph, size=_SIDE_PX)
    study = backend.study(inputs.painting, None, _SIDE_PX)
    rgb = as_tensor(photograph.rgb)[None].contiguous(memory_format=torch.channels_last)
    noise = noise_for(rgb.shape[2], rgb.shape[3], inputs.seed)

    def bare() -> None:
        with torch.inference_mode():
            backend.net(rgb, study.settings, noise)

    pairs = _pairs(lambda: backend(inputs, BareRun()), bare)
    return [_ratio(f"feed_forward: call over bare network, {_SIDE_PX} px", pairs, at_most=1.1)]


def live() -> list[Ratio]:
    """Frames per second of the live demo in a browser over those of the bare backends on the same frames."""
    frames = [_camera_frame(_photograph("astronaut").rgb, number) for number in range(20)]
    inputs = [LiveInputs(image=Image.load(Blob(data=frame))) for frame in frames]
    rows = []
    for name, backend in (("fast", load()), ("feed_forward", trained())):
        calls = [functools.partial(backend, each, LiveRun()) for each in inputs]
        calls[0]()  # the style is read once, and kept
        rows.append(streamed(live_style.name, frames, calls, lambda _page: None, adapter=name))
    return rows


def video() -> list[Ratio]:
    """CPU seconds of a video, decoded, painted and encoded, over those of painting its frames alone."""
    fast, network = load(), trained()

    def swapped(inputs: LiveInputs, longer_px: int) -> SteadyPainter:
        return SteadyPainter(fast.swapper, fast.study(inputs.painting, None, longer_px), inputs.strength)

    def forwarded(inputs: LiveInputs, longer_px: int) -> SteadyNetwork:
        study = network.study(inputs.painting, None, longer_px)
        return SteadyNetwork(network, study, inputs.strength)

    quicker = 1.5  # beside a network that paints in half the time, decoding and encoding weigh more
    return [_of_video("fast", fast, swapped, 1.3), _of_video("feed_forward", network, forwarded, quicker)]


def _of_video(name: str, backend: Any, painter: Callable[[LiveInputs, int], Steady], at_most: float) -> Ratio:
    inputs = LiveInputs.model_validate(live_style.examples[1].values)
    assert inputs.video is not None
    frames = [as_tensor(frame.rgb) for frame in inputs.video.frames()]
    longer_px = longest_px(inputs)

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            for _ in cast(Iterator[object], backend(inputs, BareRun(Path(folder)))):
                pass

    def bare() -> None:
        paint = painter(inputs, longer_px)
        with torch.inference_mode():
            for frame in frames:
                paint(frame, lambda: None)

    pairs = _pairs(whole, bare, rounds=5)
    return _ratio(f"{name}: video over its frames alone, {len(frames)} frames", pairs, at_most)


def steady() -> list[Ratio]:
    """Change of a still photograph with a camera's noise, painted frame after frame, over the noise itself."""
    fast, network = load(), trained()
    rgb = np.asarray(_photograph("astronaut").pil().resize((256, 256)), np.uint8)
    random = np.random.default_rng(0)
    noisy = [np.clip(rgb + random.normal(0, _NOISE, rgb.shape), 0, 255).astype(np.uint8) for _ in range(_FRAMES)]
    rows = []
    for painting in ("mosaic", "impasto oil", "ink hatching"):
        cells, settings = fast.study(painting, None, 256), network.study(painting, None, 256)
        painters: dict[str, Callable[[], Steady]] = {
            "fast": functools.partial(SteadyPainter, fast.swapper, cells, 0.8),
            "feed_forward": functools.partial(SteadyNetwork, network, settings, 0.8),
        }
        for name, painter in painters.items():
            given, still, in_a_row = (
                _change(frames)
                for frames in (noisy, _in_a_row(painter(), [rgb] * _FRAMES), _in_a_row(painter(), noisy))
            )
            detail = f"change of {in_a_row:.2f} over {given:.2f} levels; without noise {still:.3f}"
            rows.append(
                Ratio(f"steady, {name}, {painting}: over the noise", [in_a_row / given], at_most=1, detail=detail)
            )
    return rows


FIGURES: dict[str, Callable[[], list[Ratio]]] = {
    "gatys": gatys, "fast": fast, "network": network, "live": live, "video": video, "steady": steady,
}  # fmt: skip


def main(names: Sequence[str]) -> int:
    """Measure and print; 1 if a bound is missed, 2 for a name that is not known."""
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known: {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    missed = False
    print(f"{'figure':<52}{'median':>8}{'min':>8}{'max':>8}{'bound':>9}  detail")
    for name in names or FIGURES:
        for row in FIGURES[name]():
            print(row.row(), flush=True)
            missed = missed or not row.met
    return int(missed)


def load() -> Fast:
    """The shipped backend, with its weights from the shelf."""
    return Fast(_weights("style_encoder"), "cpu")


def trained() -> FeedForward:
    """The shipped network, with its weights from the shelf."""
    return FeedForward(_weights("style_painter"), "cpu")


def _weights(row: str) -> Weights:
    return Shelf(EMBEDDED).resolve(Catalogue.discover().entry(style_transfer.name).family, row)


def _photograph(name: str) -> Image:
    return Image.open(Catalogue.discover().entry(style_transfer.name).family / "examples" / f"{name}.jpg")


def _camera_frame(rgb: RGB, number: int) -> bytes:
    """A 640 x 480 JPEG of a picture, moved to the side by some pixels."""
    picture = PIL.ImageOps.fit(PIL.Image.fromarray(np.roll(rgb, 4 * number, axis=1)), _CAMERA_WH)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _in_a_row(paint: Steady, frames: Sequence[RGB]) -> list[RGB]:
    with torch.inference_mode():
        return [as_rgb(paint(as_tensor(rgb), lambda: None)) for rgb in frames]


def _change(frames: Sequence[RGB]) -> float:
    """Mean difference of consecutive frames in levels of 255, after those in which strokes settle."""
    late = frames[len(frames) // 3 :]
    return float(np.mean([np.abs(one.astype(int) - other).mean() for one, other in itertools.pairwise(late)]))


def _pairs(ours: Callable[[], object], bare: Callable[[], object], rounds: int = _ROUNDS) -> list[tuple[float, float]]:
    """Processor seconds of both, in turn."""
    return [(_seconds(ours), _seconds(bare)) for _ in range(_WARM_UP + rounds)][_WARM_UP:]


def _ratio(name: str, pairs: Sequence[tuple[float, float]], at_most: float) -> Ratio:
    ours, bare = (median(pair[place] for pair in pairs) for place in (0, 1))
    detail = f"{ours:.3f} over {bare:.3f} CPU s, {torch.get_num_threads()} threads"
    return Ratio(name, [one / other for one, other in pairs], at_most=at_most, detail=detail)


def _seconds(call: Callable[[], object]) -> float:
    """Processor seconds, of all threads: what else runs on the machine does not count."""
    started = time.process_time()
    call()
    return time.process_time() - started


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
