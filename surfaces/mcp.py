"""Every task as a tool of the Model Context Protocol, over streamable HTTP at /mcp."""

from __future__ import annotations

import asyncio
import json
from functools import cached_property
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette

from studio.contract import Outputs, Task
from studio.errors import AtelierError
from studio.fields import FieldSpec, describe
from studio.results import BoxedImage
from studio.runtime import Runtime
from surfaces.drawing import draw
from surfaces.encode import outputs_json
from surfaces.identity import owner_of_headers

_Context = ServerRequestContext[Any, Any]


def build(runtime: Runtime) -> Starlette:
    """The ASGI application that answers /mcp. Its lifespan must be entered by whoever mounts it."""
    tools = Tools(runtime)
    server: Server[Any] = Server(
        "atelier",
        title="Atelier",
        version="1",
        instructions="Deep learning tasks. Pictures, sounds, tables and files are given as data URLs.",
        on_list_tools=tools.list,
        on_call_tool=tools.call,
    )
    return server.streamable_http_app(
        json_response=True,
        stateless_http=True,
        # which host and which origin may ask is decided for all surfaces in one place, surfaces.guard
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        max_request_body_size=runtime.limits.upload_bytes * 4 // 3 + 65_536,
    )


class Tools:
    """The handlers, around one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def list(self, context: _Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """A tool for each task."""
        return types.ListToolsResult(tools=[*self._tools])

    @cached_property
    def _tools(self) -> tuple[types.Tool, ...]:
        """Made once: the protocol's library asks for the whole list before each call."""
        return tuple(_tool(task) for task in self._runtime.catalogue)

    async def call(self, context: _Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Run a task as a job; an error is a result with `is_error` and the one error shape."""
        headers = context.request.headers if context.request is not None else {}
        payload = dict(params.arguments or {})
        adapter = payload.pop("adapter", None)
        try:
            if adapter is not None:
                adapter = str(adapter)
            job = await asyncio.to_thread(
                self._runtime.submit, params.name, payload, adapter=adapter, owner=owner_of_headers(headers)
            )
            try:
                async for _ in job.follow():
                    pass
            except asyncio.CancelledError:
                job.cancel()
                raise
            if job.error is not None:
                raise job.error
        except AtelierError as error:
            text = types.TextContent(type="text", text=json.dumps(error.shape()))
            return types.CallToolResult(content=[text], is_error=True)
        assert job.outputs is not None
        return await asyncio.to_thread(_result, self._runtime.catalogue.task(params.name), job.outputs)


def _tool(task: Task) -> types.Tool:
    schema = task.inputs.model_json_schema()
    names = [adapter.name for adapter in task.adapters]
    schema["properties"] = schema.get("properties", {}) | {
        "adapter": {"enum": names, "default": names[0], "description": "which model to use"}
    }
    return types.Tool(
        name=task.name,
        title=task.title,
        description=task.summary,
        input_schema=schema,
        output_schema=task.outputs.model_json_schema(mode="serialization"),
    )


def _result(task: Task, outputs: Outputs) -> types.CallToolResult:
    """Text without the media, the media as content of their own, and all of it as structured content."""
    everything = outputs_json(outputs)
    specs = describe(task.outputs)
    text = {spec.name: everything[spec.name] for spec in specs if spec.media is None and spec.kind != "boxed_image"}
    content: list[Any] = [types.TextContent(type="text", text=json.dumps(text))]
    content += [media for spec in specs for media in _media(spec, getattr(outputs, spec.name))]
    return types.CallToolResult(content=content, structured_content=everything)


def _media(spec: FieldSpec, value: Any) -> list[Any]:
    """Pictures and sounds as MCP content; boxes are drawn."""
    if value is None:
        return []
    if isinstance(value, list):
        return [media for item in value for media in _media(spec, item)]
    if isinstance(value, BoxedImage):
        value = type(value.image).from_pil(draw(value))
    if spec.kind not in ("image", "boxed_image", "audio"):
        return []
    media_type, _, data = value.data_url().removeprefix("data:").partition(";base64,")
    if spec.kind == "audio":
        return [types.AudioContent(type="audio", data=data, mime_type=media_type)]
    return [types.ImageContent(type="image", data=data, mime_type=media_type)]
