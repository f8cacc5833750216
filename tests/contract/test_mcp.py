"""MCP, with the protocol's own client: every task is a tool, every example answers what the runtime answers."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx2
import jsonschema
import mcp_types as types
import PIL.Image
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from studio.contract import Outputs
from studio.runtime import Runtime
from surfaces import mcp
from surfaces.encode import outputs_json
from surfaces.identity import Identity, owner_of_headers
from tests.contract.cases import BAD_TYPED, TASKS, WIRE, Good
from tests.contract.checks import check_error
from tests.contract.places import Server, Studio
from tests.contract.wire import as_json, without_types

T = TypeVar("T")
Key = dict[str, str]
Use = Callable[[Client], Awaitable[T]]


@asynccontextmanager
async def connected(runtime: Runtime, key: Key) -> AsyncIterator[Client]:
    """A client of the MCP application in this process."""
    app = mcp.build(runtime)
    transport = httpx2.ASGITransport(app=Identity(app))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, headers=key, timeout=60) as http,
        Client(streamable_http_client("http://127.0.0.1:7860/mcp", http_client=http)) as client,
    ):
        yield client


def in_process(studio: Studio, key: Key, use: Use[T]) -> T:
    async def main() -> T:
        async with connected(studio.runtime, key) as client:
            return await use(client)

    return asyncio.run(asyncio.wait_for(main(), timeout=60))


def check_result(result: types.CallToolResult, case: Good, expected: Outputs) -> None:
    assert not result.is_error, result.content
    everything = outputs_json(expected)
    assert without_types(result.structured_content) == without_types(everything)
    schema = case.task.outputs.model_json_schema(mode="serialization")
    jsonschema.validate(result.structured_content, schema, cls=jsonschema.Draft202012Validator)
    text, *media = result.content
    assert isinstance(text, types.TextContent)
    assert json.loads(text.text).items() <= everything.items()
    for item in media:
        assert isinstance(item, types.ImageContent | types.AudioContent)
        if isinstance(item, types.ImageContent):
            assert PIL.Image.open(io.BytesIO(base64.b64decode(item.data))).get_format_mimetype() == item.mime_type


def test_every_task_is_a_tool(studio: Studio, key: Key) -> None:
    tools = in_process(studio, key, lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == [task.name for task in TASKS]
    for tool, task in zip(tools, TASKS, strict=True):
        assert tool.description == task.summary
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert list(tool.input_schema["properties"]) == [*task.inputs.model_fields, "adapter"]
        assert tool.input_schema["properties"]["adapter"]["enum"] == [adapter.name for adapter in task.adapters]
        for example in task.examples:
            jsonschema.validate(as_json(dict(example.values)), tool.input_schema)


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("case", WIRE)
def test_an_example(studio: Studio, key: Key, expected: Callable[[Good], Outputs], case: Good) -> None:
    arguments = as_json(case.values) | {"adapter": case.adapter.name}
    result = in_process(studio, key, lambda client: client.call_tool(case.task.name, arguments))
    check_result(result, case, expected(case))


@pytest.mark.usefixtures("nothing_stored")
def test_bad_input(studio: Studio, key: Key, subtests: pytest.Subtests) -> None:
    """All through one client, since connecting takes longer than a refusal."""
    cases = [(str(parameter.id), parameter.values[0]) for parameter in BAD_TYPED]

    async def call_each(client: Client) -> list[types.CallToolResult]:
        return [await client.call_tool(case.task.name, as_json(case.values)) for _, case in cases]

    for (name, case), result in zip(cases, in_process(studio, key, call_each), strict=True):
        with subtests.test(name):
            check_tool_error(result, case.field)
    assert studio.runtime.jobs.of(owner_of_headers(key)) == []


@pytest.mark.parametrize(
    ("tool", "arguments", "field"),
    [
        ("nothing", {}, None),
        ("specimen_stream", {"adapter": "nothing"}, "adapter"),
        ("specimen_stream", {"adapter": 5}, "adapter"),
        ("specimen_failure", {"way": "crash"}, None),
        ("specimen_failure", {"way": "own"}, "way"),
    ],
)
def test_an_error_is_a_result(
    studio: Studio, key: Key, tool: str, arguments: dict[str, Any], field: str | None
) -> None:
    result = in_process(studio, key, lambda client: client.call_tool(tool, arguments))
    check_tool_error(result, field)
    assert "secret" not in str(result.content)


def check_tool_error(result: types.CallToolResult, field: str | None) -> None:
    assert result.is_error
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    check_error(json.loads(content.text), field)


def test_a_run_belongs_to_the_key_of_its_caller(studio: Studio, key: Key) -> None:
    in_process(studio, key, lambda client: client.call_tool("specimen_stream", {"steps": 1}))
    assert [job.task for job in studio.runtime.jobs.of(owner_of_headers(key))] == ["specimen_stream"]


def test_a_caller_that_gives_up_cancels_its_run(studio: Studio, key: Key) -> None:
    async def give_up(client: Client) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.call_tool("specimen_stream", {"steps": 1000, "pause_s": 0.05}), timeout=1)

    in_process(studio, key, give_up)
    (job,) = studio.runtime.jobs.of(owner_of_headers(key))
    assert job.wait(5)
    assert job.state == "cancelled"


@pytest.mark.slow
def test_over_the_wire(server: Server, key: Key) -> None:
    async def main() -> tuple[types.CallToolResult, types.CallToolResult]:
        async with (
            httpx2.AsyncClient(headers=key, timeout=20) as http,
            Client(streamable_http_client(f"{server.url}/mcp", http_client=http)) as client,
        ):
            assert len((await client.list_tools()).tools) == len(TASKS)
            good = await client.call_tool("specimen_stream", {"steps": 3})
            return good, await client.call_tool("specimen_stream", {"steps": 0})

    good, bad = asyncio.run(asyncio.wait_for(main(), timeout=30))
    assert good.structured_content == {"text": "1 2 3", "step": 3}
    check_tool_error(bad, "steps")
