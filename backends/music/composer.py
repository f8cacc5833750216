"""Writes music with a ChoraleNet: freely, after a beginning, or around voices that are given.

One procedure does all three. Given notes are not sampled but weighed: of several pieces that are written side by side
(particles), those under which the given notes were likely live on, the others are replaced by copies of them. This is
sequential Monte Carlo (Gordon, Salmond and Smith 1993); with ever more particles it samples from the network's own
distribution of pieces with these notes. So a melody is harmonised by the very network that composes, with nothing
trained for it, and a harmony that leaves the next melody note unlikely dies out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from backends.music.grid import FREE, REST_TOKEN, START_TOKEN, STEPS_PER_BAR, Grid, from_tokens, to_tokens
from backends.music.net import HINTS, UNTOLD, Cache, ChoraleNet, Shape, taken
from studio.tensors import read

#: Pieces written side by side where some voices are given and others are not.
PARTICLES = 24


@dataclass(frozen=True)
class Taste:
    """How notes are drawn.

    Attributes:
        temperature: below 1 the likely becomes likelier, above 1 the unlikely.
        top_p: notes are drawn from the likeliest that together have this probability (Holtzman et al. 2020).
        strict: no note is drawn that would make parallel octaves, unisons or fifths with a voice that has its note.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0
    strict: bool = False


def hints_of(steps: int, key: int | None) -> npt.NDArray[np.int64]:
    """What is told about a piece of that many sixteenths in that key: (T, 3), see `net.HINTS`."""
    left = steps - np.arange(steps)
    told = np.empty((steps, len(HINTS)), np.int64)
    told[:, 0] = UNTOLD[0] if key is None else key
    told[:, 1] = left % STEPS_PER_BAR
    told[:, 2] = np.minimum(left // STEPS_PER_BAR, UNTOLD[2] - 1)
    return told


class Composer:
    """A network with its weights.

    Attributes:
        facts: what the recipe has written into the weight file beside the tensors.
    """

    def __init__(self, file: Path, device: str) -> None:
        tensors, self.facts = read(file)
        self.net = ChoraleNet(shape_of(self.facts))
        self.net.load_state_dict(tensors)
        self.net.eval().requires_grad_(False).to(device)
        self._device = device

    def write(self, given: Grid, key: int | None, taste: Taste) -> Iterator[Grid]:
        """Fill in what is `FREE`; yields the piece up to each sixteenth, (1, 4), (2, 4), ... as it is best known then.

        Args:
            given: (T, 4), pitches in the network's range, `REST` or `FREE`.
            key: place in `grid.KEYS`, or None where the network is to choose.
        """
        free = given == FREE
        mixed = bool((free.any(1) & ~free.all(1)).any())
        wanted = np.where(free, START_TOKEN, to_tokens(np.where(free, 0, given).astype(np.int16)))
        writing = _Writing(self.net, PARTICLES if mixed else 1, taste, self._device)
        hints = torch.from_numpy(hints_of(len(given), key)).to(self._device)
        for at in range(len(given)):
            writing.step(at, wanted[at].tolist(), hints[at])
            yield from_tokens(writing.best())


class _Writing:
    """Several pieces on their way."""

    def __init__(self, net: ChoraleNet, particles: int, taste: Taste, device: str) -> None:
        self._net, self._taste, self._device = net, taste, device
        self._random = torch.Generator().manual_seed(taste.seed)
        self._pieces = torch.empty(particles, 0, 4, dtype=torch.long, device=device)
        self._history = torch.full((particles, net.shape.past, 4), START_TOKEN, device=device)  # the latest first
        self._log_weight = torch.zeros(particles, device=device)
        self._cache: Cache = net.begin()

    @torch.inference_mode()
    def step(self, at: int, wanted: list[int], hints: Tensor) -> None:
        """Write one sixteenth; in `wanted`, START_TOKEN stands for a voice that is free."""
        count = len(self._history)
        read, self._cache = self._net.read(self._history, at, hints.expand(count, -1), self._cache)
        chord = torch.full((count, 4), START_TOKEN, device=self._device)
        for voice, token in enumerate(wanted):
            logits = self._net.voice(voice, read, chord, self._history, at)  # (N, CLASSES)
            if token == START_TOKEN:
                if self._taste.strict:
                    logits[:, :REST_TOKEN].masked_fill_(parallel(voice, self._history[:, 0], chord), -torch.inf)
                chord[:, voice] = drawn(logits, self._taste, self._random)
                continue
            chord[:, voice] = token
            self._log_weight = self._log_weight + logits.log_softmax(1)[:, token]
            chosen = self._survivors()
            if chosen is not None:
                read, chord = read[chosen], chord[chosen]
                self._history, self._pieces = self._history[chosen], self._pieces[chosen]
                self._cache = taken(self._cache, chosen, self._net.shape)
        self._history = torch.cat([chord[:, None], self._history[:, :-1]], 1)
        self._pieces = torch.cat([self._pieces, chord[:, None]], 1)

    def best(self) -> npt.NDArray[np.int64]:
        """The likeliest of the pieces, (T, 4)."""
        return np.asarray(self._pieces[int(self._log_weight.argmax())].cpu().numpy(), np.int64)

    def _survivors(self) -> Tensor | None:
        """Who lives on, as often as its weight says, once less than half of them carry the weight; else None."""
        weight = self._log_weight.softmax(0)
        if len(weight) == 1 or 1 / float(weight.square().sum()) >= len(weight) / 2:
            return None
        self._log_weight = torch.zeros_like(weight)
        places = (torch.arange(len(weight)) + torch.rand((), generator=self._random)) / len(weight)
        return torch.searchsorted(weight.cumsum(0).cpu(), places).clamp(max=len(weight) - 1).to(self._device)


def parallel(voice: int, before: Tensor, chord: Tensor) -> Tensor:
    """With which pitches a voice would go on in the same perfect interval with another, in the same direction.

    bool (N, REST_TOKEN), true where one more octave, unison or fifth would follow the same one, see `theory.parallels`.

    Args:
        before, chord: tokens (N, 4) of the sixteenth before and of this one, START_TOKEN for what is not chosen yet.
    """
    pitch = torch.arange(REST_TOKEN, device=chord.device)
    was, now, own = before[:, :, None], chord[:, :, None], before[:, voice, None, None]  # (N, 4, 1), (N, 1, 1)
    downwards = torch.where(torch.arange(4, device=chord.device) > voice, 1, -1)[:, None]  # the first voice is highest
    apart_before, apart_now = (downwards * (own - was)) % 12, (downwards * (pitch - now)) % 12
    sounding = (was < REST_TOKEN) & (now < REST_TOKEN) & (own < REST_TOKEN)
    perfect = (apart_before == 0) | (apart_before == 7)
    along = (pitch - own) * (now - was) > 0
    return (sounding & perfect & along & (apart_before == apart_now)).any(1)


def drawn(logits: Tensor, taste: Taste, random: torch.Generator) -> Tensor:
    """A token for each row of logits (N, CLASSES); never silence."""
    scaled = logits[:, :REST_TOKEN].float() / taste.temperature
    likely, order = scaled.softmax(1).cpu().sort(1, descending=True)
    likely = torch.where(likely.cumsum(1) - likely < taste.top_p, likely, 0.0)
    chosen = torch.multinomial(likely, 1, generator=random)
    return order.gather(1, chosen)[:, 0].to(logits.device)


def shape_of(facts: dict[str, str]) -> Shape:
    """The network's sizes, from the weight file's facts."""
    kinds = {"trunk": str, "dropout": float}
    return Shape(**{name: kinds.get(name, int)(facts[name]) for name in Shape.__dataclass_fields__})


@torch.inference_mode()
def nats_per_note(net: torch.nn.Module, pieces: list[Grid]) -> float:
    """Mean negative log-likelihood over all voices of all sixteenths, nothing told about the pieces."""
    device = next(net.parameters()).device
    total = count = 0.0
    for piece in pieces:
        tokens = torch.from_numpy(to_tokens(piece)).to(device)[None]  # (1, T, 4)
        hints = torch.tensor(UNTOLD, device=device).expand(1, len(piece), -1)
        logits = net(tokens, torch.zeros(1, dtype=torch.long, device=device), hints)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 2).float(), tokens.flatten(), reduction="sum")
        total, count = total + float(loss), count + tokens.numel()
    return total / count if count else math.nan
