"""Writing with an untrained network of the real class: what is given stays, and given notes weigh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backends.music.composer import Composer, Taste, drawn, nats_per_note
from backends.music.grid import CLASSES, FREE, REST, REST_TOKEN
from backends.music.theory import parallels
from tests.backends.music.pieces import SCALE
from tests.backends.music.tiny import TINY, TINY_LSTM, write_weights


@pytest.fixture(scope="module", params=[TINY, TINY_LSTM], ids=["transformer", "lstm"])
def composer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Composer:
    return Composer(write_weights(tmp_path_factory.mktemp("w") / "model.safetensors", request.param), "cpu")


def free(steps: int) -> np.ndarray:
    return np.full((steps, 4), FREE, np.int16)


def test_it_writes_one_sixteenth_after_the_other(composer: Composer) -> None:
    grids = list(composer.write(free(12), 0, Taste(seed=1)))
    assert [len(grid) for grid in grids] == list(range(1, 13))
    assert np.array_equal(grids[5], grids[-1][:6])
    assert (grids[-1] > REST).all()


def test_the_seed_decides(composer: Composer) -> None:
    first, again, other = (list(composer.write(free(8), 0, Taste(seed=seed)))[-1] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_given_voices_stay_and_the_others_are_filled(composer: Composer) -> None:
    given = free(20)
    given[:16, 0], given[:8, 3] = SCALE[:, 0], SCALE[:8, 3]
    given[12:14] = REST
    piece = list(composer.write(given, 0, Taste(seed=3)))[-1]
    told = given != FREE
    assert np.array_equal(piece[told], given[told])
    assert (piece[~told] > REST).all()


def test_strict_writing_has_no_parallels(composer: Composer) -> None:
    faults = {}
    for strict in (False, True):
        piece = list(composer.write(free(48), 0, Taste(seed=5, strict=strict)))[-1]
        faults[strict] = parallels(piece, 0) + parallels(piece, 7)
    assert faults[False]
    assert faults[True] == []


def test_particles_favour_what_makes_the_given_notes_likely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more particles the melody is, on average, more probable under the piece that is written around it."""
    composer = Composer(write_weights(tmp_path / "model.safetensors"), "cpu")
    given = free(16)
    given[:, 0] = SCALE[:, 0]
    nats = {}
    for particles in (1, 32):
        monkeypatch.setattr("backends.music.composer.PARTICLES", particles)
        pieces = [list(composer.write(given, None, Taste(seed=seed)))[-1] for seed in range(12)]
        nats[particles] = _soprano_nats(composer, pieces)
    assert nats[32] < nats[1]


def _soprano_nats(composer: Composer, pieces: list[np.ndarray]) -> float:
    from backends.music.composer import hints_of
    from backends.music.grid import to_tokens

    tokens = torch.from_numpy(np.stack([to_tokens(piece) for piece in pieces]))
    hints = torch.from_numpy(hints_of(16, None)).expand(len(pieces), -1, -1)
    with torch.inference_mode():
        logits = composer.net(tokens, torch.zeros(len(pieces), dtype=torch.long), hints)[:, :, 0]
    return float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[..., 0].flatten()))


def test_temperature_and_top_p() -> None:
    logits = torch.zeros(1000, CLASSES)
    logits[:, 5], logits[:, 9], logits[:, REST_TOKEN] = 3.0, 2.0, 9.0
    random = torch.Generator().manual_seed(0)
    assert set(drawn(logits, Taste(top_p=0.1), random).tolist()) == {5}
    assert set(drawn(logits, Taste(temperature=0.05), random).tolist()) == {5}
    everything = drawn(logits, Taste(), random)
    assert REST_TOKEN not in everything
    assert len(set(everything.tolist())) > 30
    share = float((everything == 5).float().mean())
    assert share == pytest.approx(np.exp(3) / (np.exp(3) + np.exp(2) + 44), abs=0.05)


def test_an_even_network_knows_nothing(tmp_path: Path) -> None:
    composer = Composer(write_weights(tmp_path / "model.safetensors"), "cpu")
    for layer in (composer.net.to_pitch, composer.net.to_interval):
        for parameter in layer.parameters():
            parameter.zero_()
    assert nats_per_note(composer.net, [SCALE, SCALE[:5]]) == pytest.approx(np.log(CLASSES))
