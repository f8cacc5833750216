"""ChoraleNet: four-part music, one sixteenth after the other, in each of them soprano, alto, tenor, bass.

The probability of a piece is a product over all its notes in the order of time, and within a sixteenth from the soprano
down, so the voices are interleaved as in Music Transformer (Huang et al. 2019). But the past is read once a sixteenth,
not once a note: the trunk, a causal transformer with rotary, hence relative, positions (Su et al. 2021) or an LSTM,
has a place for each sixteenth, and a small network under it adds the four voices one by one. That is four times fewer
places for the same notes.

Everything is said twice, as pitch and as interval, on the way in and on the way out: a step down is learned once for
all pitches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from backends.music.grid import CLASSES, KEYS, REST_TOKEN, START_TOKEN, STEPS_PER_BAR, TOKENS

#: What may be told about a piece, at each of its sixteenths; the last value of each means "not told".
#: The key; how many sixteenths of the bar are left; how many bars are left.
HINTS = (len(KEYS) + 1, STEPS_PER_BAR + 1, 10)
UNTOLD = tuple(size - 1 for size in HINTS)

_PITCHES = REST_TOKEN
_INTERVALS = 2 * _PITCHES - 1
_NO_INTERVAL = _INTERVALS

Cache = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Shape:
    """The sizes of a network.

    Attributes:
        trunk: what reads the past.
        width: of the trunk; a multiple of 2 * heads.
        voice_width, voice_layers: of the network that adds the voices.
        window: how many sixteenths back the transformer sees.
        past: how many sixteenths go straight into each place, side by side.
    """

    trunk: Literal["transformer", "lstm"] = "transformer"
    width: int = 192
    layers: int = 6
    heads: int = 6
    voice_width: int = 192
    voice_layers: int = 2
    embedding: int = 24
    window: int = 128
    past: int = 4
    dropout: float = 0.1


class ChoraleNet(nn.Module):
    """Logits of each note given all that is before it.

    `forward` is for whole pieces; `begin`, `read` and `voice` are for one sixteenth after the other.
    """

    interval_of: Tensor
    above: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        side = 2 * shape.embedding
        self.pitch = nn.Embedding(TOKENS, shape.embedding)
        self.interval = nn.Embedding(_INTERVALS + 1, shape.embedding)
        self.past = nn.Linear(shape.past * 4 * side, shape.width)
        self.clock = nn.Embedding(STEPS_PER_BAR, shape.width)
        self.hints = nn.ModuleList(nn.Embedding(size, shape.width) for size in HINTS)
        self.trunk: Transformer | Recurrent
        self.trunk = Transformer(shape) if shape.trunk == "transformer" else Recurrent(shape)
        self.spread = nn.Linear(shape.width, 4 * shape.voice_width)
        self.chords = nn.Linear(3 * 4 * side, shape.voice_width)
        self.place = nn.Embedding(STEPS_PER_BAR * 4, shape.voice_width)
        self.voices = nn.ModuleList(
            Residual(shape.voice_width, 2 * shape.voice_width, shape.dropout) for _ in range(shape.voice_layers)
        )
        self.norm = nn.LayerNorm(shape.voice_width)
        self.to_pitch = nn.Linear(shape.voice_width, CLASSES)
        self.to_interval = nn.Linear(shape.voice_width, _INTERVALS, bias=False)
        for table in (self.clock, self.place, *self.hints):
            nn.init.normal_(table.weight, std=0.02)
        for layer in (self.to_pitch, self.to_interval):
            nn.init.zeros_(layer.weight)
        of_each = torch.arange(_PITCHES)[None] - torch.arange(TOKENS)[:, None] + _PITCHES - 1
        self.register_buffer("interval_of", of_each.clamp(0, _INTERVALS - 1), persistent=False)  # (TOKENS, 46)
        self.register_buffer("above", torch.ones(4, 4, dtype=torch.bool).tril(-1), persistent=False)

    def forward(self, tokens: Tensor, first: Tensor, hints: Tensor) -> Tensor:
        """Logits (B, T, 4, CLASSES) of tokens (B, T, 4).

        Args:
            first: (B), which sixteenth of its piece each sequence begins with.
            hints: (B, T, 3), see HINTS.
        """
        steps, past = tokens.shape[1], self.shape.past
        padded = functional.pad(tokens, (0, 0, past, 0), value=START_TOKEN)
        history = torch.stack([padded[:, past - k : past - k + steps] for k in range(1, past + 1)], 2)  # (B, T, K, 4)
        clock = (first[:, None] + torch.arange(steps, device=tokens.device)) % STEPS_PER_BAR  # (B, T)
        read = self.spread(self.trunk(self._embed(history, clock, hints)))
        read = read.view(*tokens.shape, -1)  # (B, T, 4, D)
        chord = torch.where(self.above, tokens[:, :, None], START_TOKEN)  # (B, T, 4, 4)
        place = clock[..., None] * 4 + torch.arange(4, device=tokens.device)  # (B, T, 4)
        return self._answer(read, chord, history[:, :, None, :2], history[:, :, 0], place)

    def begin(self) -> Cache:
        """An empty memory for `read`."""
        return []

    def read(self, history: Tensor, at: int, hints: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        """Read on by one sixteenth.

        Args:
            history: (B, K, 4), the sixteenths before this one, the latest first, `START_TOKEN` where there is none.
            at: which sixteenth of its piece this is.
            hints: (B, 3).

        Returns:
            (B, 4, D) for `voice`, and the memory for the next call.
        """
        clock = torch.full((len(history), 1), at % STEPS_PER_BAR, device=history.device)
        found, cache = self.trunk.read(self._embed(history[:, None], clock, hints[:, None]), at, cache)
        return self.spread(found).view(len(history), 4, -1), cache

    def voice(self, voice: int, read: Tensor, chord: Tensor, history: Tensor, at: int) -> Tensor:
        """Logits (B, CLASSES) of one voice.

        Args:
            read: (B, 4, D), from `read`.
            chord: (B, 4), this sixteenth; `START_TOKEN` from that voice on downwards.
        """
        place = torch.full((len(chord),), at % STEPS_PER_BAR * 4 + voice, device=chord.device)
        return self._answer(read[:, voice], chord, history[:, :2], history[:, 0, voice], place)

    def _embed(self, history: Tensor, clock: Tensor, hints: Tensor) -> Tensor:
        """(B, T, K, 4) of pitches to (B, T, width)."""
        found: Tensor = self.past(self._said_twice(history, history[:, :, :1, 3:]).flatten(2)) + self.clock(clock)
        for kind, table in enumerate(self.hints):
            found = found + table(hints[..., kind])
        return found

    def _answer(self, read: Tensor, chord: Tensor, before: Tensor, last: Tensor, place: Tensor) -> Tensor:
        """Logits (..., CLASSES).

        Args:
            read: (..., D), what the trunk says to this voice.
            chord: (..., 4), the voices above it.
            before: (..., 2, 4), the two sixteenths before, or something that broadcasts to it.
            last: (...), the pitch that this voice comes from.
            place: (...), sixteenth of the bar and voice.
        """
        near = torch.cat([chord[..., None, :], before.expand(*chord.shape[:-1], 2, 4)], -2)  # (..., 3, 4)
        found = read + self.chords(self._said_twice(near, last[..., None, None]).flatten(-3)) + self.place(place)
        for layer in self.voices:
            found = layer(found)
        found = self.norm(found)
        by_interval = self.to_interval(found).gather(-1, self.interval_of[last])  # (..., 46)
        by_interval = by_interval * (last < _PITCHES)[..., None]
        logits: Tensor = self.to_pitch(found) + functional.pad(by_interval, (0, 1))
        return logits

    def _said_twice(self, tokens: Tensor, origin: Tensor) -> Tensor:
        """Each token (...) as its pitch and as its interval from `origin`, (..., 2 * embedding)."""
        known = (tokens < _PITCHES) & (origin < _PITCHES)
        interval = torch.where(known, tokens - origin + _PITCHES - 1, _NO_INTERVAL)
        return torch.cat([self.pitch(tokens), self.interval(interval)], -1)


class Residual(nn.Module):
    """x + MLP(norm(x)), with squared ReLU (So et al. 2021), which a CPU computes quicker than GELU."""

    def __init__(self, width: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) to the same."""
        inner = functional.relu(self.up(self.norm(x))).square()
        return x + functional.dropout(self.down(inner), self.dropout, self.training)


class Layer(nn.Module):
    """Causal attention with rotary positions, so that distances alone count, and an MLP, each added to its input."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads, self.window, self.dropout = shape.heads, shape.window, shape.dropout
        self.norm = nn.LayerNorm(shape.width)
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.mlp = Residual(shape.width, 4 * shape.width, shape.dropout)

    def _project(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (B, heads, T, width / heads), the first two rotated to their places."""
        batch, steps, width = x.shape
        q, k, v = self.qkv(self.norm(x)).view(batch, steps, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        return _rotated(q, turn), _rotated(k, turn), v

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
        """(B, T, width) to the same; without a mask all of the past is seen."""
        q, k, v = self._project(x, turn)
        return self._join(x, functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None))

    def read(
        self, x: Tensor, turn: tuple[Tensor, Tensor], slot: int, seen: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, 1, width) to the same, and the keys and values of this place and those before it.

        Args:
            slot: whose keys and values are written over once there are as many as the window has places.
        """
        q, keys, values = self._project(x, turn)
        if seen is not None and seen[0].shape[2] < self.window:
            keys, values = torch.cat([seen[0], keys], 2), torch.cat([seen[1], values], 2)
        elif seen is not None:
            seen[0][:, :, slot], seen[1][:, :, slot] = keys[:, :, 0], values[:, :, 0]
            keys, values = seen
        return self._join(x, functional.scaled_dot_product_attention(q, keys, values)), (keys, values)

    def _join(self, x: Tensor, found: Tensor) -> Tensor:
        """Add what was found, (B, heads, T, width / heads), and what the MLP makes of it."""
        out = self.out(found.transpose(1, 2).reshape(x.shape))
        joined: Tensor = self.mlp(x + functional.dropout(out, self.dropout, self.training))
        return joined


class Transformer(nn.Module):
    """Reads the past by attention to the last `window` sixteenths in each layer."""

    frequencies: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.window = shape.window
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width)
        size = shape.width // shape.heads // 2
        periods = 2 * 512 ** (torch.arange(size) / max(1, size - 1))  # in sixteenths: 2 to 1,024
        self.register_buffer("frequencies", 2 * math.pi / periods, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) to the same, each place knowing itself and what is before it."""
        places = torch.arange(x.shape[1], device=x.device)
        turn = self._turn(places)
        mask = None
        if len(places) > self.window:
            distance = places[:, None] - places[None]
            mask = (distance >= 0) & (distance < self.window)
        for layer in self.layers:
            x = layer(x, turn, mask)
        found: Tensor = self.norm(x)
        return found

    def read(self, x: Tensor, at: int, cache: Cache) -> tuple[Tensor, Cache]:
        """(B, 1, width) to the same. Keys carry their places, so the oldest one's room is written over."""
        turn, fresh = self._turn(torch.tensor([at], device=x.device)), []
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, Layer)
            x, seen = layer.read(x, turn, at % self.window, cache[number] if cache else None)
            fresh.append(seen)
        return self.norm(x), fresh

    def _turn(self, places: Tensor) -> tuple[Tensor, Tensor]:
        angles = places[:, None] * self.frequencies
        return angles.cos(), angles.sin()  # (T, width / heads / 2)


class Recurrent(nn.Module):
    """Reads the past with an LSTM (Hochreiter and Schmidhuber 1997), for comparison."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.lstm = nn.LSTM(shape.width, shape.width, shape.layers, batch_first=True, dropout=shape.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) to the same."""
        found: Tensor = self.lstm(x)[0]
        return found

    def read(self, x: Tensor, at: int, cache: Cache) -> tuple[Tensor, Cache]:
        """(B, 1, width) to the same. The memory has the batch in its second axis, unlike attention's."""
        found, state = self.lstm(x, cache[0] if cache else None)
        return found, [state]


def taken(cache: Cache, chosen: Tensor, shape: Shape) -> Cache:
    """The memory of some of the batch, in that order and as often as they are named."""
    axis = 0 if shape.trunk == "transformer" else 1
    return [(first.index_select(axis, chosen), second.index_select(axis, chosen)) for first, second in cache]


def _rotated(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    cos, sin = turn
    left, right = x.chunk(2, -1)
    return torch.cat([left * cos - right * sin, left * sin + right * cos], -1)
