"""What a recipe leaves behind: the weight file, its card, its row."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import yaml
from safetensors import safe_open
from torch import nn

from recipes.loop import Epoch, Fitted
from recipes.publish import Card, Result, publish, write_row
from studio.weights import Shelf

OTHER_ROW = """# kept by hand
[other]
kind = "package"
package = "somewhere"
licence = "MIT"
source = "https://example.org"
card = \"\"\"
Two
lines.
\"\"\"

[other.files.model]
path = "m.bin" # and this remark
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
bytes = 1
"""


def card(metric: float = 0.9961, least: float | None = None) -> Card:
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    return Card(
        title="A net",
        recipe="tiny",
        licence="AGPL-3.0-or-later",
        pipeline_tag="image-classification",
        dataset="MNIST",
        dataset_id="mnist",
        split="test, all of it",
        metric="accuracy",
        result=Result(metric, 0.995, Fitted(net, [Epoch(1, 0.1, 0.9, 0.0, 90.0)], "all epochs"), least),
        published="LeNet-5: 0.9905",
        source="somebody",
        about="It reads.",
        limits="Reading \\ \"quotes\" and '''.",
    )


def test_the_shelf_finds_what_was_published(tmp_path: Path) -> None:
    made = card()
    (tmp_path / "backends" / "letters").mkdir(parents=True)
    file = publish("letters", made.result.fitted.net, {"threshold": "1.5"}, made, tmp_path)
    assert file == tmp_path / "models_cache" / "embedded" / "letters" / "tiny" / "model.safetensors"
    weights = Shelf(tmp_path / "models_cache" / "embedded").resolve(tmp_path / "backends" / "letters", "tiny")
    with safe_open(weights.path(), "pt") as opened:
        assert opened.metadata()["threshold"] == "1.5"
        assert set(opened.keys()) == set(made.result.fitted.net.state_dict())


def test_the_card_says_what_a_card_says(tmp_path: Path) -> None:
    (tmp_path / "backends" / "letters").mkdir(parents=True)
    made = card()
    publish("letters", made.result.fitted.net, {}, made, tmp_path)
    text = (tmp_path / "models_cache/embedded/letters/tiny/card.md").read_text()
    _, front, body = text.split("---\n", 2)
    facts = yaml.safe_load(front)
    assert (facts["license"], facts["pipeline_tag"], facts["library_name"]) == (
        "agpl-3.0-or-later", "image-classification", "pytorch",
    )  # fmt: skip
    [result] = facts["model-index"][0]["results"]
    assert result["metrics"] == [{"type": "accuracy", "value": 0.9961}]
    for told in (
        "MNIST",
        "test, all of it",
        "0.9961",
        "0.9905",
        "`python -m recipes tiny`",
        "1.5 CPU minutes",
        "quotes",
    ):
        assert told in body


def test_a_row_is_added_and_replaced_and_the_others_stay(tmp_path: Path) -> None:
    table, file = tmp_path / "weights.toml", tmp_path / "letters" / "tiny" / "model.safetensors"
    table.write_text(OTHER_ROW)
    file.parent.mkdir(parents=True)
    for data in (b"first", b"second one"):
        file.write_bytes(data)
        write_row(table, card(), {"model": file}, tmp_path)
        assert table.read_text().startswith(OTHER_ROW.rstrip())
        rows = Shelf(tmp_path).rows(tmp_path)
        assert list(rows) == ["other", "tiny"]
        assert rows["tiny"].files["model"].sha256 == hashlib.sha256(data).hexdigest()
        assert rows["tiny"].files["model"].bytes == len(data)
        assert rows["tiny"].files["model"].path == "letters/tiny/model.safetensors"
        assert rows["tiny"].card.strip() == card().body().strip()
    assert tomllib.loads(table.read_text())["tiny"]["kind"] == "embedded"


def test_what_misses_its_metric_is_not_good_enough() -> None:
    assert card(0.995).result.reached
    assert not card(0.9949).result.reached
    assert not card(0.9949).result.publishable


def test_what_falls_short_but_will_do_says_so() -> None:
    short = card(0.9949, least=0.99)
    assert (short.result.reached, short.result.publishable) == (False, True)
    assert "accuracy 0.9949 (asked for: 0.995, which it falls short of)" in short.body()
    assert "falls short" not in card(0.995, least=0.99).body()
    assert not card(0.9899, least=0.99).result.publishable


def test_of_a_loss_less_is_better() -> None:
    fitted = card().result.fitted
    assert Result(0.41, 0.42, fitted, less_is_better=True).reached
    assert not Result(0.43, 0.42, fitted, less_is_better=True).reached
