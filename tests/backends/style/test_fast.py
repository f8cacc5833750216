"""What paints at once: strokes and palette come from the style, form from the photograph, whatever their sizes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from backends.style.fast import Fast
from backends.style.feedforward import FeedForward
from backends.style.fields import LiveInputs, LiveOutputs, StyleInputs, StyleOutputs
from backends.style.palettes import RGB, Palette, as_rgb, as_tensor, own_colours
from backends.style.task import style_transfer
from bench.bare import BareRun, LiveRun
from studio.catalogue import Catalogue
from studio.contract import Inputs
from studio.errors import Cancelled, InvalidInput
from studio.media.image import Image
from studio.runtime import EMBEDDED
from studio.weights import Shelf

Backend = Callable[[Inputs, BareRun], Any]
FAMILY = Catalogue.discover().entry(style_transfer.name).family
PHOTOGRAPH = Image.open(FAMILY / "examples" / "coffee.jpg")


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


class Stopped(BareRun):
    def check(self) -> None:
        raise Cancelled("Cancelled.")


def told(backend: Backend, **changes: Any) -> StyleOutputs:
    asked: dict[str, Any] = {"content": PHOTOGRAPH, "painting": "mosaic", "size": 128} | changes
    outputs = backend(StyleInputs(**asked), BareRun())
    assert isinstance(outputs, StyleOutputs)
    return outputs


def stripes(side: int = 96) -> RGB:
    """Red and blue stripes, 6 px wide: a style that can be recognised."""
    rgb = np.zeros((side, side, 3), np.uint8)
    red = (np.arange(side) // 6) % 2 == 0
    rgb[:, red] = (220, 30, 20)
    rgb[:, ~red] = (10, 20, 200)
    return rgb


def test_its_strokes_and_colours_are_the_styles(fast: Fast) -> None:
    painted = told(fast, style=Image(stripes()), strength=1.0).picture.rgb.astype(int)
    before = told(fast, style=Image(stripes()), strength=0.0).picture.rgb.astype(int)

    def green(rgb: Any) -> float:
        return float(rgb[..., 1].mean())

    def upright(rgb: Any) -> float:
        """How much more changes from left to right than from top to bottom."""
        return float(np.abs(np.diff(rgb, axis=1)).mean() / np.abs(np.diff(rgb, axis=0)).mean())

    assert green(painted) < 60 < green(before)
    assert upright(painted) > 1.5 * upright(before)


def test_the_forms_are_the_photographs(quick: Backend) -> None:
    """Light and dark places of the photograph stay light and dark, for each style that ships."""
    before = told(quick, strength=0.0).picture.rgb.mean(2)
    for painting in ("impasto oil", "woodcut", "night sky"):
        after = told(quick, painting=painting).picture.rgb.mean(2)
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.5, painting


def test_without_strength_the_photograph_comes_back(quick: Backend) -> None:
    outputs = told(quick, strength=0.0)
    assert np.abs(outputs.picture.rgb.astype(int) - outputs.original.rgb).max() <= 1
    weak, strong = (told(quick, strength=strength).picture.rgb.astype(int) for strength in (0.2, 1.0))
    apart = [float(np.abs(rgb - outputs.original.rgb).mean()) for rgb in (weak, strong)]
    assert 0 < apart[0] < apart[1]


def test_the_seed_decides(quick: Backend) -> None:
    first, again, other = (told(quick, seed=seed).picture.rgb for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_two_styles_are_mixed_by_their_share(fast: Fast) -> None:
    alone, other = (told(fast, painting=name).picture.rgb.astype(int) for name in ("mosaic", "woodcut"))
    none, half, full = (told(fast, second="woodcut", blend=share).picture.rgb.astype(int) for share in (0.0, 0.5, 1.0))
    assert np.abs(none - alone).max() <= 1
    assert np.abs(full - other).max() <= 1
    assert np.abs(half - (alone + other) / 2).max() <= 2


def test_a_live_frame_is_what_a_picture_of_its_size_is(network: FeedForward) -> None:
    asked = LiveInputs(image=PHOTOGRAPH, painting="mosaic", size=256)
    live, still = network(asked, LiveRun()), network(asked, BareRun())
    assert isinstance(live, LiveOutputs)
    assert isinstance(still, LiveOutputs)
    assert live.picture is not None
    assert still.picture is not None
    apart = np.abs(live.picture.rgb.astype(int) - still.picture.rgb)
    assert apart.mean() < 2  # of 255
    assert np.quantile(apart, 0.99) < 16


def test_the_network_mixes_what_two_styles_set(network: FeedForward) -> None:
    alone, other = (told(network, painting=name).picture.rgb.astype(int) for name in ("mosaic", "woodcut"))
    none, half, full = (told(network, second="woodcut", blend=share).picture.rgb.astype(int) for share in (0, 0.5, 1))
    assert np.abs(none - alone).max() <= 1
    assert np.abs(full - other).max() <= 1
    apart = np.abs(alone - other).mean()
    assert 0.2 * apart < np.abs(half - alone).mean() < 0.8 * apart


def test_the_network_paints_for_several_at_once(network: FeedForward) -> None:
    """Nothing of a run is kept in the network."""
    names = ["mosaic", "woodcut", "night sky", "watercolour"]
    alone = [told(network, painting=name).picture.rgb for name in names]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda name: told(network, painting=name).picture.rgb, names * 3))
    for number, rgb in enumerate(together):
        assert np.abs(rgb.astype(int) - alone[number % 4]).max() <= 2


def test_its_own_colours_are_kept(quick: Backend) -> None:
    """Hue against hue: the difference of red and blue follows the photograph, not the blue style."""
    kept = told(quick, painting="night sky", keep_colours=True)
    blue = told(quick, painting="night sky").picture.rgb.astype(int)

    def warmth(rgb: Any) -> Any:
        return (rgb[..., 0].astype(int) - rgb[..., 2]).ravel()

    original = warmth(kept.original.rgb)
    assert np.abs(warmth(kept.picture.rgb) - original).mean() < 0.5 * np.abs(warmth(blue) - original).mean()


def test_a_broader_brush_paints_coarser(fast: Fast) -> None:
    style = Image(stripes())
    fine, broad = (
        told(fast, style=style, brush=brush, strength=1.0, size=192).picture.rgb.astype(int) for brush in (0.5, 2.0)
    )

    def changes(rgb: Any) -> float:
        return float(np.abs(np.diff(rgb[..., 2], axis=1)).mean())

    assert changes(fine) > 1.3 * changes(broad)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 700), (900, 3), (2, 2), (33, 65)], ids=lambda shape: f"{shape[0]}x{shape[1]}"
)
def test_any_size_is_painted(quick: Backend, shape: tuple[int, int]) -> None:
    """Of photographs and of styles; the answer has the photograph's form."""
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    height, width = shape
    for changes in ({"content": Image(rgb)}, {"style": Image(rgb)}):
        outputs = told(quick, **changes)
        assert outputs.picture.resolution_wh == outputs.original.resolution_wh
    outputs = told(quick, content=Image(rgb))
    longer = max(height, width)
    assert outputs.picture.resolution_wh == (max(1, round(128 * width / longer)), max(1, round(128 * height / longer)))


def test_a_grey_photograph_and_an_even_style_are_painted(quick: Backend) -> None:
    grey = np.repeat(np.linspace(0, 255, 90).astype(np.uint8)[None, :, None], 60, 0).repeat(3, 2)
    even = np.full((50, 50, 3), 200, np.uint8)
    assert told(quick, content=Image(grey)).picture.rgb.std() > 5
    assert np.abs(told(quick, style=Image(even), strength=1.0).picture.rgb.mean() - 200) < 30
    assert told(quick, content=Image(even)).picture.rgb.shape == (128, 128, 3)


def test_a_large_photograph_is_scaled_down_and_it_says_so(quick: Backend) -> None:
    large = Image(np.zeros((3000, 4000, 3), np.uint8))
    assert told(quick, content=large).notes == ["The picture was scaled down from 4,000 x 3,000 to 128 x 96 px."]
    assert told(quick, content=Image(np.zeros((64, 64, 3), np.uint8))).notes == []


def test_a_style_is_read_once(fast: Fast, monkeypatch: pytest.MonkeyPatch) -> None:
    studied: list[int] = []
    real = fast.swapper.study

    def counted(*arguments: Any) -> Any:
        studied.append(1)
        return real(*arguments)

    monkeypatch.setattr(fast.swapper, "study", counted)
    frame = LiveInputs(image=PHOTOGRAPH, style=Image(stripes(60)))
    for _ in range(3):
        outputs = fast(frame, LiveRun())
        assert isinstance(outputs, LiveOutputs)
        assert max(outputs.picture.resolution_wh) == 256
    assert len(studied) == 1
    fast(LiveInputs(image=PHOTOGRAPH, style=Image(stripes(64))), LiveRun())
    assert len(studied) == 2


def test_it_can_be_cancelled(quick: Backend) -> None:
    with pytest.raises(Cancelled):
        quick(StyleInputs(content=PHOTOGRAPH, size=128), Stopped())


def test_nothing_to_paint_is_said(quick: Backend) -> None:
    with pytest.raises(InvalidInput, match="nothing to paint") as told:
        quick(LiveInputs(), BareRun())
    assert told.value.field == "image"


def test_a_palette_has_the_moments_of_its_picture() -> None:
    rgb = as_tensor(PHOTOGRAPH.rgb)
    target = Palette.of(as_tensor(stripes()))
    white = Palette.of(rgb).whitened(rgb).flatten(1)
    assert torch.allclose(white.mean(1), torch.zeros(3), atol=1e-4)
    assert torch.allclose(
        white @ white.T / white.shape[1], torch.eye(3), atol=0.35
    )  # what varies little is not stretched
    assert target.mean.tolist() == pytest.approx([115 / 255, 25 / 255, 110 / 255], abs=1e-3)


def test_own_colours_of_the_same_picture_change_nothing() -> None:
    rgb = as_tensor(PHOTOGRAPH.rgb)
    assert np.abs(as_rgb(own_colours(rgb, rgb)).astype(int) - PHOTOGRAPH.rgb).max() <= 1
