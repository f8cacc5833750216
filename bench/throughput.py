"""Answers a second to eight clients of one model, over those of a plain Gradio app of the same model."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from backends.documents.task import text_embedding
from bench.servers import plain_embedding, studio
from bench.tables import Ratio, median
from studio.runtime import EMBEDDED
from studio.weights import Shelf

FAMILY = Path(__file__).parent.parent / "backends" / "documents"
_CLIENTS, _ROUNDS, _SECONDS = 8, 5, 10
_TEXT = (
    "The kiln reaches its highest temperature in the second firing, number {number}; the door stays shut until then."
)


def throughput() -> list[Ratio]:
    """Both serve at once, and are called in turn, so that what else the machine does strikes both."""
    folder = Shelf(EMBEDDED).resolve(FAMILY, text_embedding.adapters[0].weights).path().parent
    ours, theirs = [], []
    with studio() as server, plain_embedding(folder) as peer:
        for number in range(_ROUNDS + 1):
            rates = [asyncio.run(_rate(server.address, _studio)), asyncio.run(_rate(peer.address, _gradio))]
            if number:  # the first round loads the models
                ours.append(rates[0])
                theirs.append(rates[1])
    return [
        Ratio(
            f"answers a second, {_CLIENTS} clients, over a plain Gradio app",
            [a / b for a, b in zip(ours, theirs, strict=True)],
            at_least=1.5,
            detail=f"text embedding, {median(ours):.1f} over {median(theirs):.1f} a second",
        )
    ]


async def _rate(address: str, ask: Callable[[httpx.AsyncClient, str], Awaitable[int]]) -> float:
    """Answers a second of all clients together."""
    async with httpx.AsyncClient(base_url=address, timeout=60) as http:
        until_s = time.perf_counter() + _SECONDS
        counts = await asyncio.gather(*(_client(http, client, until_s, ask) for client in range(_CLIENTS)))
    return sum(counts) / _SECONDS


async def _client(
    http: httpx.AsyncClient, client: int, until_s: float, ask: Callable[[httpx.AsyncClient, str], Awaitable[int]]
) -> int:
    answered = 0
    while time.perf_counter() < until_s:
        dimensions = await ask(http, _TEXT.format(number=1000 * client + answered))
        if dimensions != 384:
            raise RuntimeError(f"this is no vector: {dimensions} numbers")
        answered += 1
    return answered


async def _studio(http: httpx.AsyncClient, text: str) -> int:
    answer = await http.post("/api/v1/tasks/text_embedding/run", json={"inputs": {"texts": [text]}})
    return len(answer.raise_for_status().json()["outputs"]["vectors"][0])


async def _gradio(http: httpx.AsyncClient, text: str) -> int:
    """As Gradio's own documentation has it: begin, then read the events."""
    begun = await http.post("/gradio/gradio_api/call/embed", json={"data": [text]})
    event = begun.raise_for_status().json()["event_id"]
    async with http.stream("GET", f"/gradio/gradio_api/call/embed/{event}") as events:
        async for line in events.aiter_lines():
            if line.startswith("data: [["):
                return len(json.loads(line.removeprefix("data: "))[0])
    return 0
