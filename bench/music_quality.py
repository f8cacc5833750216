"""The chorale composer: how well it foretells Bach's test pieces, what it writes, and how fast."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from backends.music.chorale import Composing
from backends.music.composer import Composer, Taste, hints_of, nats_per_note
from backends.music.fields import GenerationInputs, PieceOutputs
from backends.music.grid import FREE, KEYS, REST, START_TOKEN, STEPS_PER_BAR, STEPS_PER_BEAT, Grid, key_of
from backends.music.task import music_generation
from bench.bare import BareRun
from bench.figures import Figure, NoData
from recipes.chorale import Config
from recipes.data import jsb_chorales
from studio.catalogue import Catalogue
from studio.runtime import EMBEDDED
from studio.settings import Settings
from studio.weights import Shelf, Weights

_PIECES, _BARS = 100, 16
_LONG_BARS = 64
TIMES_QUICKER, HEARD_S, FIRST_S, NO_FURTHER = 5, 10, 2, 2.0


def measure(settings: Settings) -> list[Figure]:
    """Likelihood of the 77 test pieces; 100 pieces of 16 bars beside Bach's; speed on this machine."""
    if settings.data is None or not (settings.data / "jsb_chorales").is_dir():
        raise NoData("set ATELIER_DATA to a folder that has jsb_chorales/")
    train, test = jsb_chorales(settings, "train"), jsb_chorales(settings, "test")
    composer = Composer(_weights("chorale").path(), "cpu")
    written = [_composed(composer, seed) for seed in range(_PIECES)]
    return [
        *_likelihood(composer, test),
        *_distances(written, train, test),
        _copying(written, train, test),
        *_speed(composer),
    ]


def _likelihood(composer: Composer, test: list[Grid]) -> Iterator[Figure]:
    split, config = f"test, {len(test)}", Config()
    nats = nats_per_note(composer.net, test)
    yield Figure(
        "JSB chorales", split, "nats per note", nats, f"<= {config.reach}", nats <= config.reach, config.published
    )
    lstm = Composer(_weights("chorale_lstm").path(), "cpu")
    yield Figure("JSB chorales", split, "nats per note, LSTM", nats_per_note(lstm.net, test))


def _composed(composer: Composer, seed: int) -> Grid:
    """A piece as the page writes it, by its usual settings, in a key of its own."""
    usual = GenerationInputs()
    given = np.full((STEPS_PER_BEAT + _BARS * STEPS_PER_BAR, 4), FREE, np.int16)
    taste = Taste(usual.temperature, usual.top_p, seed, usual.strict)
    *_, piece = composer.write(given, seed % len(KEYS), taste)
    return piece


def _distances(written: list[Grid], train: list[Grid], test: list[Grid]) -> Iterator[Figure]:
    """How far from the training pieces, beside how far Bach's own test pieces are from them."""
    kinds: dict[str, Callable[[Grid], Iterable[Any]]] = {"pitches": pitches, "intervals": intervals, "chords": chords}
    for name, of_piece in kinds.items():
        of_train, of_test, of_ours = (
            Counter(item for piece in pieces for item in of_piece(piece)) for pieces in (train, test, written)
        )
        ours, theirs = divergence(of_ours, of_train), divergence(of_test, of_train)
        target = NO_FURTHER * theirs
        yield Figure(
            f"{len(written)} pieces of {_BARS} bars",
            "generated",
            f"{name}, divergence from the training pieces",
            ours,
            f"<= {target:.4f}",
            ours <= target,
            f"Bach's test pieces: {theirs:.4f}",
        )


def pitches(piece: Grid) -> Iterator[tuple[int, int]]:
    """(voice, degree above the tonic) of each sixteenth."""
    tonic = key_of(piece) % 12
    for voice in range(4):
        yield from ((voice, int(pitch - tonic) % 12) for pitch in piece[:, voice] if pitch != REST)


def intervals(piece: Grid) -> Iterator[tuple[int, int]]:
    """(voice, semitones) of each change of a voice's pitch."""
    for voice in range(4):
        line = piece[:, voice].astype(int)
        moved = (line[1:] != line[:-1]) & (line[1:] != REST) & (line[:-1] != REST)
        yield from ((voice, int(step)) for step in np.diff(line)[moved])


def chords(piece: Grid) -> Iterator[tuple[int, ...]]:
    """The pitch classes on each beat above the tonic, the bass's first."""
    tonic = key_of(piece) % 12
    for row in piece[::STEPS_PER_BEAT]:
        heard = [int(pitch - tonic) % 12 for pitch in row[::-1] if pitch != REST]
        if heard:
            yield (heard[0], *sorted(set(heard[1:]) - {heard[0]}))


def divergence(first: Counter[Any], second: Counter[Any]) -> float:
    """Jensen-Shannon divergence in nats, 0 to 0.69, of two counts."""
    items = list(first | second)
    p, q = (np.array([counts[item] for item in items], np.float64) / counts.total() for counts in (first, second))
    mean = (p + q) / 2
    logs = [np.where(part > 0, part * np.log(np.maximum(part, 1e-300) / mean), 0) for part in (p, q)]
    return float(sum(part.sum() for part in logs) / 2)


def _copying(written: list[Grid], train: list[Grid], test: list[Grid]) -> Figure:
    ours = max(longest_shared(piece, train) for piece in written)
    theirs = max(longest_shared(piece, train) for piece in test)
    return Figure(
        f"{len(written)} pieces of {_BARS} bars",
        "generated",
        "longest passage shared with a training piece, beats",
        ours / STEPS_PER_BEAT,
        f"< {theirs / STEPS_PER_BEAT:g}",
        ours < theirs,
        f"Bach's test pieces: {theirs / STEPS_PER_BEAT:g}",
        "all four voices the same, in any key",
    )


def longest_shared(piece: Grid, others: Sequence[Grid]) -> int:
    """Sixteenths of the longest passage that is in one of the others too, in all voices, in any key."""
    parts = [_in_any_key(other) for other in others]
    chords, steps = (np.concatenate([part[which] for part in parts]) for which in (0, 1))
    longest, run = 0, np.zeros(len(chords) + 1, np.int64)  # run[k + 1]: how long it has been the same as up to k
    for chord, step in zip(*_in_any_key(piece), strict=True):
        gone_on = np.where((steps == step) & (step != _FIRST), run[:-1], 0)
        run[1:] = np.where((chords == chord).all(1), gone_on + 1, 0)
        longest = max(longest, int(run.max()))
    return longest


_FIRST = 999


def _in_any_key(piece: Grid) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """What transposition leaves as it is: each voice above the bass (T, 4), and the bass's steps (T)."""
    pitches = piece.astype(np.int64)
    above = np.where(piece == REST, -1, pitches - pitches[:, 3:])
    return above, np.diff(pitches[:, 3], prepend=pitches[0, 3] - _FIRST)


def _speed(composer: Composer) -> Iterator[Figure]:
    quick, slow = _cached_s(composer), _uncached_s(composer)
    yield Figure(
        f"{_LONG_BARS} bars",
        "speed",
        "notes a second with the cache over without",
        slow / quick,
        f">= {TIMES_QUICKER}",
        slow / quick >= TIMES_QUICKER,
        detail=f"{4 / quick:,.0f} over {4 / slow:,.0f}, {torch.get_num_threads()} threads",
    )
    backend = Composing(_weights("chorale"), "cpu")
    with tempfile.TemporaryDirectory() as folder:
        list(backend(GenerationInputs(bars=2), BareRun(Path(folder))))  # loads what is loaded at first use
        started_s, first_s, heard_s = time.perf_counter(), 0.0, 0.0
        for part in backend(GenerationInputs(bars=_BARS), BareRun(Path(folder))):
            assert isinstance(part, PieceOutputs)
            first_s = first_s or time.perf_counter() - started_s
            if part.audio is not None and not heard_s:
                heard_s = time.perf_counter() - started_s
    yield Figure(f"{_BARS} bars", "speed", "s to the first notes", first_s, f"<= {FIRST_S}", first_s <= FIRST_S)
    yield Figure(f"{_BARS} bars", "speed", "s until it is heard", heard_s, f"<= {HEARD_S}", heard_s <= HEARD_S)


def _cached_s(composer: Composer) -> float:
    """Seconds for a sixteenth, over a whole piece."""
    given = np.full((_LONG_BARS * STEPS_PER_BAR, 4), FREE, np.int16)
    started_s = time.perf_counter()
    for _ in composer.write(given, 0, Taste()):
        pass
    return (time.perf_counter() - started_s) / len(given)


@torch.inference_mode()
def _uncached_s(composer: Composer, probes: int = 8) -> float:
    """The same where each sixteenth reads the piece anew, once for all four voices; at a few, evenly spread."""
    steps = _LONG_BARS * STEPS_PER_BAR
    hints = torch.from_numpy(hints_of(steps, 0))[None]
    tokens = torch.zeros(1, steps, 4, dtype=torch.long)
    spent_s = 0.0
    for at in np.linspace(1, steps, probes).astype(int):
        tokens[:, at - 1] = START_TOKEN
        started_s = time.perf_counter()
        composer.net(tokens[:, :at], torch.zeros(1, dtype=torch.long), hints[:, :at])
        spent_s += time.perf_counter() - started_s
    return spent_s / probes


def _weights(key: str) -> Weights:
    """The shipped ones, from the shelf."""
    return Shelf(EMBEDDED).resolve(Catalogue.discover().entry(music_generation.name).family, key)
