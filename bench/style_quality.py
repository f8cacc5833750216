"""How far pictures are in their style, and how much of the photograph is left, as a witness sees it.

`python -m bench.quality style`. Six photographs in every style that ships, painted by the shipped backends at 384 px.
The witness (`python -m recipes style_witness`) is another network than the one whose maps the backends use. Distances
from the style are sliced Wasserstein distances between its maps (Heitz et al. 2021), those from the content the mean
squared difference of its normalised maps. Beside each stands the photograph that is only recoloured: mean and
covariance of the style's colours (Reinhard et al. 2001, in the optimal form for normal distributions, Pitie and Kokaram
2007). The whole grid is written as one picture: `python -m bench.style_quality FILE.png`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from backends.style.fields import StyleInputs, StyleOutputs
from backends.style.palettes import RGB, Palette, as_rgb, as_tensor
from backends.style.styles import STYLES
from backends.style.task import style_transfer
from bench.bare import BareRun
from bench.figures import Figure
from recipes.style_witness import Witness
from studio.catalogue import Catalogue
from studio.media.image import Image
from studio.pool import import_entry
from studio.runtime import EMBEDDED
from studio.settings import Settings
from studio.weights import Shelf

GRID = Path("build") / "style_grid.png"
_SIDE_PX, _DIRECTIONS, _QUANTILES, _PLACES = 384, 64, 256, 4_096
#: The painted pictures' mean distance from their styles, over that of the recoloured ones, is asked to be at most this.
_STYLE_AT_MOST = 0.8


class Judge:
    """The witness, and the directions in which its maps are sliced."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness.eval().requires_grad_(False)
        random = torch.Generator().manual_seed(11)
        self._directions = [
            functional.normalize(torch.randn(maps.shape[1], _DIRECTIONS, generator=random), dim=0)
            for maps in self._witness.maps(torch.zeros(1, 3, 32, 32))
        ]

    def style(self, style: RGB, rgb: RGB) -> float:
        """Distance of a picture's strokes and colours from a style's: mean over stages of sliced Wasserstein distances.

        Each stage's maps are scaled to the deviation of the style's.
        """
        total = 0.0
        for maps, others, directions in zip(self._places(style), self._places(rgb), self._directions, strict=True):
            deviation = maps.std(1).clamp_min(1e-3)[:, None]
            mine, theirs = (_quantiles(found / deviation, directions) for found in (maps, others))
            total += float((mine - theirs).square().mean().sqrt())
        return total / len(self._directions)

    def content(self, one: RGB, other: RGB) -> float:
        """Distance between what two pictures of one size show: mean squared difference of normalised maps, 0..4."""
        mine, theirs = (_normalised(self._maps(rgb)[2]) for rgb in (one, other))
        return float((mine - theirs).square().mean())

    def _places(self, rgb: RGB) -> list[Tensor]:
        """Values (C, places) of each stage, at no more than some places, always the same."""
        found = [maps.flatten(1) for maps in self._maps(rgb)]
        return [values[:, :: max(1, values.shape[1] // _PLACES)] for values in found]

    @torch.inference_mode()
    def _maps(self, rgb: RGB) -> list[Tensor]:
        return [maps[0] for maps in self._witness.maps(as_tensor(rgb)[None])]


@dataclass(frozen=True)
class Cell:
    """A photograph in a style; each figure is a distance.

    Attributes:
        style: of the painted picture from the style.
        recoloured: of the photograph in the style's colours from the style.
        photograph: of the photograph itself from the style.
        content: of the painted picture from the photograph.
        recoloured_content: of the photograph in the style's colours from the photograph.
        foreign: of the style picture from the photograph.
    """

    style: float
    recoloured: float
    photograph: float
    content: float
    recoloured_content: float
    foreign: float


def measure(settings: Settings) -> list[Figure]:
    """The figures of every embedded adapter; the grid goes to `GRID`."""
    return measured(embedded(), GRID)


def embedded() -> list[str]:
    """The adapters whose weights ship."""
    return [adapter.name for adapter in style_transfer.adapters if adapter.kind == "embedded"]


def main(arguments: list[str]) -> int:
    """Measure, print, and write the grid to the file that is named."""
    from bench.quality import table

    figures = measured(embedded(), Path(arguments[0]) if arguments else GRID)
    print(table(figures))
    return 0 if all(figure.met for figure in figures) else 1


def photographs() -> dict[str, RGB]:
    """Six photographs that came with scikit-image and ultralytics; their longer side is 384 px."""
    import skimage.data
    from ultralytics.utils import ASSETS

    found = {name: getattr(skimage.data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket")}
    found |= {name: np.asarray(PIL.Image.open(ASSETS / f"{name}.jpg").convert("RGB")) for name in ("bus", "zidane")}
    return {name: _shrunk(np.asarray(rgb, np.uint8)) for name, rgb in found.items()}


def measured(adapters: Sequence[str], grid: Path) -> list[Figure]:
    """The figures of some adapters; all their pictures are written as one."""
    judge = Judge(_witness())
    contents = photographs()
    styles = {name: _shrunk(Image.open(style.path).rgb) for name, style in STYLES.items()}
    figures: list[Figure] = []
    sheets = []
    for adapter in adapters:
        paint = _painter(adapter)
        painted = {(c, s): paint(contents[c], s) for s in styles for c in contents}
        cells = {(c, s): _cell(judge, contents[c], styles[s], rgb) for (c, s), rgb in painted.items()}
        figures += _figures(adapter, cells)
        sheets.append(_sheet(contents, styles, painted))
    grid.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.concatenate(sheets, axis=1)).save(grid)
    print(f"the grid: {grid}", file=sys.stderr)
    return figures


def _cell(judge: Judge, photograph: RGB, style: RGB, painted: RGB) -> Cell:
    recoloured = recolour(photograph, style)
    height, width = photograph.shape[:2]
    foreign = np.asarray(PIL.Image.fromarray(style).resize((width, height)), np.uint8)
    return Cell(
        judge.style(style, painted),
        judge.style(style, recoloured),
        judge.style(style, photograph),
        judge.content(photograph, painted),
        judge.content(photograph, recoloured),
        judge.content(photograph, foreign),
    )


def _figures(adapter: str, cells: dict[tuple[str, str], Cell]) -> list[Figure]:
    count = len(cells)
    split = f"{count} pictures, {_SIDE_PX} px"
    every = list(cells.values())
    share = float(np.mean([cell.style / cell.recoloured for cell in every]))
    closer = sum(cell.style < cell.recoloured for cell in every)
    kept = sum(cell.content < cell.foreign for cell in every)
    content, foreign, plain, untouched = (
        float(np.mean([getattr(cell, name) for cell in every]))
        for name in ("content", "foreign", "recoloured_content", "photograph")
    )
    far = [f"{c} in {s}" for (c, s), cell in cells.items() if cell.style >= cell.recoloured]
    style_mean = float(np.mean([cell.style for cell in every]))
    recoloured_mean = float(np.mean([cell.recoloured for cell in every]))
    detail = f"painted {style_mean:.3f}, recoloured {recoloured_mean:.3f}, photographs {untouched:.3f}" + (
        f"; not closer than recoloured: {', '.join(far)}" if far else ""
    )
    return [
        Figure(
            f"style, {adapter}",
            split,
            "distance from the style over the recoloured photograph's, mean",
            share,
            f"<= {_STYLE_AT_MOST:g}",
            share <= _STYLE_AT_MOST,
            detail=detail,
        ),
        Figure(
            f"style, {adapter}", split, "closer to the style than recoloured", closer, f"= {count}", closer == count
        ),
        Figure(
            f"style, {adapter}",
            split,
            "closer to the photograph than the style picture is",
            kept,
            f"= {count}",
            kept == count,
            detail=f"content distance {content:.3f}; recoloured {plain:.3f}, style pictures {foreign:.3f}",
        ),
    ]


def recolour(photograph: RGB, style: RGB) -> RGB:
    """The photograph with mean and covariance of the style's colours."""
    palette = Palette.of(as_tensor(style))
    given = as_tensor(photograph)
    return as_rgb(palette.coloured(Palette.of(given).whitened(given)))


def _painter(name: str) -> Callable[[RGB, str], RGB]:
    """The shipped backend of that name, at its defaults."""
    adapter = style_transfer.adapter(name)
    assert adapter is not None
    family = Catalogue.discover().entry(style_transfer.name).family
    backend = import_entry(adapter.entry)(Shelf(EMBEDDED).resolve(family, adapter.weights), "cpu")

    def paint(photograph: RGB, painting: str) -> RGB:
        inputs = StyleInputs.model_validate({"content": Image(photograph), "painting": painting, "size": _SIDE_PX})
        answer = backend(inputs, BareRun())
        outputs = answer if isinstance(answer, StyleOutputs) else list(answer)[-1]
        rgb: RGB = outputs.picture.rgb
        return rgb

    return paint


def _witness() -> Witness:
    family = Catalogue.discover().entry(style_transfer.name).family
    witness = Witness()
    witness.load_state_dict(load_file(Shelf(EMBEDDED).resolve(family, "style_witness").path()))
    return witness.float()


def _quantiles(values: Tensor, directions: Tensor) -> Tensor:
    """Of the projections of maps (C, places): (directions, quantiles)."""
    ordered = torch.einsum("cp,cd->dp", values, directions).sort(1).values
    return functional.interpolate(ordered[None], _QUANTILES, mode="linear", align_corners=True)[0]


def _normalised(maps: Tensor) -> Tensor:
    return (maps - maps.mean((1, 2), keepdim=True)) / maps.std((1, 2), keepdim=True).clamp_min(1e-3)


def _shrunk(rgb: RGB) -> RGB:
    picture = PIL.Image.fromarray(rgb)
    picture.thumbnail((_SIDE_PX, _SIDE_PX), PIL.Image.Resampling.LANCZOS)
    return np.asarray(picture, np.uint8)


def _sheet(contents: dict[str, RGB], styles: dict[str, RGB], painted: dict[tuple[str, str], RGB]) -> RGB:
    """The styles down the left side, the photographs along the top, and each in each."""
    side = _SIDE_PX + 8
    sheet = PIL.Image.new("RGB", (side * (len(contents) + 1), side * (len(styles) + 1)), "white")
    for column, name in enumerate(contents, 1):
        sheet.paste(PIL.Image.fromarray(contents[name]), (column * side, 0))
    for row, style in enumerate(styles, 1):
        sheet.paste(PIL.Image.fromarray(styles[style]), (0, row * side))
        for column, name in enumerate(contents, 1):
            sheet.paste(PIL.Image.fromarray(painted[name, style]), (column * side, row * side))
    return np.asarray(sheet, np.uint8)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
