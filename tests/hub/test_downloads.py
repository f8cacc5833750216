"""Downloads over a real client from a hub that misbehaves: nothing wrong or half is ever used."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants, hf_hub_download

import studio.hub
from studio.downloads import SPARE_BYTES, Downloads, WeightsState
from studio.errors import Forbidden, WeightsUnavailable
from studio.weights import Shelf
from tests.hub.conftest import CONFIG, MODEL, Bench
from tests.hub.local_hub import REPOSITORY, REVISION, LocalHub

TOTAL = len(MODEL) + len(CONFIG)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other quickly."""
    wait = studio.downloads.Download._wait
    monkeypatch.setattr(studio.downloads.Download, "_wait", lambda self, seconds: wait(self, min(seconds, 0.02)))


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    end_s = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end_s, "it does not happen"
        time.sleep(0.005)


def test_a_model_is_fetched_checked_and_found(bench: Bench, hub: LocalHub) -> None:
    assert bench.state() == WeightsState("absent", TOTAL)
    assert bench.pulled().error is None
    assert bench.state() == WeightsState("ready", TOTAL, TOTAL)
    weights = bench.shelf.resolve(bench.family, "net")
    assert weights.path("model").read_bytes() == MODEL
    assert weights.path("sub_config").read_bytes() == CONFIG
    assert hub.sent["model.safetensors"] == len(MODEL)
    asked = len(hub.requests)
    assert bench.pulled().error is None  # again: nothing to do
    assert len(hub.requests) == asked


def test_it_lies_where_the_real_client_looks(bench: Bench, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.pulled()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    path = hf_hub_download(REPOSITORY, "model.safetensors", revision=REVISION)
    assert Path(path).read_bytes() == MODEL
    assert bench.shelf.resolve(bench.family, "net").path("model") == Path(path)


def test_a_run_does_not_download(bench: Bench, hub: LocalHub) -> None:
    with pytest.raises(WeightsUnavailable, match=r"tiny .*1\.0 MB to download, licence MIT") as caught:
        bench.shelf.resolve(bench.family, "net", "tiny")
    assert "python -m surfaces.cli pull tiny" in str(caught.value.hint)
    assert hub.requests == []


def test_a_cut_connection_is_continued(bench: Bench, hub: LocalHub) -> None:
    hub.faults.cut_at, hub.faults.cuts = 0.6, 1
    assert bench.pulled().error is None
    first, second = hub.gets("model.safetensors")
    assert first == 0
    assert 0 < second <= 600_000
    assert hub.sent["model.safetensors"] < 1.1 * len(MODEL)
    assert bench.shelf.resolve(bench.family, "net").path("model").read_bytes() == MODEL


def test_a_connection_that_is_cut_for_good_leaves_its_part(bench: Bench, hub: LocalHub) -> None:
    hub.faults.cut_at, hub.faults.cuts = 0.6, 1000
    error = bench.pulled().error
    assert error is not None
    assert "ended early: the connection was cut" in error.message
    state = bench.state()
    assert state.name == "failed"
    assert state.reason == error.message
    assert state.fraction == pytest.approx(0.6, abs=0.1)
    with pytest.raises(WeightsUnavailable, match="not on this machine"):
        bench.shelf.resolve(bench.family, "net")
    hub.faults.cuts = 0
    again = bench.restarted()
    assert again.state().name == "paused"
    sent = hub.sent["model.safetensors"]
    assert again.pulled().error is None
    assert hub.sent["model.safetensors"] - sent < 0.5 * len(MODEL)
    assert again.state().name == "ready"


def test_a_hub_that_cannot_continue_starts_anew(bench: Bench, hub: LocalHub) -> None:
    hub.faults.cut_at, hub.faults.cuts, hub.faults.ranges = 0.6, 1, False
    assert bench.pulled().error is None
    assert bench.shelf.resolve(bench.family, "net").path("model").read_bytes() == MODEL


def test_errors_of_the_hub_pass_or_are_told(bench: Bench, hub: LocalHub) -> None:
    hub.faults.errors = 3
    assert bench.pulled().error is None
    bench.shelf.remove(bench.family, "net")
    hub.faults.errors = 1000
    error = bench.pulled().error
    assert error is not None
    assert "the server answered with status 500" in error.message
    assert bench.state().name == "failed"
    hub.faults.errors = 0
    assert bench.pulled().error is None


@pytest.mark.parametrize(("status", "said"), [(401, "HF_TOKEN"), (404, "moved")])
def test_a_refusal_is_told_at_once(bench: Bench, hub: LocalHub, status: int, said: str) -> None:
    hub.faults.status = status
    error = bench.pulled().error
    assert error is not None
    assert said in str(error.hint)
    assert len(hub.requests) == 1


def test_a_wrong_file_is_removed(bench: Bench, hub: LocalHub) -> None:
    hub.files["model.safetensors"] = bytes(len(MODEL))
    error = bench.pulled().error
    assert error is not None
    assert "not the one this studio was tested with; it was removed" in error.message
    assert bench.files() == []
    assert bench.state().name == "failed"
    with pytest.raises(WeightsUnavailable, match="not on this machine"):
        bench.shelf.resolve(bench.family, "net")


def test_a_file_of_another_size_is_not_even_begun(bench: Bench, hub: LocalHub) -> None:
    hub.files["model.safetensors"] = MODEL + b"more"
    error = bench.pulled().error
    assert error is not None
    assert "another size" in error.message
    assert (error.expected, error.got) == ("1,000,000 bytes", "1,000,004 bytes")
    assert bench.files() == []


def test_a_file_that_changed_on_the_disk_is_not_used(bench: Bench, hub: LocalHub) -> None:
    bench.pulled()
    path = bench.shelf.resolve(bench.family, "net").path("model")
    path.resolve().write_bytes(bytes(len(MODEL)))
    with pytest.raises(WeightsUnavailable, match="not the one this studio was tested with"):
        bench.shelf.resolve(bench.family, "net")
    assert not path.exists()
    assert bench.state().name == "paused"  # the other file is still there
    assert bench.pulled().error is None
    assert bench.shelf.resolve(bench.family, "net").path("model").read_bytes() == MODEL


def test_progress_has_bytes_rate_and_time(bench: Bench, hub: LocalHub) -> None:
    hub.faults.bytes_per_s = 1_000_000
    download = bench.pull()
    until(lambda: bench.state().done_bytes > 400_000)
    state = bench.state()
    assert state.name == "downloading"
    assert 0.4 < state.fraction < 1
    assert 200_000 < state.bytes_per_s < 1_500_000
    assert state.seconds_left == pytest.approx((TOTAL - state.done_bytes) / state.bytes_per_s, rel=0.5)
    assert download.wait(20)


def test_pause_continue_and_cancel(bench: Bench, hub: LocalHub) -> None:
    hub.faults.bytes_per_s = 2_000_000
    bench.pull()
    until(lambda: bench.state().done_bytes > 200_000)
    bench.shelf.pause(bench.family, "net")
    paused = bench.state()
    assert paused.name == "paused"
    assert 200_000 < paused.done_bytes < TOTAL
    assert bench.restarted().state() == paused  # it survives a restart
    hub.faults.bytes_per_s = 0
    assert bench.pulled().error is None
    assert hub.gets("model.safetensors")[-1] == paused.done_bytes
    assert bench.shelf.resolve(bench.family, "net").path("model").read_bytes() == MODEL
    bench.shelf.remove(bench.family, "net")
    hub.faults.bytes_per_s = 2_000_000
    bench.pull()
    until(lambda: bench.state().done_bytes > 200_000)
    bench.shelf.remove(bench.family, "net")
    assert bench.state() == WeightsState("absent", TOTAL)
    assert bench.files() == []


def test_one_download_however_many_ask(bench: Bench, hub: LocalHub) -> None:
    hub.faults.bytes_per_s = 4_000_000
    downloads = []
    threads = [threading.Thread(target=lambda: downloads.append(bench.pulled())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len({id(download) for download in downloads}) == 1
    assert hub.gets("model.safetensors") == [0]
    assert hub.sent["model.safetensors"] == len(MODEL)


def test_two_processes_share_one_download(bench: Bench, hub: LocalHub) -> None:
    """Two shelves know nothing of each other, as two processes; the lock in the cache keeps them apart."""
    hub.faults.bytes_per_s = 4_000_000
    other = bench.restarted()
    first, second = bench.pull(), other.pull()
    assert first.wait(20)
    assert second.wait(20)
    assert (first.error, second.error) == (None, None)
    assert hub.gets("model.safetensors") == [0]


def test_removing_keeps_what_another_revision_uses(bench: Bench, hub: LocalHub) -> None:
    bench.pulled()
    pointer = bench.shelf.resolve(bench.family, "net").path("model")
    other = pointer.parents[1] / ("f" * 40) / "model.safetensors"
    other.parent.mkdir()
    other.symlink_to(os.path.relpath(pointer.resolve(), other.parent))
    bench.shelf.remove(bench.family, "net")
    assert bench.state().name == "absent"
    assert other.read_bytes() == MODEL


def test_too_little_room_is_said_before(bench: Bench, hub: LocalHub) -> None:
    shelf = Shelf(bench.family, Downloads(free_bytes=lambda folder: TOTAL + SPARE_BYTES - 1))
    with pytest.raises(WeightsUnavailable, match="too little room"):
        shelf.pull(bench.family, "net")
    assert hub.requests == []
    assert shelf.state(bench.family, "net").name == "absent"


def test_a_disk_that_fills_up_is_told(bench: Bench, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Path.open

    class Full:
        """A file on a disk with room for 300,000 bytes."""

        def __init__(self, file: object) -> None:
            self._file = file

        def __getattr__(self, name: str) -> object:
            return getattr(self._file, name)

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *exception: object) -> None:
            self._file.close()  # type: ignore[attr-defined]

        def write(self, data: bytes) -> int:
            if self._file.tell() + len(data) > 300_000:  # type: ignore[attr-defined]
                raise OSError(errno.ENOSPC, "No space left on device")
            return self._file.write(data)  # type: ignore[attr-defined,no-any-return]

    def opened(self: Path, mode: str = "r", *more: object, **named: object) -> object:
        file = original(self, mode, *more, **named)  # type: ignore[call-overload]
        return Full(file) if self.name.endswith("-partial") and mode[0] in "aw" else file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        error = bench.pulled().error
    assert error is not None
    assert error.message == "The disk is full."
    assert bench.state().name == "failed"
    assert bench.pulled().error is None  # room was made: it goes on
    assert 0 < hub.gets("model.safetensors")[-1] <= 300_000


def test_offline(bench: Bench, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsUnavailable, match="told to stay offline") as caught:
        bench.pull()
    assert "HF_HUB_OFFLINE" in str(caught.value.got)
    assert hub.requests == []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    bench.pulled()
    asked = len(hub.requests)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    again = bench.restarted()
    assert again.state().name == "ready"
    assert again.pulled().error is None
    assert again.shelf.resolve(again.family, "net").path("model").read_bytes() == MODEL
    assert len(hub.requests) == asked


def test_a_hub_that_is_not_there(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{revision}/{filename}")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    error = bench.pulled().error
    assert error is not None
    assert "the server cannot be reached" in error.message


def test_what_came_with_the_studio_is_neither_pulled_nor_removed(bench: Bench) -> None:
    (bench.family / "weights.toml").write_text('[net]\nkind = "embedded"\nlicence = "x"\nsource = "x"\n')
    for act in (bench.shelf.pull, bench.shelf.pause, bench.shelf.remove):
        with pytest.raises(Forbidden, match="nothing to download"):
            act(bench.family, "net")
        with pytest.raises(Forbidden):
            act(bench.family, "")
