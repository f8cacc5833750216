"""How long the kept runs take to list, to write and to tidy where there are many: `python -m bench.runs`."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from studio.catalogue import Catalogue
from studio.jobs import Job
from studio.run_database import RunDatabase
from studio.run_rows import Rows, RunRow, Wanted
from studio.runs import Runs

COUNT, OWNERS, PAGE = 10_000, 4, 50
#: what a run with two photographs and a table has in its row, in bytes
PICTURE, INPUTS, OUTPUTS = 6_000, 1_500, 20_000
REPEATS = 30


def main() -> None:
    """Fill a store with COUNT runs of one owner and as many of others, then print medians."""
    catalogue = Catalogue.discover()
    with tempfile.TemporaryDirectory() as name:
        began_s = time.perf_counter()
        _fill(Path(name), catalogue)
        print(f"{COUNT * 2:,} runs written in {time.perf_counter() - began_s:.1f} s")
        _measure(Path(name), catalogue)


def _fill(folder: Path, catalogue: Catalogue) -> None:
    rows = Rows(RunDatabase(folder))
    noise = np.random.default_rng(0)
    text = json.dumps("x" * OUTPUTS)
    tasks = [task for task in catalogue if not task.stores]
    for number in range(COUNT * 2):
        task = tasks[number % len(tasks)]
        owner = "owner" if number % 2 else f"other-{number % OWNERS}"
        inputs = task.inputs.model_construct(**dict.fromkeys(task.inputs.model_fields))
        job = Job(owner, task.name, task.adapters[0].name, inputs, Path(), Path(), created_s=1e9 + number)
        job.update(started_s=1e9 + number, device="cpu")
        job.finish("done")
        row = replace(RunRow.of(job), nbytes=400_000, finished_s=1e9 + number + 1)
        rows.insert(row, process="bench", inputs=json.dumps("x" * INPUTS), picture=noise.bytes(PICTURE))
        rows.finish(row, outputs=text, picture=None)


def _measure(folder: Path, catalogue: Catalogue) -> None:
    runs = Runs(folder, catalogue, ttl_s=1e12, owner_bytes=10**15, total_bytes=10**15)
    task = runs.page("owner", limit=1)[0].task
    middle = runs.page("owner", limit=COUNT // 2)[-1].bookmark
    _print("first page", lambda: runs.page("owner", limit=PAGE))
    _print("page in the middle", lambda: runs.page("owner", after=middle, limit=PAGE))
    _print("first page of a task", lambda: runs.page("owner", Wanted(task=task), limit=PAGE))
    _print("first page of failed ones (none)", lambda: runs.page("owner", Wanted(state="failed"), limit=PAGE))
    _print("tasks of an owner", lambda: runs.tasks("owner"))
    _print("size of an owner's", lambda: runs._rows.size("owner"))
    _print("durations of an adapter", lambda: runs.seconds(task, catalogue.task(task).adapters[0].name))
    _print("tidying", runs.writer.tidy)
    runs.close()


def _print(what: str, call: Callable[[], object]) -> None:
    took_ms = []
    for _ in range(REPEATS):
        began_s = time.perf_counter()
        call()
        took_ms.append(1000 * (time.perf_counter() - began_s))
    print(f"{what}: median {statistics.median(took_ms):.2f} ms, most {max(took_ms):.2f} ms")


if __name__ == "__main__":
    main()
