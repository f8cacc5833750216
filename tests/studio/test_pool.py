"""The pool: one load at a time, leases, eviction, and nothing left of a failed load."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from studio.contract import Adapter
from studio.devices import choose_device
from studio.errors import Cancelled, WeightsUnavailable
from studio.pool import Pool, model_name
from studio.weights import Shelf, Weights

FAMILY = Path(__file__).parent


class Model:
    """A backend that counts its loads."""

    made: ClassVar[list[weakref.ref[Any]]] = []
    wait_s: ClassVar[float] = 0.0

    def __init__(self, weights: Weights, device: str) -> None:
        time.sleep(self.wait_s)
        Model.made.append(weakref.ref(self))


class Other(Model):
    pass


class Third(Model):
    pass


class Broken:
    def __init__(self, weights: Weights, device: str) -> None:
        raise RuntimeError("cannot be loaded")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Model.made, Model.wait_s = [], 0.0


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    made = Pool(Shelf(tmp_path), memory_mb=250, keep_alive_s=0, device="cpu")
    yield made
    made.close()


def adapter(kind: type, memory_mb: int = 100, **changes: Any) -> Adapter:
    facts = {"licence": "x", "source": "x", "kind": "embedded", "memory_mb": memory_mb, **changes}
    return Adapter(name="a", title=kind.__name__, entry=f"{__name__}:{kind.__name__}", **facts)


def titles(pool: Pool) -> list[str]:
    return [resident.title for resident in pool.residents()]


def test_a_backend_is_loaded_once_however_many_wait(pool: Pool) -> None:
    Model.wait_s = 0.1
    seen: list[int] = []

    def call() -> None:
        with pool.lease(FAMILY, adapter(Model, concurrency=8)) as loaded:
            seen.append(id(loaded.backend))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Model.made) == 1
    assert len(set(seen)) == 1
    assert len(seen) == 8
    assert pool.residents()[0].uses == 8
    assert pool.residents()[0].leases == 0


def test_concurrency_is_kept(pool: Pool) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def call() -> None:
        nonlocal at_once, most
        with pool.lease(FAMILY, adapter(Model, concurrency=2)):
            with lock:
                at_once += 1
                most = max(most, at_once)
            time.sleep(0.02)
            with lock:
                at_once -= 1

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_the_least_recently_used_goes_first(pool: Pool) -> None:
    for kind in (Model, Other, Model, Third):
        with pool.lease(FAMILY, adapter(kind)):
            pass
    assert titles(pool) == ["Model", "Third"]
    gc.collect()
    assert sum(made() is not None for made in Model.made) == 2  # the third one's memory is free again


def test_a_leased_backend_is_never_unloaded(pool: Pool) -> None:
    started = threading.Event()

    def second() -> None:
        started.set()
        with pool.lease(FAMILY, adapter(Other, 200)):
            pass

    with pool.lease(FAMILY, adapter(Model, 100)) as loaded:
        thread = threading.Thread(target=second)
        thread.start()
        started.wait()
        time.sleep(0.15)
        assert titles(pool) == ["Model"]
        assert loaded.backend is not None
        assert not pool.unload(model_name(FAMILY, adapter(Model)))
    thread.join(5)
    assert titles(pool) == ["Other"]


def test_a_model_beyond_the_budget_is_loaded_alone(pool: Pool) -> None:
    with pool.lease(FAMILY, adapter(Model)):
        pass
    with pool.lease(FAMILY, adapter(Other, 999)):
        assert titles(pool) == ["Other"]


def test_a_failed_load_leaves_nothing(pool: Pool) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError, match="cannot be loaded"), pool.lease(FAMILY, adapter(Broken)):
            pass
    with pytest.raises(WeightsUnavailable), pool.lease(FAMILY, adapter(Model, weights="nothing")):
        pass
    assert pool.residents() == []
    assert pool._loading == {}
    with pool.lease(FAMILY, adapter(Model, 250)):
        assert titles(pool) == ["Model"]


def test_who_waits_can_give_up(pool: Pool) -> None:
    def check() -> None:
        raise Cancelled("not wanted any more")

    with pytest.raises(Cancelled), pool.lease(FAMILY, adapter(Model), check):
        pass
    assert pool.residents() == []


def test_an_error_in_the_call_ends_the_lease(pool: Pool) -> None:
    with pytest.raises(KeyError), pool.lease(FAMILY, adapter(Model)):
        raise KeyError
    assert pool.residents()[0].leases == 0


def test_unload_and_close(pool: Pool) -> None:
    with pool.lease(FAMILY, adapter(Model)):
        pass
    assert pool.unload(model_name(FAMILY, adapter(Model)))
    assert not pool.unload(model_name(FAMILY, adapter(Model)))
    with pool.lease(FAMILY, adapter(Model)):
        pass
    pool.close()
    assert pool.residents() == []


def test_what_is_unloaded_together_is_looked_for_once(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a studio that has all families loaded it takes half a second, which closing must not pay for each model."""
    for kind in (Model, Other):
        with pool.lease(FAMILY, adapter(kind)):
            pass
    looked: list[None] = []
    monkeypatch.setattr("studio.devices.give_back", lambda: looked.append(None))
    pool.close()
    assert titles(pool) == []
    assert len(looked) == 1


def test_an_idle_backend_is_unloaded_after_its_time(tmp_path: Path) -> None:
    pool = Pool(Shelf(tmp_path), memory_mb=250, keep_alive_s=0.1, device="cpu")
    with pool.lease(FAMILY, adapter(Model)):
        time.sleep(0.3)
        assert titles(pool) == ["Model"]
    until_s = time.monotonic() + 5
    while pool.residents() and time.monotonic() < until_s:
        time.sleep(0.02)
    assert pool.residents() == []
    pool.close()


def test_on_load_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    pool = Pool(Shelf(tmp_path), 250, 0, "cpu", on_load=lambda title, seconds: told.append(title))
    for _ in range(2):
        with pool.lease(FAMILY, adapter(Model)):
            pass
    assert told == ["Model"]


@pytest.mark.parametrize(
    ("wanted", "devices", "chosen"),
    [("cpu", ("cuda", "cpu"), "cpu"), ("auto", ("cpu",), "cpu"), ("mps", ("cpu",), "cpu"), ("cuda", ("cpu",), "cpu")],
)
def test_the_device(wanted: str, devices: tuple[str, ...], chosen: str) -> None:
    assert choose_device(wanted, adapter(Model, devices=devices)) == chosen
