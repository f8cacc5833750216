"""A photograph painted with the strokes that a style picture has: each place takes over the best piece of the style.

Style swap (Chen and Schmidt 2016, https://arxiv.org/abs/1612.04337): the patches of the style's maps are the filters of
a convolution over the photograph's maps, the largest answer wins, and the winning patch is put there. Two changes. What
is put there are the style's own pixels, so that nothing blurs; and neighbours prefer to take over pieces that are
neighbours in the style too, as in a Markov random field (Li and Wand 2016), so that strokes stay whole. Nothing is
learned but the encoder: any picture can be the style.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from backends.style.encoder import Encoder
from backends.style.palettes import Palette

#: Height and width of a cell in pixels: pictures are matched and put together in cells.
CELL_PX = 4
_LAYER, _LAYER_STEP = "refine1", 2
#: Numbers that describe a cell's surroundings: of its texture, and of everything in the end.
_TEXTURES, _NUMBERS = 16, 48
#: Weight of the texture beside the colour.
_TEXTURE = 0.4
#: A picture's textures are made stronger by at most this, to be as strong as the style's.
_MOST_GAIN = 4.0
#: The style's cells that every cell of the photograph is compared with.
_SEARCHED = 1_500
#: How far pieces reach over their cell, in cells, and the places around a cell.
_REACH = 2
_AROUND = tuple((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right)

Check = Callable[[], None]


@dataclass(frozen=True)
class Bank:
    """A style picture at one scale, cut into cells.

    Attributes:
        palette: its colours.
        grid: rows and columns of cells.
        about: what each cell and its surroundings look like, (cells, numbers).
        norms: half the squared length of each, (cells).
        pixels: of each cell, (cells, 3 * CELL_PX ** 2).
        mean, textures, frame: what turns an encoder's maps into these numbers.
        spread: deviation of each texture, (textures).
    """

    palette: Palette
    grid: tuple[int, int]
    about: Tensor
    norms: Tensor
    pixels: Tensor
    mean: Tensor
    textures: Tensor
    frame: Tensor
    spread: Tensor

    @property
    def last(self) -> Tensor:
        """The last row and the last column, (2, 1, 1)."""
        return torch.tensor(self.grid, device=self.about.device).view(2, 1, 1) - 1


def cut(eye: Encoder, style: Tensor) -> Bank:
    """The cells of a style picture (3, H, W) in 0..1, of at least 16 px."""
    rows, columns = style.shape[1] // CELL_PX, style.shape[2] // CELL_PX
    style = style[:, : rows * CELL_PX, : columns * CELL_PX]
    palette = Palette.of(style)
    maps, colours = _cells(eye, style)
    values = maps.flatten(1)  # (C, cells)
    mean = values.mean(1)
    textures = _principal(values - mean[:, None], _TEXTURES)
    projected = _projected(maps, mean, textures)
    raw = _surroundings(palette.whitened(colours), projected)
    frame = _principal(raw.T, _NUMBERS, equal=False)
    about = raw @ frame
    spread = projected.std((1, 2), correction=0)
    pixels = functional.unfold(style[None], CELL_PX, stride=CELL_PX)[0].T.contiguous()
    return Bank(palette, (rows, columns), about, about.square().sum(1) / 2, pixels, mean, textures, frame, spread)


def describe(eye: Encoder, rgb: Tensor, bank: Bank) -> Tensor:
    """What each cell of a picture (3, H, W) looks like, in the numbers of a bank: (cells, numbers).

    Its textures get the mean and the deviation of the style's (AdaIN, Huang and Belongie 2017): else a smooth picture
    would find none but the style's smooth pieces.
    """
    maps, colours = _cells(eye, rgb)
    textures = _projected(maps, bank.mean, bank.textures)
    spread, mean = torch.std_mean(textures, (1, 2), correction=0, keepdim=True)
    wanted = (textures - mean) * (bank.spread[:, None, None] / spread.clamp_min(1e-3)).clamp_max(_MOST_GAIN)
    return _surroundings(bank.palette.whitened(colours), wanted) @ bank.frame


@dataclass(frozen=True)
class Matching:
    """How pieces are chosen.

    Attributes:
        whole: what a neighbour of another origin costs, as a share of the usual difference: whole strokes.
        rounds: how often each cell looks at its neighbours.
        wild: chance in the first choice, as a share of the usual difference: even areas get strokes of their own.
        seed: of that chance.
    """

    whole: float = 0.4
    rounds: int = 5
    wild: float = 0.0
    seed: int = 0


def match(
    about: Tensor,
    grid: tuple[int, int],
    bank: Bank,
    how: Matching,
    check: Check,
    start: Tensor | None = None,
    loyalty: Tensor | None = None,
) -> Tensor:
    """For each cell of a picture the row and the column of the style's cell to take over, (2, rows, columns).

    Args:
        about: the picture's cells, as `describe` has them.
        grid: rows and columns of the picture.
        start: a matching to begin with, of a coarser scale or of the frame before.
        loyalty: what leaving it costs each cell, (rows, columns), as a share of the usual difference.
    """
    step = max(1, -(-len(bank.about) // _SEARCHED))
    answers = about @ bank.about[::step].T - bank.norms[::step]
    norms = about.square().sum(1) / 2
    usual = (norms - answers.amax(1)).median().clamp_min(1e-6)
    if how.wild:
        answers = answers + how.wild * usual * _noise(how.seed, *answers.shape).to(answers.device)
    found = answers.argmax(1) * step
    columns = bank.grid[1]
    best = torch.stack([found // columns, found % columns]).view(2, *grid)
    chosen = best if start is None else start
    last = bank.last
    for number in range(how.rounds):
        check()
        follow = torch.stack([_moved(chosen, *by) - _offset(*by, chosen.device) for by in _AROUND])  # (8, 2, r, c)
        among = torch.cat([follow, chosen[None], best[None], *([start[None]] if start is not None else [])])
        allowed = ((among >= 0) & (among <= last)).all(1)
        codes = among[:, 0] * 65_536 + among[:, 1]
        apart = (codes[:, None] != codes[None, : len(_AROUND)]).sum(1)  # neighbours of another origin
        inside = among.clamp_min(0).minimum(last)
        cells = (inside[:, 0] * columns + inside[:, 1]).flatten(1)
        wrong = torch.stack([norms + bank.norms[own] - (about * bank.about[own]).sum(1) for own in cells])
        cost = wrong.view(-1, *grid) / usual + how.whole * apart
        if start is not None and loyalty is not None:
            cost = cost + loyalty * (codes != start[0] * 65_536 + start[1])
        taken = cost.masked_fill(~allowed, torch.inf).argmin(0)
        better = among.gather(0, taken.expand(1, 2, -1, -1))[0]
        chosen = torch.where(_turns(number, *grid).to(chosen.device), better, chosen)
    return chosen


def finer(chosen: Tensor, grid: tuple[int, int], bank: Bank) -> Tensor:
    """A matching at half the size, (2, r, c), for the picture and the style at full size, (2, *grid)."""
    doubled = chosen.repeat_interleave(2, 1).repeat_interleave(2, 2) * 2
    doubled[0] += torch.arange(doubled.shape[1], device=chosen.device)[:, None] % 2
    doubled[1] += torch.arange(doubled.shape[2], device=chosen.device) % 2
    rows, columns = (torch.arange(length, device=chosen.device) for length in grid)
    rows, columns = rows.clamp_max(doubled.shape[1] - 1), columns.clamp_max(doubled.shape[2] - 1)
    return doubled[:, rows][:, :, columns].minimum(bank.last)


def assembled(chosen: Tensor, bank: Bank) -> Tensor:
    """The picture (3, H, W) that a matching makes: overlapping pieces of the style, faded into one another."""
    rows, columns = chosen.shape[1:]
    total = torch.zeros(rows * columns, bank.pixels.shape[1], device=chosen.device)
    weight = torch.zeros_like(total)
    fading = _fading().to(chosen.device)
    for down in range(-_REACH, _REACH + 1):
        for right in range(-_REACH, _REACH + 1):
            origin = _moved(chosen, down, right) - _offset(down, right, chosen.device)
            inside = ((origin >= 0) & (origin <= bank.last)).all(0).view(-1, 1)
            origin = origin.clamp_min(0).minimum(bank.last)
            share = fading[_REACH - down, _REACH - right] * inside + 1e-6
            total += bank.pixels[(origin[0] * bank.grid[1] + origin[1]).flatten()] * share
            weight += share
    size = rows * CELL_PX, columns * CELL_PX
    return functional.fold((total / weight).T[None], size, CELL_PX, stride=CELL_PX)[0]


def _cells(eye: Encoder, rgb: Tensor) -> tuple[Tensor, Tensor]:
    """Maps (C, rows, columns) and mean colours (3, rows, columns) of a picture's cells."""
    laid_out = rgb[None].contiguous(memory_format=torch.channels_last)
    maps = functional.avg_pool2d(eye(laid_out, (_LAYER,))[_LAYER], CELL_PX // _LAYER_STEP)[0]
    return maps, functional.avg_pool2d(rgb, CELL_PX)


def _projected(maps: Tensor, mean: Tensor, textures: Tensor) -> Tensor:
    return torch.einsum("cn,chw->nhw", textures, maps - mean[:, None, None])


def _surroundings(colours: Tensor, textures: Tensor) -> Tensor:
    """All numbers of each cell and of the eight around it, (cells, 9 * (3 + textures))."""
    values = functional.pad(torch.cat([colours, _TEXTURE * textures])[None], (1, 1, 1, 1), mode="replicate")
    return functional.unfold(values, 3)[0].T


def _principal(values: Tensor, count: int, equal: bool = True) -> Tensor:
    """The strongest directions (N, count) of values (N, places); `equal` scales so that the first has variance 1."""
    variances, directions = torch.linalg.eigh(values @ values.T / values.shape[1])
    kept: Tensor = directions[:, -count:]
    return kept / variances[-1].clamp_min(1e-6).sqrt() if equal else kept


def _moved(chosen: Tensor, down: int, right: int) -> Tensor:
    """What the cell so many rows below and columns to the right has; at the edges the last ones again."""
    rows = (torch.arange(chosen.shape[1], device=chosen.device) + down).clamp(0, chosen.shape[1] - 1)
    columns = (torch.arange(chosen.shape[2], device=chosen.device) + right).clamp(0, chosen.shape[2] - 1)
    return chosen[:, rows][:, :, columns]


def _offset(down: int, right: int, device: torch.device) -> Tensor:
    return torch.tensor([down, right], device=device).view(2, 1, 1)


def _fading() -> Tensor:
    """Weights (5, 5, 3 * CELL_PX ** 2) of a piece's cells: 1 in its middle, almost 0 at its edge, so that few mix."""
    count = 2 * _REACH + 1
    rise = torch.hann_window(count * CELL_PX + 2, periodic=False)[1:-1]
    cells = (rise[:, None] * rise).square().view(count, CELL_PX, count, CELL_PX).transpose(1, 2)
    return cells.reshape(count, count, CELL_PX**2).repeat(1, 1, 3)


@lru_cache(maxsize=4)
def _noise(seed: int, places: int, cells: int) -> Tensor:
    """Normal numbers, the same for the same seed."""
    return torch.randn(places, cells, generator=torch.Generator().manual_seed(seed))


@lru_cache(maxsize=64)
def _turns(number: int, rows: int, columns: int) -> Tensor:
    """Which cells may change in a round: if all did, neighbours would swap for ever. The same each time."""
    chance = torch.rand(rows, columns, generator=torch.Generator().manual_seed(number))
    return chance.less(0.6)
