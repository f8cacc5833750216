"""A hub on the loopback address, the real client pointed at it, and a shelf with one row."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from huggingface_hub import constants

from studio.downloads import Download, Downloads, WeightsState
from studio.weights import Shelf
from tests.hub.local_hub import LocalHub

MODEL = random.Random(0).randbytes(1_000_000)
CONFIG = b'{"hidden": 4}'


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """The hub, with this process's client pointed at it as its environment variables would."""
    with LocalHub({"model.safetensors": MODEL, "sub/config.json": CONFIG}) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield hub


@dataclass
class Bench:
    """A family with the row "net" of the hub, and a shelf that has seen nothing yet."""

    family: Path
    shelf: Shelf
    cache: Path

    def restarted(self) -> Bench:
        """The same after the program was started anew."""
        return Bench(self.family, Shelf(self.family), self.cache)

    def pull(self) -> Download:
        """Ask for the download."""
        return self.shelf.pull(self.family, "net")

    def pulled(self) -> Download:
        """Ask for the download and wait for its end."""
        download = self.pull()
        assert download.wait(30)
        return download

    def state(self) -> WeightsState:
        """How it stands."""
        return self.shelf.state(self.family, "net")

    def files(self) -> list[str]:
        """Every regular file in the cache but locks and tags, by its name."""
        files = [path for path in self.cache.rglob("*") if path.is_file() and not path.is_symlink()]
        return sorted(path.name for path in files if path.suffix not in (".lock", ".TAG"))


@pytest.fixture
def bench(hub: LocalHub, tmp_path: Path) -> Iterator[Bench]:
    family = tmp_path / "family"
    family.mkdir()
    (family / "weights.toml").write_text(hub.row())
    made = Bench(family, Shelf(tmp_path, Downloads()), tmp_path / "cache")
    yield made
    made.shelf.close()
