"""The pool's memory: measured sizes, the budget under load, and a GPU that is too small."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import psutil
import pytest
import torch
from pydantic import Field

from studio import devices
from studio.catalogue import Catalogue, Entry
from studio.contract import Adapter, Example, Inputs, Outputs, Task
from studio.devices import choose_device, give_back
from studio.errors import BackendFailed
from studio.ledger import Ledger
from studio.pool import Pool, model_name
from studio.runtime import Runtime
from studio.settings import Settings
from studio.weights import Shelf, Weights

FAMILY = Path(__file__).parent
SIZE_MB = 60


class Block:
    """A model of 60 MB that really takes them; counts how many of each kind are alive."""

    alive: ClassVar[Counter[str]] = Counter()
    most: ClassVar[Counter[str]] = Counter()
    made: ClassVar[Counter[str]] = Counter()
    lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, weights: Weights, device: str) -> None:
        self._numbers = np.ones(SIZE_MB * 1_000_000 // 8)
        name = type(self).__name__
        with Block.lock:
            Block.alive[name] += 1
            Block.made[name] += 1
            Block.most[name] = max(Block.most[name], Block.alive[name])

    def __del__(self) -> None:
        with Block.lock:
            Block.alive[type(self).__name__] -= 1

    def total(self) -> float:
        return float(self._numbers[:1000].sum())


class Second(Block): ...


class Third(Block): ...


class Fourth(Block): ...


class Fifth(Block): ...


def adapter(kind: type, memory_mb: int = SIZE_MB, **changes: Any) -> Adapter:
    facts = {"licence": "x", "source": "x", "kind": "embedded", "memory_mb": memory_mb, **changes}
    return Adapter(name="a", title=kind.__name__, entry=f"{__name__}:{kind.__name__}", **facts)


def resident_mb() -> float:
    return psutil.Process().memory_info().rss / 1e6


@pytest.fixture(autouse=True)
def _fresh() -> None:
    for counter in (Block.alive, Block.most, Block.made):
        counter.clear()


def test_five_models_from_eight_threads_within_a_budget_for_two(tmp_path: Path) -> None:
    program = f"from pathlib import Path; from {__name__} import five_models; five_models(Path({str(tmp_path)!r}))"
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    print(ended.stdout)


def five_models(tmp_path: Path) -> None:
    """In a process of its own: threads of other tests would take memory too."""
    budget_mb = round(2.1 * SIZE_MB)
    pool = Pool(Shelf(tmp_path), budget_mb, keep_alive_s=0, device="cpu")
    kinds = (Block, Second, Third, Fourth, Fifth)
    wrong: list[float] = []
    highest_mb, done = 0.0, threading.Event()
    give_back()
    before_mb = resident_mb()

    def watch() -> None:
        nonlocal highest_mb
        while not done.wait(0.002):
            highest_mb = max(highest_mb, resident_mb() - before_mb)

    def call(seed: int) -> None:
        choose = random.Random(seed)
        for turn in range(15):
            kind = kinds[(seed + turn) % 5] if turn % 2 else choose.choice(kinds)
            with pool.lease(FAMILY, adapter(kind, concurrency=2)) as loaded:
                if loaded.backend.total() != 1000:
                    wrong.append(loaded.backend.total())
                time.sleep(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    threads = [threading.Thread(target=call, args=(seed,), daemon=True) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    done.set()
    watcher.join()
    assert not any(thread.is_alive() for thread in threads), "a deadlock"
    assert wrong == []
    assert set(Block.made) == {kind.__name__ for kind in kinds}
    assert set(Block.most.values()) == {1}, "a model was in memory twice"
    assert highest_mb > SIZE_MB  # the watch sees what happens
    assert highest_mb <= 1.1 * budget_mb
    pool.close()
    give_back()
    assert sum(Block.alive.values()) == 0
    assert resident_mb() - before_mb < 0.2 * SIZE_MB
    print(f"{highest_mb:.0f} MB at most, budget {budget_mb} MB, {sum(Block.made.values())} loads")


def test_a_measured_size_counts_instead_of_the_declared_one(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "models.json")
    pool = Pool(Shelf(tmp_path), 100, keep_alive_s=0, device="cpu", ledger=ledger)
    for kind in (Block, Second):  # both claim to be small: the second shows that the first was measured
        with pool.lease(FAMILY, adapter(kind, memory_mb=10)):
            pass
    sizes = {resident.title: resident.memory_mb for resident in pool.residents()}
    assert all(0.9 * SIZE_MB < size < 1.2 * SIZE_MB for size in sizes.values())
    with pool.lease(FAMILY, adapter(Third, memory_mb=10)):  # now it is seen that no second one fits
        assert "Block" not in {resident.title for resident in pool.residents()}
    pool.close()
    known = Ledger(tmp_path / "models.json").memory_mb(model_name(FAMILY, adapter(Block)), "cpu")
    assert known == sizes["Block"]  # kept over a restart


def test_a_load_that_takes_nothing_is_no_measure(tmp_path: Path) -> None:
    class_with_nothing = adapter(Nothing, memory_mb=80)
    pool = Pool(Shelf(tmp_path), 100, keep_alive_s=0, device="cpu")
    with pool.lease(FAMILY, class_with_nothing):
        assert pool.residents()[0].memory_mb == 80
    pool.close()


class Nothing:
    def __init__(self, weights: Weights, device: str) -> None: ...


class HalfBuilt:
    """Takes memory, then fails."""

    def __init__(self, weights: Weights, device: str) -> None:
        self._numbers = np.ones(SIZE_MB * 1_000_000 // 8)
        raise ValueError("broken")


def test_a_failed_load_gives_its_memory_back(tmp_path: Path) -> None:
    pool = Pool(Shelf(tmp_path), 100, keep_alive_s=0, device="cpu")
    give_back()
    before_mb = resident_mb()
    for _ in range(5):
        with pytest.raises(ValueError, match="broken"), pool.lease(FAMILY, adapter(HalfBuilt)):
            pass
    give_back()
    assert resident_mb() - before_mb < 0.5 * SIZE_MB
    assert pool.residents() == []


# a GPU that this machine does not have


class Gpu:
    """What the machine says of its GPU, and how many loads and calls of a model fail on it."""

    load_failures = 0
    call_failures = 0
    calls: ClassVar[list[str]] = []


class TinyInputs(Inputs):
    text: str = Field("x", title="Text", description="Any.")


class TinyOutputs(Outputs):
    device: str = Field(title="Device")


class OnGpu:
    def __init__(self, weights: Weights, device: str) -> None:
        self._device = device
        if device == "cuda" and Gpu.load_failures > 0:
            Gpu.load_failures -= 1
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    def __call__(self, inputs: TinyInputs, run: Any) -> TinyOutputs:
        Gpu.calls.append(self._device)
        if self._device == "cuda" and Gpu.call_failures > 0:
            Gpu.call_failures -= 1
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return TinyOutputs(device=self._device)


class AlsoOnGpu(OnGpu): ...


class OnlyOnGpu(OnGpu): ...


def gpu_task(name: str, kind: type, where: tuple[str, ...] = ("cuda", "cpu")) -> Task:
    return Task(
        name=name,
        title=name,
        section="s",
        summary="s",
        inputs=TinyInputs,
        outputs=TinyOutputs,
        examples=(Example(title="e", values={}),),
        adapters=(adapter(kind, 10, devices=where, gpu_memory_mb=50),),
    )


@pytest.fixture
def gpu_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Runtime]:
    monkeypatch.setattr(devices, "has", lambda device: device == "cuda")
    monkeypatch.setattr(devices, "total_mb", lambda device: 100)
    monkeypatch.setattr(devices, "used_mb", lambda device: 0.0)
    Gpu.load_failures = Gpu.call_failures = 0
    Gpu.calls = []
    tasks = (gpu_task("one", OnGpu), gpu_task("two", AlsoOnGpu), gpu_task("three", OnlyOnGpu, ("cuda",)))
    runtime = Runtime(Settings(home=tmp_path, workers=2), Catalogue([Entry(task, FAMILY) for task in tasks]))
    yield runtime
    runtime.close(grace_s=2)


def test_the_gpu_is_used_and_has_a_budget_of_its_own(gpu_runtime: Runtime) -> None:
    job = gpu_runtime.run("one", {})
    assert (job.device, job.remarks) == ("cuda", [])
    assert gpu_runtime.pool.budget_of("cuda") == 80


def test_a_gpu_that_is_too_small_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has", lambda device: True)
    wanting = adapter(OnGpu, devices=("cuda", "cpu"), gpu_memory_mb=8000)
    monkeypatch.setattr(devices, "total_mb", lambda device: 6000)
    assert choose_device("auto", wanting) == "cpu"
    monkeypatch.setattr(devices, "total_mb", lambda device: 8000)
    assert choose_device("auto", wanting) == "cuda"


def test_out_of_gpu_memory_while_loading_evicts_and_tries_again(gpu_runtime: Runtime) -> None:
    gpu_runtime.run("two", {})
    Gpu.load_failures = 1
    job = gpu_runtime.run("one", {})
    assert (job.device, job.remarks) == ("cuda", [])
    assert [resident.title for resident in gpu_runtime.pool.residents()] == ["OnGpu"]


def test_out_of_gpu_memory_while_loading_falls_back_and_says_so(gpu_runtime: Runtime) -> None:
    Gpu.load_failures = 2
    job = gpu_runtime.run("one", {})
    assert job.device == "cpu"
    assert job.remarks == ["Ran on the CPU: the GPU has too little memory for OnGpu."]
    assert [resident.device for resident in gpu_runtime.pool.residents()] == ["cpu"]


def test_out_of_gpu_memory_in_a_call_evicts_and_tries_again(gpu_runtime: Runtime) -> None:
    gpu_runtime.run("two", {})
    Gpu.call_failures, Gpu.calls = 1, []
    job = gpu_runtime.run("one", {})
    assert (job.device, job.remarks, Gpu.calls) == ("cuda", [], ["cuda", "cuda"])
    assert [resident.title for resident in gpu_runtime.pool.residents()] == ["OnGpu"]


def test_out_of_gpu_memory_in_a_call_falls_back_and_says_so(gpu_runtime: Runtime) -> None:
    Gpu.call_failures = 2
    job = gpu_runtime.run("one", {})
    assert (job.device, Gpu.calls) == ("cpu", ["cuda", "cuda", "cpu"])
    assert job.remarks == ["Ran on the CPU: the GPU's memory did not suffice for this input of OnGpu."]
    assert gpu_runtime.run("one", {}).device == "cuda"  # the next, smaller input gets its chance


def test_a_model_without_a_cpu_says_what_it_lacks(gpu_runtime: Runtime) -> None:
    Gpu.load_failures = 2
    with pytest.raises(BackendFailed, match="The GPU has too little memory for OnlyOnGpu") as caught:
        gpu_runtime.run("three", {})
    assert caught.value.hint
    Gpu.call_failures = 9
    with pytest.raises(BackendFailed, match="did not suffice for this input"):
        gpu_runtime.run("three", {})
    assert gpu_runtime.pool._loading == {}


def test_the_ledger_survives_a_restart_and_a_broken_file(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "models.json"
    first = Ledger(file)
    first.used("m")
    first.measured("m", "cpu", 70)
    first.measured("m", "cpu", 50)
    first.save()
    again = Ledger(file)
    assert again.memory_mb("m", "cpu") == 70
    assert again.memory_mb("m", "cuda") is None
    assert time.time() - (again.last_used_s("m") or 0) < 10
    file.write_text("{broken")
    assert Ledger(file).last_used_s("m") is None
