"""ChoraleNet at tiny size: what is read step by step is what is read at once, and nothing looks ahead."""

from __future__ import annotations

import pytest
import torch

from backends.music.composer import hints_of
from backends.music.grid import CLASSES, START_TOKEN
from backends.music.net import HINTS, UNTOLD, Shape, taken
from tests.backends.music.tiny import TINY, TINY_LSTM, tiny_net

STEPS = 60  # more than twice the tiny window
both = pytest.mark.parametrize("shape", [TINY, TINY_LSTM], ids=["transformer", "lstm"])


def piece() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(0, CLASSES, (2, STEPS, 4), generator=generator)
    return tokens, torch.from_numpy(hints_of(STEPS, 3)).expand(2, -1, -1)


@both
def test_step_by_step_is_the_same_as_at_once(shape: Shape) -> None:
    net = tiny_net(shape)
    tokens, hints = piece()
    with torch.inference_mode():
        whole = net(tokens, torch.zeros(2, dtype=torch.long), hints)
        assert whole.shape == (2, STEPS, 4, CLASSES)
        history, cache = torch.full((2, shape.past, 4), START_TOKEN), net.begin()
        for at in range(STEPS):
            read, cache = net.read(history, at, hints[:, at], cache)
            chord = torch.full((2, 4), START_TOKEN)
            for voice in range(4):
                logits = net.voice(voice, read, chord, history, at)
                assert torch.allclose(logits, whole[:, at, voice], atol=1e-4)
                chord[:, voice] = tokens[:, at, voice]
            history = torch.cat([chord[:, None], history[:, :-1]], 1)


@both
def test_a_note_depends_on_what_is_before_it_alone(shape: Shape) -> None:
    net = tiny_net(shape)
    tokens, hints = piece()
    changed = tokens.clone()
    changed[:, 30, 2] = (changed[:, 30, 2] + 1) % CLASSES  # the tenor of one sixteenth
    with torch.inference_mode():
        zero = torch.zeros(2, dtype=torch.long)
        first, second = net(tokens, zero, hints), net(changed, zero, hints)
    same = (first - second).abs().amax((0, 3)) < 1e-6  # (T, 4)
    assert same[:30].all()
    assert same[30].tolist() == [True, True, True, False]
    assert not same[31].any()


def test_the_transformer_forgets_what_is_far_away() -> None:
    net = tiny_net()
    tokens, hints = piece()
    changed = tokens.clone()
    changed[:, 0] = 0
    with torch.inference_mode():
        zero = torch.zeros(2, dtype=torch.long)
        difference = (net(tokens, zero, hints) - net(changed, zero, hints)).abs().amax((0, 2, 3))
    reach = TINY.layers * (TINY.window - 1) + TINY.past
    assert difference[TINY.window] > 1e-6, "through the layers it reaches further than one window"
    assert (difference[reach + 1 :] == 0).all()


@both
def test_memories_can_be_chosen_from(shape: Shape) -> None:
    net = tiny_net(shape)
    tokens, hints = piece()
    history = torch.full((2, shape.past, 4), START_TOKEN)
    with torch.inference_mode():
        _, cache = net.read(tokens[:, : shape.past].flip(1), 0, hints[:, 0], net.begin())
        swapped = taken(cache, torch.tensor([1, 0]), shape)
        plain, _ = net.read(history, 1, hints[:, 1], cache)
        other, _ = net.read(history, 1, hints[:, 1], swapped)
    assert torch.allclose(plain, other.flip(0), atol=1e-5)


def test_hints_count_down_to_the_end() -> None:
    hints = hints_of(200, None)
    assert (hints[:, 0] == UNTOLD[0]).all()
    assert hints[0].tolist() == [UNTOLD[0], 200 % 16, 8]
    assert hints[-1].tolist() == [UNTOLD[0], 1, 0]
    assert (hints < torch.tensor(HINTS).numpy()).all()
    assert (hints[:, 2] < UNTOLD[2]).all()


def test_the_shipped_size_fits_into_nine_megabytes() -> None:
    from recipes.chorale import LSTM, Config

    for shape in (Config().shape, LSTM.shape):
        assert sum(p.numel() for p in tiny_net(shape).parameters()) * 2 < 8_900_000
