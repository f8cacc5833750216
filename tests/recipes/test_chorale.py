"""The chorale recipe on a few drawn pieces in the place of Bach's: some steps of the real code."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.music.composer import Composer, nats_per_note
from backends.music.grid import REST, START_TOKEN, key_of, to_tokens
from backends.music.net import UNTOLD
from recipes import chorale
from recipes.chorale import Config, batch
from recipes.data import four_voices, jsb_chorales
from recipes.publish import publish
from studio.settings import Settings
from tests.backends.music.pieces import SCALE
from tests.backends.music.tiny import TINY, TINY_LSTM

SMALL = Config(shape=TINY, reach=9, steps=16, batch_size=2, epochs=2, passes=2, peak_rate=0.02, ema_decay=0.5)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder with a few pieces of four chords."""
    folder = tmp_path / "data" / "jsb_chorales"
    folder.mkdir(parents=True)
    pieces = [(SCALE + shift).tolist() * 3 for shift in (-2, 0, 3)]
    data = {"train": pieces, "valid": pieces[:1], "test": pieces[1:2]}
    (folder / "jsb-chorales-16th.json.gz").write_bytes(gzip.compress(json.dumps(data).encode()))
    return Settings(home=tmp_path / "home", data=tmp_path / "data")


@pytest.mark.parametrize(("name", "shape"), [("chorale", TINY), ("chorale_lstm", TINY_LSTM)])
def test_some_steps_learn_and_publish(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, shape: chorale.Shape
) -> None:
    made: dict[str, Path] = {}
    (tmp_path / "backends" / "music").mkdir(parents=True)
    monkeypatch.setattr(chorale, "publish", lambda *given: made.update(file=publish(*given, root=tmp_path)))
    train = chorale.train if name == "chorale" else chorale.train_lstm
    result = train(settings, tmp_path / "run", Config(**{**vars(SMALL), "shape": shape}))
    assert result.fitted.history[1].loss < result.fitted.history[0].loss < 4
    assert result.fitted.best.metric < 0
    assert made["file"] == tmp_path / "models_cache" / "embedded" / "music" / name / "model.safetensors"
    read = Composer(made["file"], "cpu")
    assert nats_per_note(read.net, jsb_chorales(settings, "test")) == pytest.approx(result.metric, abs=1e-4)
    assert json.loads(read.facts["theory"])["Parallel fifths"] == 0
    row = (tmp_path / "backends" / "music" / "weights.toml").read_text()
    assert f"[{name}.files.model]" in row
    assert f"nats per note {result.metric:.4f}" in row


def test_above_its_metric_nothing_is_published(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chorale, "publish", lambda *_: pytest.fail("it publishes"))
    result = chorale.train(settings, tmp_path / "run", Config(**{**vars(SMALL), "reach": 0.001}))
    assert not result.reached


def test_sequences_are_transposed_and_told_only_sometimes() -> None:
    config = Config(steps=32, batch_size=64, told=0.5, hidden=0)
    inputs, targets = batch([SCALE], config, np.random.default_rng(0))
    tokens, hints, first = inputs[..., :4], inputs[..., 4:7], inputs[..., 7]
    assert inputs.shape == (64, 32, 8)
    assert torch.equal(targets >= 0, tokens != START_TOKEN)
    assert (tokens[:, 16:] == START_TOKEN).all(), "after the piece nothing counts"
    assert (first == 0).all()
    shifts = {int(piece[0, 0] - to_tokens(SCALE)[0, 0]) for piece in tokens}
    assert shifts == set(range(-6, 6))
    keys = {int(piece[0, 0]) for piece in hints}
    assert UNTOLD[0] in keys
    told = [(piece, hint) for piece, hint in zip(tokens, hints, strict=True) if hint[0, 0] != UNTOLD[0]]
    for piece, hint in told:
        assert int(hint[0, 0]) == key_of((piece[:16] + 36).numpy().astype(np.int16))
    ends = [hint for hint in hints if hint[0, 1] != UNTOLD[1]]
    assert 16 < len(ends) < 48
    assert all(hint[:16, 1].tolist() == [0, *range(15, 0, -1)] for hint in ends)


def test_some_notes_are_hidden_and_asked_for_all_the_same() -> None:
    config = Config(steps=16, batch_size=200, hidden=0.25)
    inputs, targets = batch([SCALE], config, np.random.default_rng(0))
    hidden = inputs[..., :4] == START_TOKEN
    assert 0.23 < float(hidden.float().mean()) < 0.27
    assert (targets >= 0).all()
    assert torch.equal(inputs[..., :4][~hidden], targets[~hidden])


def test_a_part_of_a_longer_piece_says_where_it_begins() -> None:
    piece = np.concatenate([SCALE] * 4)
    inputs, _ = batch([piece], Config(steps=16, batch_size=50, hidden=0), np.random.default_rng(0))
    firsts = set(inputs[:, 0, 7].tolist())
    assert min(firsts) == 0
    assert max(firsts) == 48


def test_fewer_than_four_pitches_go_to_the_nearest_voices() -> None:
    grid = four_voices([[72, 67, 64, 48], [67, 49], [], [71, 66, 62]])
    assert grid.tolist() == [
        [72, 67, 64, 48], [REST, 67, REST, 49], [REST] * 4, [71, 66, 62, REST],
    ]  # fmt: skip
