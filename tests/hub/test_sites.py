"""Weights at a plain address: fetched, continued, checked and removed as those of the hub are."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants, get_token
from pydantic import ValidationError

import studio.downloads
from studio.downloads import Downloads
from studio.errors import WeightsUnavailable
from studio.weights import Shelf, WeightsRow
from tests.hub.conftest import MODEL, Bench
from tests.hub.local_hub import LocalHub


@pytest.fixture
def site(hub: LocalHub, tmp_path: Path) -> Bench:
    """A family with a row of one file at a plain address."""
    family = tmp_path / "family"
    family.mkdir()
    del hub.files["sub/config.json"]
    (family / "weights.toml").write_text(hub.row(site=hub.site))
    return Bench(family, Shelf(tmp_path, Downloads()), tmp_path / "cache")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = studio.downloads.Download._wait
    monkeypatch.setattr(studio.downloads.Download, "_wait", lambda self, seconds: wait(self, min(seconds, 0.02)))


def path(site: Bench) -> Path:
    return site.shelf.resolve(site.family, "net").path()


def test_they_are_fetched_once(site: Bench, hub: LocalHub) -> None:
    assert site.state().name == "absent"
    with pytest.raises(WeightsUnavailable, match="not on this machine"):
        path(site)
    assert site.pulled().error is None
    assert (site.state().name, path(site).read_bytes()) == ("ready", MODEL)
    assert site.restarted().pulled().error is None
    assert hub.gets("model.safetensors") == [0]
    assert [name for name in site.files() if "partial" in name] == []


def test_the_hubs_token_is_not_sent_to_them(site: Bench, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert get_token() == "hf_secret"
    site.pulled()
    assert set(hub.tokens) == {""}


def test_a_cut_download_goes_on(site: Bench, hub: LocalHub) -> None:
    hub.faults.cut_at, hub.faults.cuts = 0.4, 1
    assert site.pulled().error is None
    assert [start > 0 for start in hub.gets("model.safetensors")] == [False, True]
    assert path(site).read_bytes() == MODEL


def test_what_is_not_the_pinned_file_is_removed(site: Bench, hub: LocalHub) -> None:
    hub.files["model.safetensors"] = MODEL[:-1] + bytes([MODEL[-1] ^ 1])
    error = site.pulled().error
    assert isinstance(error, WeightsUnavailable)
    assert "not the one this studio was tested with" in error.message
    assert site.files() == []


def test_what_is_not_there_any_more_is_told(site: Bench, hub: LocalHub) -> None:
    hub.files.clear()
    error = site.pulled().error
    assert isinstance(error, WeightsUnavailable)
    assert "no file model.safetensors" in error.message
    assert hub.site in error.message


def test_they_are_removed(site: Bench) -> None:
    site.pulled()
    site.shelf.remove(site.family, "net")
    assert (site.state().name, site.files()) == ("absent", [])


def test_offline(site: Bench, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsUnavailable, match="stay offline"):
        site.pull()
    assert hub.requests == []


@pytest.mark.parametrize("address", ["http://example.org/", "https://example.org/models", "https://example.org/?a=/"])
def test_no_other_address_is_accepted(hub: LocalHub, address: str) -> None:
    import tomllib

    row = tomllib.loads(hub.row(site=hub.site))["net"]
    assert WeightsRow.model_validate(row).remote_files[0].url == hub.site + "model.safetensors"
    with pytest.raises(ValidationError, match="site"):
        WeightsRow.model_validate(row | {"site": address})
    with pytest.raises(ValidationError, match="a row of kind hub has"):
        WeightsRow.model_validate(row | {"repository": "a/b"})
