"""Captions from a network: the likeliest word each time, or several beginnings followed at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backends.scenes.net import BEGIN, END, LONGEST, PAD, TOKENS, Captioner, Things


@dataclass(frozen=True)
class Written:
    """A caption.

    Attributes:
        scores: the probability of each word, 0..1.
        looks: how much the network looked where for each word, (words, 12, 12).
    """

    words: list[str]
    scores: list[float]
    looks: Tensor


@torch.inference_mode()
def greedy(net: Captioner, rgb: Tensor) -> list[str]:
    """The likeliest word each time, for pictures (N, 3, 96, 96) in 0..1."""
    things = net.look(net.encoder.maps(rgb))
    tokens = torch.full((len(rgb), 1), BEGIN, device=rgb.device)
    ended = torch.zeros(len(rgb), dtype=torch.bool, device=rgb.device)
    while not bool(ended.all()) and tokens.shape[1] < LONGEST:
        logits, _ = net.next(things, tokens)
        latest = logits[:, -1].argmax(-1).masked_fill(ended, PAD)
        tokens = torch.cat([tokens, latest[:, None]], 1)
        ended |= latest == END
    return [" ".join(TOKENS[token] for token in row if token > END) for row in tokens.tolist()]


@dataclass(frozen=True)
class Manner:
    """How words are chosen.

    Attributes:
        beams: how many beginnings are followed at once.
        most_words: the caption ends after so many.
        temperature: of the drawing of words by chance; 0 takes the likeliest.
        seed: of the drawing.
    """

    beams: int = 1
    most_words: int = LONGEST - 2
    temperature: float = 0.0
    seed: int = 0


@torch.inference_mode()
def write(net: Captioner, maps: Tensor, manner: Manner) -> Written:
    """A caption of one picture, from its maps (1, 128, 12, 12), with what the network thought of each word."""
    things = net.look(maps)
    longest = min(manner.most_words, LONGEST - 2)
    tokens = (
        _drawn(net, things, longest, manner) if manner.temperature else _searched(net, things, longest, manner.beams)
    )
    logits, looks = net.next(things, tokens[None, :-1])
    likely = logits[0].float().softmax(-1).gather(1, tokens[1:, None])[:, 0]
    words = [(place, TOKENS[token]) for place, token in enumerate(tokens[1:].tolist()) if token > END]
    places = [place for place, _ in words]
    return Written([word for _, word in words], likely[places].tolist(), things.spread(looks[0][places]))


def _drawn(net: Captioner, things: Things, longest: int, manner: Manner) -> Tensor:
    """Tokens (T) drawn by their probability."""
    chance = torch.Generator().manual_seed(manner.seed)
    tokens = torch.tensor([BEGIN], device=things.tokens.device)
    while len(tokens) <= longest and tokens[-1] != END:
        logits = net.next(things, tokens[None])[0][0, -1].float() / manner.temperature
        tokens = torch.cat([tokens, torch.multinomial(logits.softmax(-1).cpu(), 1, generator=chance).to(tokens)])
    return tokens


def _searched(net: Captioner, things: Things, longest: int, beams: int) -> Tensor:
    """The tokens (T) with the highest mean log probability among those that the beams have followed."""
    rows = torch.tensor([[BEGIN]], device=things.tokens.device)
    sums = torch.zeros(1, device=things.tokens.device)
    ended: list[tuple[float, Tensor]] = []
    while rows.shape[1] <= longest and len(rows):
        likely = net.next(things.rows(len(rows)), rows)[0][:, -1].float().log_softmax(-1)
        best, places = (sums[:, None] + likely).flatten().topk(min(beams, likely.numel()))
        rows = torch.cat([rows[places // likely.shape[1]], (places % likely.shape[1])[:, None]], 1)
        over = rows[:, -1] == END
        ended += [(float(best[n]) / rows.shape[1], rows[n]) for n in over.nonzero()[:, 0].tolist()]
        if len(ended) >= beams:
            break
        rows, sums = rows[~over], best[~over]
    if not ended:
        return rows[0]
    return max(ended, key=lambda one: one[0])[1]
