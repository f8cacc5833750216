"""Turns a trained network into what the studio ships: the weight file, its card, and its row in weights.toml."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tomlkit
import yaml
from safetensors.torch import save_file
from torch import Tensor, nn

from recipes.loop import Fitted

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Result:
    """A finished training and the figure that decides on it.

    Attributes:
        metric: measured on the test split.
        reach: what it is asked to be at least, or at most.
        least: what is published all the same, where nothing better is there; the card says that it falls short.
        less_is_better: whether the metric is a loss; `least` is then the most that is published.
    """

    metric: float
    reach: float
    fitted: Fitted
    least: float | None = None
    less_is_better: bool = False

    @property
    def reached(self) -> bool:
        """Whether the weights are as good as is asked for."""
        return self._as_good_as(self.reach)

    @property
    def publishable(self) -> bool:
        """Whether the weights are good enough to be published."""
        return self.reached or (self.least is not None and self._as_good_as(self.least))

    @property
    def stopped(self) -> str:
        """Why the training ended."""
        return self.fitted.stopped

    def _as_good_as(self, bound: float) -> bool:
        return self.metric <= bound if self.less_is_better else self.metric >= bound


@dataclass(frozen=True)
class Card:
    """What a model card says.

    Attributes:
        recipe: the name under which `python -m recipes` trains it.
        dataset_id: the data set's name on the Hugging Face hub.
        split: what was measured on, and what was learned from.
        published: the figure that ours stands beside, with its source.
        limits: what the model is bad at.
        again: the command that measures again, where it is not `python -m bench.quality <recipe>`.
    """

    title: str
    recipe: str
    licence: str
    pipeline_tag: str
    dataset: str
    dataset_id: str
    split: str
    metric: str
    result: Result
    published: str
    source: str
    about: str
    limits: str
    again: str = ""

    def metadata(self) -> dict[str, object]:
        """The model card's front matter, with its `model-index`."""
        measured = {"type": self.metric, "value": round(self.result.metric, 4)}
        task = {"type": self.pipeline_tag}
        dataset = {"name": self.dataset, "type": self.dataset_id, "split": "test"}
        results = [{"task": task, "dataset": dataset, "metrics": [measured]}]
        return {
            "license": self.licence.lower(),
            "pipeline_tag": self.pipeline_tag,
            "library_name": "pytorch",
            "datasets": [self.dataset_id],
            "metrics": [self.metric],
            "model-index": [{"name": self.title, "results": results}],
        }

    def body(self) -> str:
        """The card's text."""
        fitted = self.result.fitted
        short = "" if self.result.reached else ", which it falls short of"
        facts = [
            ("Data", f"{self.dataset}, {self.source}"),
            ("Split", self.split),
            ("Measured", f"{self.metric} {self.result.metric:.4f} (asked for: {self.result.reach:g}{short})"),
            ("Published beside it", self.published),
            ("Made by", f"`python -m recipes {self.recipe}`"),
            ("Measured again by", f"`{self.again or f'python -m bench.quality {self.recipe}'}`"),
            ("Cost", _cost(fitted)),
            ("Bad at", self.limits),
        ]
        return f"{self.about}\n\n" + "\n".join(f"- **{name}**: {text}" for name, text in facts) + "\n"

    def markdown(self) -> str:
        """The whole file."""
        front = yaml.safe_dump(self.metadata(), sort_keys=False, allow_unicode=True)
        return f"---\n{front}---\n\n# {self.title}\n\n{self.body()}"


def _cost(fitted: Fitted) -> str:
    if not fitted.history:
        return "none: nothing is learned"
    return f"{fitted.cpu_minutes:.1f} CPU minutes, {len(fitted.history)} epochs ({fitted.stopped})"


def publish(
    family: str,
    net: nn.Module | Mapping[str, Tensor],
    facts: dict[str, str],
    card: Card,
    root: Path = ROOT,
    beside: Mapping[str, bytes] | None = None,
    tensors: Mapping[str, Tensor] | None = None,
    shared: Mapping[str, Path] | None = None,
) -> Path:
    """Write models_cache/embedded/<family>/<recipe>/ and the family's row; the weight file's path.

    Args:
        net: the network, or its tensors as they are to be kept.
        facts: what belongs to the weights and is no tensor, kept in the file's own metadata.
        beside: further files of the model, by file name; their rows are named for them without the ending.
        tensors: further tensors to keep in the weight file, as they are.
        shared: files of other models below models_cache/embedded without which this one does not work, by name.
    """
    shelf = root / "models_cache" / "embedded"
    folder = shelf / family / card.recipe
    folder.mkdir(parents=True, exist_ok=True)
    file, part = folder / "model.safetensors", folder / "model.part"
    everything = {**(net.state_dict() if isinstance(net, nn.Module) else net), **(tensors or {})}
    kept = {name: value.detach().contiguous().cpu() for name, value in everything.items()}
    save_file(kept, part, metadata={"format": "pt", **facts})
    part.chmod(0o644)  # safetensors writes for the owner alone
    part.replace(file)
    (folder / "card.md").write_text(card.markdown(), encoding="utf-8")
    files = {"model": file, **(shared or {})}
    for name, data in (beside or {}).items():
        further = folder / name
        further.write_bytes(data)
        files[further.stem] = further
    write_row(root / "backends" / family / "weights.toml", card, files, shelf)
    return file


def write_row(table: Path, card: Card, files: Mapping[str, Path], shelf: Path) -> None:
    """Write or replace the model's row in a weights.toml; the other rows and all comments stay as they are.

    Args:
        files: the model's, by name.
        shelf: models_cache/embedded, below which they are.
    """
    document = tomlkit.parse(table.read_text(encoding="utf-8")) if table.is_file() else tomlkit.document()
    row = tomlkit.table()
    row["kind"] = "embedded"
    row["licence"] = card.licence
    row["source"] = card.source
    row["card"] = tomlkit.string(f"\n{card.body()}", multiline=True)
    rows = tomlkit.table(is_super_table=True)
    for name, file in files.items():
        data = file.read_bytes()
        entry = tomlkit.table()
        entry["path"] = file.relative_to(shelf).as_posix()
        entry["sha256"] = hashlib.sha256(data).hexdigest()
        entry["bytes"] = len(data)
        rows[name] = entry
    row["files"] = rows
    document[card.recipe] = row
    part = table.with_suffix(".part")
    part.write_text(tomlkit.dumps(document), encoding="utf-8")
    part.replace(table)
