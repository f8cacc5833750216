"""The documents recipe on a few made-up articles in the place of XQuAD, with an embedding model without weights."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import recipes.__main__ as command
from backends.documents.evidence import FEATURES, Judge
from recipes import documents
from recipes.documents import Config
from studio.settings import Settings
from tests.backends.documents.conftest import WordEmbedder

THINGS = ["lighthouse", "bridge", "castle", "museum", "harbour", "chapel", "mill", "tower", "station", "garden"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Ten articles of three sentences each, and a question about the second sentence."""
    folder = tmp_path / "data" / "squad_xquad_en"
    folder.mkdir(parents=True)
    passages, questions = [], []
    for number, thing in enumerate(THINGS):
        text = f"The {thing} is old. The {thing} was built in {1800 + number} by Ann. Visitors like it very much."
        start = text.index(str(1800 + number))
        passages.append({"passage_id": f"{number}-0", "text": text})
        answer = {"text": str(1800 + number), "start": start}
        asked = f"When was the {thing} built?"
        questions.append({"question": asked, "answers": [answer], "article": number, "paragraph": 0})
    for name, rows in (("passages", passages), ("train", questions[:6]), ("dev", questions[6:]), ("test", [])):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    return Settings(home=tmp_path / "home", data=tmp_path / "data")


def test_what_is_fitted_is_published_and_read(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[Judge] = []
    monkeypatch.setattr(documents, "publish", published.append)
    embedder: Any = WordEmbedder()
    fit = documents.train(settings, tmp_path, Config(), embedder)
    assert fit.metric == 1.0
    [judge] = published
    monkeypatch.undo()
    documents.publish(judge, tmp_path / "evidence.json")
    again = Judge.load(tmp_path / "evidence.json")
    assert len(again.weights) == len(FEATURES)
    assert again.threshold == judge.threshold
    assert 0 < again.threshold < 1


def test_below_its_figure_nothing_is_published(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    embedder: Any = WordEmbedder()
    train = documents.train
    monkeypatch.setattr(documents, "train", lambda settings, folder: train(settings, folder, Config(1.1), embedder))
    monkeypatch.setattr(documents, "publish", lambda *_: pytest.fail("it publishes"))
    monkeypatch.setattr(command, "Settings", lambda: settings)
    assert command.main(["documents"]) == 1
    assert "NOT published" in capsys.readouterr().out
