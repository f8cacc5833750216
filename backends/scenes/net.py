"""Networks that look at drawn scenes: one encoder, two ways to write captions, one to answer questions."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from backends.scenes.sentences import VOCABULARY

#: The encoder's maps: so many cells to a side, so many channels, the first of them for the form.
CELLS, WIDTH, FORM = 12, 128, 96
#: So many things at most are looked at; below this probability it is nothing.
MOST, THERE = 10, 0.3
#: A caption's tokens: padding, beginning, end, then the words.
TOKENS = ("<pad>", "<begin>", "<end>", *VOCABULARY)
PAD, BEGIN, END = range(3)
#: The longest caption, in tokens, beginning and end included.
LONGEST = 44
_HEADS, _LAYERS, _COMPARING, _ANSWERING = 4, 2, 2, 5
#: Of a word's attention; with less on all things together, it looked at none.
_LOOKED = 0.05
#: Pixels to a side of what the first convolutions see as one.
_PATCH = 4


def middles() -> Tensor:
    """Where the cells' middles are, across and down, (3, 12, 12) in 0..1; the third is 0."""
    steps = (torch.arange(CELLS) + 0.5) / CELLS
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([across, down, torch.zeros_like(down)])


class Things(NamedTuple):
    """What an encoder finds in N pictures, the likeliest first.

    Attributes:
        tokens: what each looks like and where it is, (N, 10, 128); near 0 where there is nothing.
        places: its centre across and down, and half its side, (N, 10, 3) in shares of the picture's side.
        sure: how likely something is there, (N, 10) in 0..1.
    """

    tokens: Tensor
    places: Tensor
    sure: Tensor

    def rows(self, count: int) -> Things:
        """Those of one picture, so many times."""
        return Things(*(part.expand(count, *part.shape[1:]) for part in self))

    def spread(self, shares: Tensor) -> Tensor:
        """Shares (T, 10) of one picture's things, laid over their places: (T, 12, 12).

        What is not there has none; where together all that is there has next to nothing, it has none.
        """
        apart = (
            (self.places[0, :, :2, None, None] - middles()[:2].to(self.places)).abs().amax(1).flatten(1)
        )  # (10, 144)
        inside = (apart <= self.places[0, :, 2:]) | (apart == apart.amin(1, keepdim=True))
        shares = shares.float() * (self.sure[0] > THERE)
        shares = shares * (shares.sum(1, keepdim=True) > _LOOKED)
        return (shares @ (inside / inside.sum(1, keepdim=True))).reshape(-1, CELLS, CELLS)


class SceneEncoder(nn.Module):
    """Finds the things in a picture: from RGB (N, 3, 96, 96) in 0..1 to `Things`.

    Two ways that know nothing of each other: the form of things from how they stand out from the ground, their colour
    from their near surroundings alone. So no form is bound to the colours in which it was seen. Things are found as in
    CenterNet (Zhou et al. 2019, https://arxiv.org/abs/1904.07850): peaks of a map, their place and size read there.

    Attributes:
        frozen: whether it has learned all that it will.
    """

    def __init__(self) -> None:
        super().__init__()
        self.frozen = False
        pixels = _PATCH * _PATCH
        self.form = nn.Sequential(
            nn.PixelUnshuffle(_PATCH), _convolution(2 * pixels, 64), _convolution(64, 64), _convolution(64, 128, 2),
            _Residual(128), _Residual(128), _convolution(128, FORM),
        )  # fmt: skip
        self.colour = nn.Sequential(
            nn.PixelUnshuffle(_PATCH), _convolution(3 * pixels, 32), _convolution(32, WIDTH - FORM, 2),
            _convolution(WIDTH - FORM, WIDTH - FORM),
        )  # fmt: skip
        self.centre = nn.Conv2d(FORM, 1, 1)
        self.place = nn.Conv2d(FORM, 3, 1)
        self.normal = nn.LayerNorm(WIDTH)

    def forward(self, rgb: Tensor) -> Things:
        """The things in pictures (N, 3, 96, 96)."""
        return self.things(self.maps(rgb))

    def things(self, maps: Tensor) -> Things:
        """The things in pictures, from their maps (N, 128, 12, 12)."""
        peaks, places = self.found(maps)
        around = functional.max_pool2d(peaks, 3, 1, 1)
        sure, cells = (peaks.sigmoid() * (peaks == around)).flatten(1).topk(MOST)
        looks = maps.flatten(2).transpose(1, 2).take_along_dim(cells[:, :, None], 1)
        where = places.flatten(2).transpose(1, 2).take_along_dim(cells[:, :, None], 1)
        tokens = (self.normal(looks) + _waves(where[:, :, :2])) * sure[:, :, None]
        return Things(tokens, where, sure)

    def maps(self, rgb: Tensor) -> Tensor:
        """What is seen in each place, (N, 128, 12, 12), without where it is: first the form, then the colour."""
        grey = rgb.mean(1, keepdim=True)
        small = functional.avg_pool2d(functional.avg_pool2d(rgb, 2 * _PATCH), 5, 1, 2, count_include_pad=False)
        ground = functional.interpolate(small, scale_factor=2.0 * _PATCH, mode="bilinear")
        apart = (rgb - ground).square().sum(1, keepdim=True).sqrt()
        return torch.cat([self.form(torch.cat([grey, apart], 1) * 2 - 1), self.colour(rgb * 2 - 1)], 1)

    def found(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """For each cell: the logit of a thing's centre (N, 1, 12, 12), and its place and half side (N, 3, 12, 12)."""
        form = maps[:, :FORM]
        return self.centre(form), middles().to(form.device) + self.place(form).float() / CELLS

    def freeze(self) -> None:
        """Learn no more: for networks that are trained on top of a trained encoder."""
        self.frozen = True
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Self:
        """As any network's, but a frozen one stays as it is."""
        return super().train(mode and not self.frozen)


class Captioner(nn.Module):
    """Writes a caption word by word, looking at the things for each.

    Args:
        decoder: `lstm` after Show, Attend and Tell (Xu et al. 2015, https://arxiv.org/abs/1502.03044), `transformer`
            after Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762); attention to things, not to places, is from
            Anderson et al. 2018 (https://arxiv.org/abs/1707.07998).
    """

    def __init__(self, decoder: Literal["lstm", "transformer"]) -> None:
        super().__init__()
        self.encoder = SceneEncoder()
        self.decoder: RecurrentDecoder | TransformerDecoder = (
            RecurrentDecoder() if decoder == "lstm" else TransformerDecoder()
        )

    def forward(self, things: Tensor, tokens: Tensor) -> Tensor:
        """Logits (N, T, V) of the token after each of tokens (N, T), given what the encoder found, (N, 10, 128)."""
        return cast(Tensor, self.decoder(self.decoder.compare(things), tokens)[0])

    def look(self, maps: Tensor) -> Things:
        """The things in pictures, from the encoder's maps (N, 128, 12, 12), as the decoder looks at them."""
        things = self.encoder.things(maps)
        return things._replace(tokens=self.decoder.compare(things.tokens))

    def next(self, things: Things, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, T, V), and how much each token looked at each thing (N, T, 10), given things."""
        return cast(tuple[Tensor, Tensor], self.decoder(things.tokens, tokens))


class RecurrentDecoder(nn.Module):
    """Two LSTM layers with attention between them; they begin with the mean and the most of all things."""

    def __init__(self, hidden: int = 256) -> None:
        super().__init__()
        self.compare = _Compared()
        self.begin = nn.Linear(2 * WIDTH, 4 * hidden)
        self.words = nn.Embedding(len(TOKENS), WIDTH)
        self.first = nn.LSTM(WIDTH, hidden, batch_first=True)
        self.query = nn.Linear(hidden, WIDTH)
        self.second = nn.LSTM(hidden + WIDTH, hidden, batch_first=True)
        self.out = nn.Linear(hidden + WIDTH, len(TOKENS))

    def forward(self, things: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """See `Captioner.next`."""
        whole = torch.cat([things.mean(1), things.amax(1)], 1)
        states = self.begin(whole).tanh()[None].chunk(4, 2)
        said, _ = self.first(self.words(tokens), (states[0].contiguous(), states[1].contiguous()))
        looks = (self.query(said) @ things.transpose(1, 2) / WIDTH**0.5).softmax(-1)  # (N, T, 10)
        seen = looks @ things
        state, _ = self.second(torch.cat([said, seen], -1), (states[2].contiguous(), states[3].contiguous()))
        return self.out(torch.cat([state, seen], -1)), looks


class TransformerDecoder(nn.Module):
    """Layers of attention to what was said and to the things; what the last one looked at is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.compare = _Compared()
        self.words = nn.Embedding(len(TOKENS), WIDTH)
        self.order = nn.Parameter(torch.randn(LONGEST, WIDTH) * 0.02)
        self.layers = nn.ModuleList(_DecoderLayer() for _ in range(_LAYERS))
        self.out = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, len(TOKENS)))

    def forward(self, things: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """See `Captioner.next`."""
        said = self.words(tokens) + self.order[: tokens.shape[1]]
        looks = things.new_zeros(0)
        for layer in self.layers:
            said, looks = layer(said, things)
        return self.out(said), looks


class _Compared(nn.Module):
    """Each thing looks at every other, twice: how many are alike, and which is left of which."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds = nn.ModuleList(_Summing() for _ in range(_COMPARING))
        self.normal = nn.LayerNorm(WIDTH)

    def forward(self, things: Tensor) -> Tensor:
        """Things (N, 10, 128) that know of each other."""
        for layer in self.rounds:
            things = layer(things)
        return cast(Tensor, self.normal(things))


class _Summing(nn.Module):
    """A transformer's layer whose attention adds up instead of taking the mean, so that numbers are not lost.

    Each weight is a sigmoid of its own (Ramapuram et al. 2024, https://arxiv.org/abs/2409.04431).
    """

    def __init__(self) -> None:
        super().__init__()
        self.normal = nn.LayerNorm(WIDTH)
        self.project = nn.Linear(WIDTH, 3 * WIDTH)
        self.least = nn.Parameter(torch.full((_HEADS, 1, 1), -math.log(MOST)))
        self.out = nn.Linear(WIDTH, WIDTH)
        self.think = nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )

    def forward(self, row: Tensor, given: Tensor | None = None) -> Tensor:
        """A row (N, K, 128) whose places know of each other, of those that are given (N, K) only."""
        heads = self.project(self.normal(row)).unflatten(2, (3 * _HEADS, -1)).transpose(1, 2)
        asked, told, said = heads.chunk(3, 1)  # (N, heads, K, 32) each
        weights = (asked @ told.transpose(2, 3) / told.shape[3] ** 0.5 + self.least).sigmoid()  # (N, heads, K, K)
        if given is not None:
            weights = weights * given[:, None, None]
        row = row + self.out((weights @ said).transpose(1, 2).flatten(2))
        return row + cast(Tensor, self.think(row))


class _DecoderLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.said = nn.MultiheadAttention(WIDTH, _HEADS, batch_first=True)
        self.seen = nn.MultiheadAttention(WIDTH, _HEADS, batch_first=True)
        self.think = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))
        self.normal = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(3))

    def forward(self, said: Tensor, things: Tensor) -> tuple[Tensor, Tensor]:
        length = said.shape[1]
        later = torch.ones(length, length, dtype=torch.bool, device=said.device).triu(1)
        normal = self.normal[0](said)
        said = said + self.said(normal, normal, normal, attn_mask=later)[0]
        seen, looks = self.seen(self.normal[1](said), things, things)
        said = said + seen
        return said + self.think(self.normal[2](said)), looks


class Answerer(nn.Module):
    """Answers a question: its words and the picture's things attend to each other.

    A transformer (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762), as VisualBERT reads words and parts of a
    picture in one row (Li et al. 2019, https://arxiv.org/abs/1908.03557), with attention that adds up. The words first
    pass a GRU both ways (Cho et al. 2014, https://arxiv.org/abs/1406.1078): `star` means one thing before `left of`,
    another after it.

    Args:
        words: how many words questions have, padding as number 0 included.
        answers: how many answers there are.
        longest: words of the longest question.
    """

    def __init__(self, words: int, answers: int, longest: int) -> None:
        super().__init__()
        self.encoder = SceneEncoder()
        self.words = nn.Embedding(words, WIDTH, padding_idx=PAD)
        self.order = nn.Parameter(torch.randn(longest, WIDTH) * 0.02)
        self.around = nn.GRU(WIDTH, WIDTH // 2, batch_first=True, bidirectional=True)
        self.asks = nn.Parameter(torch.randn(WIDTH) * 0.02)
        self.layers = nn.ModuleList(_Summing() for _ in range(_ANSWERING))
        self.out = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, answers))

    def forward(self, things: Tensor, question: Tensor) -> Tensor:
        """Logits (N, answers), given what the encoder found, (N, 10, 128), and questions (N, T), padded with 0."""
        return self.answer(self.rows(things, question)[-1])

    def answer(self, row: Tensor) -> Tensor:
        """Logits (N, answers) from the last of the rows."""
        return cast(Tensor, self.out(row[:, 0]))

    def rows(self, things: Tensor, question: Tensor) -> list[Tensor]:
        """What each layer makes of what asks, the things and the words: (N, 1 + 10 + T, 128) each."""
        words = self.words(question)
        words = words + self.order[: question.shape[1]] + self._around(words, (question != PAD).sum(1))
        rows = [torch.cat([self.asks.expand(len(words), 1, -1), things, words], 1)]
        given = functional.pad(question != PAD, (1 + things.shape[1], 0), value=True)
        for layer in self.layers:
            rows.append(layer(rows[-1], given))
        return rows[1:]

    def _around(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Each word (N, T, 128) with those around it."""
        packed = nn.utils.rnn.pack_padded_sequence(words, lengths.cpu(), batch_first=True, enforce_sorted=False)
        both, _ = self.around(packed)
        return nn.utils.rnn.pad_packed_sequence(both, batch_first=True, total_length=words.shape[1])[0]


def _waves(places: Tensor) -> Tensor:
    """Where things are, (N, K, 2) in 0..1, as (N, K, 128): sines and cosines, as of words in Vaswani et al. 2017."""
    rates = math.pi * 2 ** torch.linspace(-1, 4, WIDTH // 4, device=places.device)
    turns = places[:, :, :, None] * rates  # (N, K, 2, 32)
    return torch.cat([turns.sin(), turns.cos()], -1).flatten(2)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            _convolution(width, width), nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, maps: Tensor) -> Tensor:
        return functional.gelu(maps + self.change(maps))


def _convolution(channels_in: int, channels: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.GELU()
    )
