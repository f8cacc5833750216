"""The adapter `gatys`: what is painted has the style's colours and strokes, and shows what the photograph shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from backends.style.encoder import Encoder
from backends.style.fields import StyleInputs, StyleOutputs
from backends.style.gatys import Gatys
from backends.style.losses import sliced_wasserstein, total_variation
from backends.style.patches import Manner, Source, repainted
from backends.style.task import style_transfer
from backends.style.transport import recoloured
from bench.bare import BareRun
from studio.catalogue import Catalogue
from studio.errors import Cancelled
from studio.media.image import RGB, Image
from studio.runtime import EMBEDDED
from studio.weights import Shelf

FAMILY = Catalogue.discover().entry(style_transfer.name).family
PHOTOGRAPH = Image.open(FAMILY / "examples" / "coffee.jpg")


@pytest.fixture(scope="module")
def gatys() -> Gatys:
    return Gatys(Shelf(EMBEDDED).resolve(FAMILY, "style_encoder"), "cpu")


@pytest.fixture(scope="module")
def eye() -> Encoder:
    return Encoder.load(Shelf(EMBEDDED).resolve(FAMILY, "style_encoder"), "cpu")


class Noted(BareRun):
    """A run that keeps what is said, and is cancelled after so many checks."""

    def __init__(self, checks: int = 10**9) -> None:
        self.said: list[str] = []
        self.left = checks

    def note(self, text: str) -> None:
        self.said.append(text)

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Cancelled("Cancelled.")


def stages(gatys: Gatys, run: BareRun | None = None, **changes: Any) -> Iterator[StyleOutputs]:
    asked: dict[str, Any] = {"content": PHOTOGRAPH, "painting": "mosaic", "size": 96} | changes
    return gatys(StyleInputs(**asked), run or BareRun())


def painted(gatys: Gatys, run: BareRun | None = None, **changes: Any) -> RGB:
    return list(stages(gatys, run, **changes))[-1].picture.rgb


def stripes(side: int = 96) -> Image:
    """Upright stripes of red and blue, 6 px wide."""
    rgb = np.zeros((side, side, 3), np.uint8)
    red = (np.arange(side) // 6) % 2 == 0
    rgb[:, red], rgb[:, ~red] = (220, 30, 20), (10, 20, 200)
    return Image(rgb)


def distance(one: RGB, other: RGB) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def test_the_palette_is_the_styles(gatys: Gatys) -> None:
    """Coffee is brown; stripes are red and blue, with hardly any green."""
    rgb = painted(gatys, style=stripes(), strength=1.0).astype(float)
    assert PHOTOGRAPH.rgb[..., 1].mean() > 60 > rgb[..., 1].mean()
    assert min(rgb[..., 0].std(), rgb[..., 2].std()) > 50, "both colours, not their mean"


def test_pictures_come_from_coarse_to_fine_at_the_size_asked_for(gatys: Gatys) -> None:
    seen = list(stages(gatys))
    assert len(seen) == 4
    assert {outputs.picture.resolution_wh for outputs in seen} == {(96, 64)}
    sharp = [np.abs(np.diff(outputs.picture.rgb.astype(float), axis=1)).mean() for outputs in seen]
    assert sharp[0] < sharp[-1]


def test_the_strength_leads_from_the_photograph_to_the_style(gatys: Gatys) -> None:
    before = list(stages(gatys, strength=0.0))[-1]
    assert distance(before.picture.rgb, before.original.rgb) < 1
    far = [distance(painted(gatys, strength=strength), before.original.rgb) for strength in (0.25, 0.5)]
    assert 1 < far[0] < far[1]


def test_the_refinement_brings_the_maps_nearer_to_the_styles(
    gatys: Gatys, eye: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def apart(steps: int) -> float:
        monkeypatch.setattr("backends.style.gatys._STEPS", steps)
        rgb = torch.from_numpy(painted(gatys, strength=1.0)).permute(2, 0, 1)[None].float() / 255
        style = Image.open(FAMILY / "styles" / "mosaic.webp").pil().resize((96, 96), PIL.Image.Resampling.LANCZOS)
        wanted = torch.from_numpy(np.array(style)).permute(2, 0, 1)[None].float() / 255
        mine, theirs = (eye(one, ("refine1",))["refine1"][0].flatten(1) for one in (rgb, wanted))
        return float(sliced_wasserstein(mine, theirs, torch.Generator().manual_seed(0), 64))

    assert apart(14) < apart(0)


def test_kept_colours_are_the_photographs(gatys: Gatys) -> None:
    def hues(rgb: RGB) -> RGB:
        return np.asarray(PIL.Image.fromarray(rgb).convert("YCbCr"))[..., 1:]

    plain = list(stages(gatys, style=stripes()))[-1]
    kept = painted(gatys, style=stripes(), keep_colours=True)
    assert distance(hues(kept), hues(plain.original.rgb)) < 8 < distance(hues(plain.picture.rgb), hues(kept))


def test_a_blend_lies_between_its_styles(gatys: Gatys) -> None:
    green = Image(np.full((64, 64, 3), (20, 200, 30), np.uint8))
    shares = [painted(gatys, style=stripes(), second_style=green, blend=share)[..., 1].mean() for share in (0, 0.5, 1)]
    assert shares[0] < shares[1] < shares[2]


def test_the_brush_scales_the_strokes(gatys: Gatys) -> None:
    """Broader stripes have fewer edges."""

    def edges(brush: float) -> float:
        rgb = painted(gatys, style=stripes(), brush=brush, strength=1.0).astype(float)
        return float(np.abs(np.diff(rgb[..., 2], axis=1)).mean())

    assert edges(2.0) < edges(0.5)


def test_the_same_seed_paints_the_same_picture(gatys: Gatys) -> None:
    assert np.array_equal(painted(gatys, seed=3), painted(gatys, seed=3))
    assert not np.array_equal(painted(gatys, seed=3), painted(gatys, seed=4))


def test_a_cancelled_run_hands_over_what_is_painted(gatys: Gatys) -> None:
    run, seen = Noted(checks=30), list[StyleOutputs]()
    with pytest.raises(Cancelled):
        list(_kept(stages(gatys, run), seen))
    assert len(seen) >= 2
    assert seen[-1].picture is seen[-2].picture, "the latest one, once more"
    assert "Cancelled" in run.said[-1]


def _kept(answers: Iterator[StyleOutputs], into: list[StyleOutputs]) -> Iterator[StyleOutputs]:
    """Keeps what comes, also where the end is an error."""
    for outputs in answers:
        into.append(outputs)
        yield from ()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 300), (900, 3), (7, 7)], ids=str)
def test_any_shape_is_painted(gatys: Gatys, width: int, height: int) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    outputs = list(stages(gatys, content=Image(rgb), size=64))[-1]
    assert outputs.picture.resolution_wh == outputs.original.resolution_wh
    assert max(outputs.picture.resolution_wh) == 64


def test_any_style_will_do(gatys: Gatys) -> None:
    for rgb in (np.full((1, 1, 3), 90, np.uint8), np.full((4, 700, 3), 200, np.uint8)):
        assert painted(gatys, style=Image(rgb), size=64).shape == (43, 64, 3)


def test_grey_and_transparent_pictures_are_painted(gatys: Gatys) -> None:
    grey = PIL.Image.fromarray(PHOTOGRAPH.rgb).convert("L")
    ghost = PIL.Image.new("RGBA", (80, 60), (255, 0, 0, 0))
    for picture in (grey, ghost):
        assert painted(gatys, content=Image.from_pil(picture), size=64).std() > 5


def test_a_large_upload_is_scaled_down_and_that_is_said(gatys: Gatys) -> None:
    run = Noted()
    rgb = painted(gatys, run, content=Image(np.zeros((5_000, 10_000, 3), np.uint8)), size=64)
    assert rgb.shape == (32, 64, 3)
    assert run.said == ["The picture was scaled down from 10,000 x 5,000 to 64 x 32 px."]


def test_recoloured_pictures_have_the_styles_quantiles() -> None:
    generator = torch.Generator().manual_seed(0)
    photograph, style = torch.rand(3, 40, 50, generator=generator) * 0.5, torch.rand(3, 30, 30, generator=generator)
    style[0] = style[0] ** 3
    new = recoloured(photograph, style, 0)
    steps = torch.linspace(0.05, 0.95, 10)
    for channel in range(3):
        gap = torch.quantile(new[channel], steps) - torch.quantile(style[channel], steps)
        assert gap.abs().max() < 0.06


def test_patches_of_a_picture_are_found_in_it_again(eye: Encoder) -> None:
    """All patches of a small picture are looked at, so that it is put together from itself again."""
    generator = torch.Generator().manual_seed(0)
    rgb = torch.nn.functional.interpolate(torch.rand(1, 3, 12, 12, generator=generator), 48, mode="bilinear")[0]
    with torch.inference_mode():
        again = repainted(eye, rgb, [Source.of(eye, rgb, 1.0)], Manner(9), generator, lambda: None)
        other = repainted(eye, rgb, [Source.of(eye, rgb.flip(0), 1.0)], Manner(9), generator, lambda: None)
    assert (again - rgb).abs().mean() < 0.05 < (other - rgb).abs().mean()


def test_the_distance_is_zero_for_the_same_vectors_in_any_order() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(5, 300, generator=generator)
    mixed = vectors[:, torch.randperm(300, generator=generator)]
    assert sliced_wasserstein(vectors, mixed, generator) < 1e-9
    assert sliced_wasserstein(vectors, vectors * 2, generator) > 0.1


def test_total_variation_counts_steps_between_neighbours() -> None:
    steps = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    assert total_variation(steps) == 1.0
