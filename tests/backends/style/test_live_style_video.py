"""Videos painted by the live task: steady where nothing moves, whole after a cancel, whatever state they are in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from backends.style.fast import Fast
from backends.style.feedforward import FeedForward, SteadyNetwork
from backends.style.fields import LiveInputs, LiveOutputs
from backends.style.palettes import RGB, Palette, as_rgb, as_tensor
from backends.style.steady import Steadier, of_cells
from backends.style.swapper import Touch, finished, recoloured
from backends.style.task import style_transfer
from backends.style.video import SteadyPainter
from bench.bare import BareRun, LiveRun
from studio.catalogue import Catalogue
from studio.contract import Inputs
from studio.errors import Cancelled, InvalidInput, TooLarge
from studio.media.base import Blob, Limits
from studio.media.image import Image
from studio.media.mp4 import Mp4Writer
from studio.media.video import Video
from studio.runtime import EMBEDDED
from studio.weights import Shelf

Backend = Callable[[Inputs, BareRun], Any]
FAMILY = Catalogue.discover().entry(style_transfer.name).family
PHOTOGRAPH = np.asarray(Image.open(FAMILY / "examples" / "coffee.jpg").pil().resize((160, 96)), np.uint8)
FPS = 10.0


@pytest.fixture(scope="module")
def fast() -> Fast:
    return Fast(Shelf(EMBEDDED).resolve(FAMILY, "style_encoder"), "cpu")


@pytest.fixture(scope="module")
def network() -> FeedForward:
    return FeedForward(Shelf(EMBEDDED).resolve(FAMILY, "style_painter"), "cpu")


@pytest.fixture(params=["fast", "network"])
def quick(request: pytest.FixtureRequest) -> Backend:
    """Either of the two, for what both promise."""
    backend: Backend = request.getfixturevalue(request.param)
    return backend


class Watched(BareRun):
    """A run that is cancelled when it is told of the frame of that number."""

    def __init__(self, workdir: Path, cancel_at: int = 10_000) -> None:
        super().__init__(workdir)
        self.cancel_at = cancel_at
        self.told: list[tuple[float, str]] = []

    def progress(self, fraction: float, note: str = "") -> None:
        self.told.append((fraction, note))
        if len(self.told) >= self.cancel_at:
            raise Cancelled("Cancelled.")


def film(folder: Path, frames: list[RGB], times_s: Callable[[int], float] = lambda n: n / FPS) -> bytes:
    with Mp4Writer(folder / "film.mp4", FPS) as writer:
        for number, rgb in enumerate(frames):
            writer.write(rgb, times_s(number))
    return (folder / "film.mp4").read_bytes()


def video(data: bytes, **limits: Any) -> Video:
    return Video.load(Blob(data=data, name="walk.mp4"), Limits(**limits))


def answers(backend: Backend, inputs: LiveInputs, run: BareRun) -> Iterator[LiveOutputs]:
    return cast(Iterator[LiveOutputs], backend(inputs, run))


def noisy(count: int, deviation: float = 6.0) -> list[RGB]:
    """A photograph that stands still, as a camera sees it: with other noise each time."""
    rng = np.random.default_rng(0)
    return [
        np.clip(PHOTOGRAPH + rng.normal(0, deviation, PHOTOGRAPH.shape), 0, 255).astype(np.uint8) for _ in range(count)
    ]


def change(frames: list[RGB]) -> float:
    """Mean difference of consecutive frames, in levels of 255."""
    return float(np.mean([np.abs(a.astype(int) - b).mean() for a, b in itertools.pairwise(frames)]))


def painted(fast: Fast, frames: list[RGB], painting: str = "mosaic") -> list[RGB]:
    study = fast.study(painting, None, 160)
    paint = SteadyPainter(fast.swapper, study, 0.8)
    with torch.inference_mode():
        return [as_rgb(paint(as_tensor(rgb), lambda: None)) for rgb in frames]


def test_a_still_video_stands_still(fast: Fast) -> None:
    """After a few frames in which strokes settle nothing changes any more."""
    frames = painted(fast, [PHOTOGRAPH] * 12)
    assert change(frames[6:]) < 0.02
    assert frames[0].std() > 20


def test_noise_is_calmed_and_not_made_worse(fast: Fast) -> None:
    """Painted one by one, noisy frames flicker; painted in a row, they change less than the noise itself."""
    frames = noisy(12)
    study = fast.study("mosaic", None, 160)
    with torch.inference_mode():
        apart = [as_rgb(fast.swapper.paint(as_tensor(rgb), study, 0.8, 0, lambda: None)) for rgb in frames]
    in_a_row = painted(fast, frames)
    assert change(in_a_row[4:]) < 0.4 * change(frames)
    assert change(in_a_row[4:]) < 0.3 * change(apart)


def test_the_networks_strokes_stand_still(network: FeedForward) -> None:
    frames = noisy(12)
    study = network.study("mosaic", None, 160)
    paint = SteadyNetwork(network, study, 0.8)
    with torch.inference_mode():
        in_a_row = [as_rgb(paint(as_tensor(rgb), lambda: None)) for rgb in frames]
        still = [as_rgb(SteadyNetwork(network, study, 0.8)(as_tensor(PHOTOGRAPH), lambda: None)) for _ in range(2)]
    assert change(in_a_row[4:]) < change(frames)
    assert change(still) == 0


def test_what_moves_is_not_smeared(fast: Fast) -> None:
    """A white square that jumps has left its old place in the very next frame, and is in its new one."""
    frames = []
    for left in (10, 10, 10, 110, 110):
        rgb = np.full((96, 160, 3), 40, np.uint8)
        rgb[30:60, left : left + 30] = 250
        frames.append(rgb)
    after = painted(fast, frames, "ink hatching")[3].mean(2)
    assert after[32:58, 112:138].mean() > after[32:58, 12:38].mean() + 60


def test_another_scene_begins_anew(fast: Fast) -> None:
    steadier = Steadier()
    bright, dark = torch.full((3, 16, 16), 0.9), torch.full((3, 16, 16), 0.1)
    assert [steadier(rgb).new for rgb in (bright, bright, dark, dark)] == [True, False, True, False]
    assert torch.equal(steadier(dark).rgb, dark)


def test_movement_is_told_from_noise() -> None:
    steadier = Steadier()
    first = torch.full((3, 64, 64), 0.5)
    steadier(first)
    noise = first + 0.02 * torch.randn(first.shape, generator=torch.Generator().manual_seed(0))
    calm = steadier(noise)
    assert float(calm.moved.max()) < 0.2
    assert float((calm.rgb - first).abs().mean()) < 0.3 * float((noise - first).abs().mean())
    moved = first.clone()
    moved[:, 8:24, 8:24] = 0.9
    seen = steadier(moved)
    assert float(seen.moved[12:20, 12:20].min()) == 1
    assert torch.allclose(seen.rgb[:, 12:20, 12:20], moved[:, 12:20, 12:20])
    cells = of_cells(seen.moved, 4)
    assert cells.shape == (16, 16)
    assert cells[4, 4] == 1
    assert cells[12, 12] < 0.2


def test_a_video_is_painted_frame_by_frame(quick: Backend, tmp_path: Path) -> None:
    data = film(tmp_path, noisy(6))
    run = Watched(tmp_path)
    outputs = list(answers(quick, LiveInputs(video=video(data), painting="woodcut", size=128), run))[-1]
    assert outputs.video is not None
    assert outputs.video.name == "walk_painted.mp4"
    written = video(outputs.video.data)
    assert written.frame_count == 6
    assert written.resolution_wh == (128, 78)
    frames = list(written.frames())
    assert [frame.time_s for frame in frames] == pytest.approx([n / FPS for n in range(6)], abs=1e-3)
    assert np.abs(frames[-1].rgb[:77].astype(int) - outputs.picture.rgb).mean() < 12
    assert [note for _, note in run.told[:2]] == ["Frame 1, at 0.0 s of 0.6 s", "Frame 2, at 0.1 s of 0.6 s"]
    assert outputs.notes == ["The frames were scaled down from 160 x 96 to 128 x 77 px."]


def test_the_form_of_a_frame_is_the_photographs(fast: Fast) -> None:
    study = fast.study("mosaic", None, 160)
    rgb = as_tensor(PHOTOGRAPH)
    plain = recoloured(rgb, Palette.of(rgb), study)
    kept = finished(plain, plain, Touch(0.5, 0.5, 0.0, 1.0), study)
    assert torch.allclose(kept, plain, atol=0.1), "its own tone changes nothing"
    frame = painted(fast, [PHOTOGRAPH])[0].mean(2)
    assert np.corrcoef(frame.ravel(), PHOTOGRAPH.mean(2).ravel())[0, 1] > 0.5


def test_frames_are_left_out_where_that_is_asked_for(quick: Backend, tmp_path: Path) -> None:
    inputs = LiveInputs(video=video(film(tmp_path, [PHOTOGRAPH] * 10)), most_fps=5, size=128)
    outputs = list(answers(quick, inputs, Watched(tmp_path)))[-1]
    assert outputs.video is not None
    assert video(outputs.video.data).frame_count == 5


def test_what_was_painted_before_a_cancel_is_kept(quick: Backend, tmp_path: Path) -> None:
    told = answers(quick, LiveInputs(video=video(film(tmp_path, [PHOTOGRAPH] * 9)), size=128), Watched(tmp_path, 4))
    outputs = next(told)
    assert outputs.video is not None
    assert video(outputs.video.data).frame_count == 3
    assert outputs.notes[-1] == "Cancelled after 0.2 s of the video."
    with pytest.raises(Cancelled):
        next(told)


def test_a_damaged_video_is_painted_up_to_the_damage(fast: Fast, tmp_path: Path) -> None:
    class Torn(Video):
        def frames(self) -> Iterator[Any]:
            for number, frame in enumerate(super().frames()):
                if number == self.whole:
                    raise InvalidInput("The video is damaged.")
                yield frame

    data = film(tmp_path, [PHOTOGRAPH] * 6)
    torn = Torn(data, "walk.mp4", resolution_wh=(160, 96), duration_s=0.6, frame_count=6)
    torn.whole = 3  # type: ignore[attr-defined]
    outputs = list(answers(fast, LiveInputs(video=torn, size=128), Watched(tmp_path)))[-1]
    assert outputs.notes[-1] == "The video is damaged after 0.2 s: what comes later could not be read."
    torn.whole = 0  # type: ignore[attr-defined]
    with pytest.raises(InvalidInput) as told:
        list(answers(fast, LiveInputs(video=torn, size=128), Watched(tmp_path)))
    assert told.value.field == "video"


@pytest.mark.parametrize("data", [b"", b"once upon a time\n" * 50, b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 40])
def test_what_is_no_video_is_refused_before_it_is_painted(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        video(data)


def test_limits_are_named_before_anything_is_decoded(tmp_path: Path) -> None:
    data = film(tmp_path, [PHOTOGRAPH] * 20)
    with pytest.raises(TooLarge, match="video") as told:
        video(data, video_s=0.5)
    assert "ATELIER_MAX_VIDEO_S" in told.value.hint
    with pytest.raises(TooLarge, match="million pixels"):
        video(data, image_pixels=1_000)


def test_a_webcam_is_painted_even_where_a_video_is_given_too(quick: Backend, tmp_path: Path) -> None:
    inputs = LiveInputs(image=Image(PHOTOGRAPH), video=video(film(tmp_path, [PHOTOGRAPH] * 3)))
    outputs = quick(inputs, LiveRun())
    assert isinstance(outputs, LiveOutputs)
    assert outputs.video is None
    assert outputs.picture.resolution_wh == (256, 154)
