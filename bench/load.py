"""Many visitors at once: `python -m bench.load`, ten minutes; `--seconds 30` for a look.

Each client is an owner of its own. In turn it calls a task and waits for the answer, or starts a job, lets go of it and
comes back for its result. A client that is refused, because the queue is full or for its own haste, waits as long as it
is told and goes on.

It passes if no call was lost, no answer was an error but 409 and 429, and the memory after the first minute (a fifth of
a short run) stays within 10 %.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.servers import Server, studio

FAMILIES = Path(__file__).parent.parent / "backends"
FACES = FAMILIES / "faces" / "examples"
REFUSED = (409, 429)
FLAT = 0.10
WAIT_S = 300


@dataclass(frozen=True)
class Call:
    """One kind of call: the files and the texts of its form."""

    task: str
    files: Mapping[str, Path]
    texts: Mapping[str, str] = field(default_factory=dict)


MIX = (
    Call("face_verification", {"first": FACES / "hopper.jpg", "second": FACES / "collins.jpg"}),
    Call("face_identification", {"image": FACES / "hopper_and_collins.jpg"}),
    Call("digit_recognition", {"image": next(iter(sorted((FAMILIES / "digits" / "examples").glob("*.png"))))}),
    Call("text_embedding", {}, {"texts": "What is the highest temperature of the kiln?"}),
    Call("document_search", {}, {"question": "opening hours", "passages": "3"}),
)


@dataclass
class Tally:
    """What happened so far."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refusals: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)  # (seconds since the start, MB)

    @property
    def answered(self) -> int:
        """Calls that got their result."""
        return sum(len(seconds) for seconds in self.seconds.values())


def main() -> int:
    """Run it and print the table; 1 if it does not pass."""
    parser = argparse.ArgumentParser(prog="python -m bench.load")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    with studio() as server:
        tally = asyncio.run(_load(server, options.clients, options.seconds))
        done = _done(server)
    return _report(tally, options.clients, options.seconds, done)


async def _load(server: Server, clients: int, seconds: float) -> Tally:
    async with httpx.AsyncClient(base_url=server.address, timeout=WAIT_S) as http:
        for call in MIX:  # the models are loaded before the clock starts
            (await _post(http, call)).raise_for_status()
    tally, until_s = Tally(), time.monotonic() + seconds
    watching = asyncio.create_task(_watch(server, tally))
    await asyncio.gather(*(_client(server, number, until_s, tally) for number in range(clients)))
    watching.cancel()
    return tally


async def _watch(server: Server, tally: Tally) -> None:
    started_s = time.monotonic()
    while True:
        tally.memory.append((time.monotonic() - started_s, server.memory_mb()))
        await asyncio.sleep(1)


async def _client(server: Server, number: int, until_s: float, tally: Tally) -> None:
    """One visitor, until the time is over; what it has begun it waits for."""
    dice = random.Random(number)
    headers = {"authorization": f"Bearer load-test-client-{number:04}"}
    async with httpx.AsyncClient(base_url=server.address, headers=headers, timeout=WAIT_S) as http:
        while time.monotonic() < until_s:
            call = dice.choice(MIX)
            started_s = time.perf_counter()
            try:
                wait_s = await (_later if dice.random() < 0.3 else _at_once)(http, call, tally)
            except httpx.HTTPError as fault:
                tally.faults[f"{call.task}: {type(fault).__name__}"] += 1
                continue
            if wait_s is None:
                tally.seconds[call.task].append(time.perf_counter() - started_s)
            else:
                await asyncio.sleep(wait_s)


async def _at_once(http: httpx.AsyncClient, call: Call, tally: Tally) -> float | None:
    """Call and wait for the answer. None, or after how many seconds to try again."""
    answer = await _post(http, call)
    if answer.status_code in REFUSED:
        return _refused(answer, tally)
    if answer.status_code != 200 or answer.json()["state"] != "done":
        tally.faults[f"{call.task}: {answer.status_code} {answer.text[:80]}"] += 1
    return None


async def _later(http: httpx.AsyncClient, call: Call, tally: Tally) -> float | None:
    """Start a job, look away, come back until it is done."""
    answer = await _post(http, call, prefer="respond-async")
    if answer.status_code in REFUSED:
        return _refused(answer, tally)
    if answer.status_code != 202:
        tally.faults[f"{call.task}: {answer.status_code} {answer.text[:80]}"] += 1
        return None
    for _ in range(WAIT_S):
        await asyncio.sleep(1)
        job = await http.get(answer.headers["location"])
        if job.status_code != 200 or job.json()["state"] in ("failed", "cancelled"):
            tally.faults[f"{call.task}: lost, {job.status_code} {job.text[:80]}"] += 1
            return None
        if job.json()["state"] == "done":
            return None
    tally.faults[f"{call.task}: lost, not done after {WAIT_S} s"] += 1
    return None


async def _post(http: httpx.AsyncClient, call: Call, **headers: str) -> httpx.Response:
    files: list[tuple[str, Any]] = [(name, (path.name, path.read_bytes())) for name, path in call.files.items()]
    files += [(name, (None, text)) for name, text in call.texts.items()]
    return await http.post(f"/api/v1/tasks/{call.task}/run", files=files, headers=headers)


def _refused(answer: httpx.Response, tally: Tally) -> float:
    tally.refusals[answer.status_code] += 1
    return float(answer.headers["retry-after"])


def _done(server: Server) -> int:
    """Runs that the studio itself counts as done."""
    text = httpx.get(f"{server.address}/metrics", timeout=30).text
    return sum(int(float(count)) for count in re.findall(r'atelier_request_total\{.*state="done".*\} (\S+)', text))


def _report(tally: Tally, clients: int, seconds: float, done: int) -> int:
    print(f"{clients} clients, {seconds:g} s: {tally.answered} answers, {tally.answered / seconds:.1f} a second")
    for task, times in sorted(tally.seconds.items()):
        print(f"  {task:22} {len(times):6}  p50 {_quantile(times, 0.5):6.2f} s  p95 {_quantile(times, 0.95):6.2f} s")
    everything = [each for times in tally.seconds.values() for each in times]
    print(f"  {'all':22} {len(everything):6}  p50 {_quantile(everything, 0.5):6.2f} s", end="  ")
    print(f"p95 {_quantile(everything, 0.95):6.2f} s")
    print(f"refused: {dict(tally.refusals) or 'none'}")
    settled_s = min(60.0, seconds / 5)
    megabytes = [mb for at_s, mb in tally.memory if at_s >= settled_s]
    growth = max(megabytes) / megabytes[0] - 1
    print(f"memory after {settled_s:g} s: {megabytes[0]:.0f} MB, at most {max(megabytes):.0f} MB ({growth:+.1%})")
    lost = tally.answered - sum(tally.faults.values()) - done
    for fault, count in tally.faults.most_common():
        print(f"FAULT {count} x {fault}")
    if lost > 0:
        print(f"FAULT {lost} answers more than the studio counts as done")
    passed = not tally.faults and lost <= 0 and growth <= FLAT
    print("passed" if passed else "NOT PASSED")
    return 0 if passed else 1


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


if __name__ == "__main__":
    sys.exit(main())
