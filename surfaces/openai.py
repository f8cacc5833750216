"""OpenAI's routes over the tasks that declare them: models, embeddings, chat completions.

`Task.embedding` and `Task.chat` say which fields of a task are a route's. Clients written for OpenAI work unchanged
with the address `http://HOST:PORT/v1`; their key is the owner whose conversations, topics and jobs they see. Errors
have OpenAI's shape, with what was expected and a hint beside it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from studio.contract import Chat, Embedding, Outputs, Task
from studio.errors import AtelierError, InvalidInput, NotFound
from studio.jobs import Job
from studio.results import Source
from studio.runtime import Runtime
from surfaces.identity import owner_of_headers
from surfaces.requests import finished, limited

Answer = Callable[[Request], Awaitable[Response]]

#: What would change an answer and is not done here: refused, not passed over.
_NOT_DONE = {"tools": (None, []), "functions": (None, []), "n": (None, 1), "logprobs": (None, False)}


def add_routes(app: FastAPI, runtime: Runtime) -> None:
    """Put the routes into an application."""
    routes = OpenAiRoutes(runtime)
    app.add_route("/v1/models", _in_their_shape(routes.models))
    app.add_route("/v1/models/{model:path}", _in_their_shape(routes.model))
    app.add_route("/v1/embeddings", _in_their_shape(routes.embeddings), methods=["POST"])
    app.add_route("/v1/chat/completions", _in_their_shape(routes.completions), methods=["POST"])


def _in_their_shape(handle: Answer) -> Answer:
    """A handler whose errors are answered as OpenAI's clients read them."""

    async def answered(request: Request) -> Response:
        try:
            return await handle(request)
        except AtelierError as error:
            return JSONResponse(_error(error), status_code=error.status)

    return answered


def _error(error: AtelierError) -> dict[str, Any]:
    kind = "invalid_request_error" if error.status < 500 else "server_error"
    return {"error": error.shape() | {"message": error.message, "type": kind, "param": error.field, "code": None}}


class OpenAiRoutes:
    """The handlers, around one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def models(self, request: Request) -> Response:
        """GET /v1/models: the embedding models, and one `<model>:<topic>` for each topic that the caller has."""
        names = await asyncio.to_thread(self._names, owner_of_headers(request.headers))
        return JSONResponse({"object": "list", "data": [_model(name) for name in names]})

    async def model(self, request: Request) -> Response:
        """GET /v1/models/{model}: one of them."""
        name = request.path_params["model"]
        names = await asyncio.to_thread(self._names, owner_of_headers(request.headers))
        if name not in names:
            raise _no_model(name, names)
        return JSONResponse(_model(name))

    async def embeddings(self, request: Request) -> Response:
        """POST /v1/embeddings: a vector for each text of `input`."""
        body = await self._body(request)
        task, embedding, adapter = self._embedder(_text(body, "model"))
        texts = body.get("input")
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise InvalidInput(
                "The input is neither a text nor a list of texts.",
                field="input",
                expected="text; lists of tokens are not taken",
                got=type(body.get("input")).__name__,
            )
        payload = {embedding.texts: texts}
        outputs = await self._finished(await self._submit(task, payload, adapter, request), request)
        vectors = getattr(outputs, embedding.vectors)
        _check_dimensions(body.get("dimensions"), vectors)
        packed = body.get("encoding_format") == "base64"
        tokens = getattr(outputs, embedding.tokens)
        return JSONResponse(
            {
                "object": "list",
                "model": adapter,
                "data": [
                    {"object": "embedding", "index": index, "embedding": _packed(vector) if packed else vector}
                    for index, vector in enumerate(vectors)
                ],
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            }
        )

    async def completions(self, request: Request) -> Response:
        """POST /v1/chat/completions: the last user message answered from the topic that `model` names.

        `adapter` in the body chooses who answers. Sampling settings and system messages have no effect.
        """
        body = await self._body(request)
        for name, harmless in _NOT_DONE.items():
            if body.get(name) not in harmless:
                raise InvalidInput(f"{name} is not supported.", field=name, expected="left out", got="something else")
        task, chat, topic = self._conversation(_text(body, "model"))
        *before, last = _messages(body.get("messages"))
        payload = {chat.topic: topic, chat.message: last["content"], chat.history: before}
        job = await self._submit(task, payload, body.get("adapter"), request)
        if body.get("stream"):
            return EventSourceResponse(_chunks(job, chat, body["model"]), sep="\n")
        outputs = await self._finished(job, request)
        message = {"role": "assistant", "content": _told(outputs, chat), "citations": _citations(outputs, chat)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return JSONResponse(_completion(job, body["model"], "chat.completion", choice))

    async def _body(self, request: Request) -> dict[str, Any]:
        limit = self._runtime.limits.upload_bytes
        try:
            body = json.loads(await limited(request, limit, limit).body())
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as fault:
            raise InvalidInput("The body is not JSON.", expected="a JSON object", got=str(fault)[:80]) from fault
        if not isinstance(body, dict):
            raise InvalidInput("The body is not a JSON object.", expected="{...}", got=type(body).__name__)
        return body

    async def _submit(self, task: Task, payload: Mapping[str, Any], adapter: Any, request: Request) -> Job:
        if adapter is not None and not isinstance(adapter, str):
            raise InvalidInput(
                "The adapter is not a name.", field="adapter", expected="text", got=type(adapter).__name__
            )
        owner = owner_of_headers(request.headers)
        return await asyncio.to_thread(self._runtime.submit, task.name, payload, adapter=adapter, owner=owner)

    async def _finished(self, job: Job, request: Request) -> Outputs:
        await finished(job, request)
        if job.error is not None:
            raise job.error
        assert job.outputs is not None
        return job.outputs

    def _names(self, owner: str) -> list[str]:
        embedders = [adapter.name for task in self._runtime.catalogue if task.embedding for adapter in task.adapters]
        return embedders + [
            f"{task.chat.model}:{topic}"
            for task in self._runtime.catalogue
            if task.chat
            for topic in self._topics(task, task.chat, owner)
        ]

    def _topics(self, task: Task, chat: Chat, owner: str) -> list[str]:
        """The caller's own, and the one that everybody has."""
        outputs: Any = self._runtime.run_frame(chat.topics, {"action": "list"}, owner=owner)
        names = [str(name) for name in outputs.table.frame.iloc[:, 0]]
        default = task.inputs.model_fields[chat.topic].default
        return list(dict.fromkeys([*names, *([default] if isinstance(default, str) else [])]))

    def _embedder(self, model: str) -> tuple[Task, Embedding, str]:
        known = []
        for task in self._runtime.catalogue:
            if task.embedding:
                if task.adapter(model):
                    return task, task.embedding, model
                known += [adapter.name for adapter in task.adapters]
        raise _no_model(model, known)

    def _conversation(self, model: str) -> tuple[Task, Chat, str]:
        kind, _, topic = model.partition(":")
        known = []
        for task in self._runtime.catalogue:
            if task.chat:
                if task.chat.model == kind and topic:
                    return task, task.chat, topic
                known.append(f"{task.chat.model}:NAME")
        raise _no_model(model, known)


def _no_model(model: str, known: Sequence[str]) -> NotFound:
    return NotFound(
        f"There is no model {model[:80]!r}.",
        field="model",
        expected=f"one of {', '.join(known)[:300]}" if known else "a model; there is none",
        got=model[:80],
        hint="GET /v1/models lists them.",
    )


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "atelier"}


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{name} is missing.", field=name, expected="text", got=type(value).__name__)
    return value


def _messages(given: Any) -> list[dict[str, str]]:
    """The turns, the question last; system messages are left out."""
    fault = InvalidInput(
        "The messages do not end with a question.",
        field="messages",
        expected='[{"role": "user", "content": "..."}], the last one a user\'s',
        got=f"{len(given)} items" if isinstance(given, list) else type(given).__name__,
    )
    if not isinstance(given, list) or not all(isinstance(message, dict) for message in given):
        raise fault
    turns = [
        {"role": message["role"], "content": _content(message.get("content"))}
        for message in given
        if message.get("role") in ("user", "assistant")
    ]
    if not turns or turns[-1]["role"] != "user":
        raise fault
    return turns


def _content(content: Any) -> str:
    """A message's text; pictures and other parts are refused."""
    if content is None:
        return ""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(parts, list) or not all(isinstance(p, dict) and isinstance(p.get("text"), str) for p in parts):
        raise InvalidInput("A message is not text.", field="messages", expected="text", got="another kind of content")
    return "\n".join(part["text"] for part in parts)


def _told(outputs: Any, chat: Chat) -> str:
    """The answer, and what its numbers stand for."""
    sources: Sequence[Source] = getattr(outputs, chat.sources)
    listed = "\n".join(f"[{source.number}] {source.title}" for source in sources)
    answer: str = getattr(outputs, chat.answer)
    return f"{answer}\n\n{listed}" if listed else answer


def _citations(outputs: Any, chat: Chat) -> list[Any]:
    return [source.model_dump(mode="json") for source in getattr(outputs, chat.sources)]


def _completion(job: Job, model: str, kind: str, choice: Mapping[str, Any] | None) -> dict[str, Any]:
    choices = [] if choice is None else [choice]
    return {"id": f"chatcmpl-{job.id}", "object": kind, "created": int(time.time()), "model": model, "choices": choices}


async def _chunks(job: Job, chat: Chat, model: str) -> AsyncIterator[ServerSentEvent]:
    """The answer as it grows, the sources at its end; the job is cancelled where nobody listens any more."""

    def chunk(delta: Mapping[str, Any], reason: str | None = None) -> ServerSentEvent:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return ServerSentEvent(data=json.dumps(_completion(job, model, "chat.completion.chunk", choice)))

    sent = ""
    try:
        yield chunk({"role": "assistant", "content": ""})
        async for state in job.follow():
            if state.error is not None:
                yield ServerSentEvent(data=json.dumps(_error(state.error)))
                return
            if state.outputs is None:
                continue
            answer = _told(state.outputs, chat) if state.finished else getattr(state.outputs, chat.answer)
            if len(answer) > len(sent):
                yield chunk({"content": answer[len(sent) :]})
                sent = answer
        yield chunk({"citations": _citations(job.outputs, chat)}, "stop")
        yield ServerSentEvent(data="[DONE]")
    finally:
        job.cancel()


def _check_dimensions(wanted: Any, vectors: Sequence[Sequence[float]]) -> None:
    if wanted not in (None, len(vectors[0])):
        raise InvalidInput(
            "This model's vectors cannot be shortened.",
            field="dimensions",
            expected=str(len(vectors[0])),
            got=str(wanted)[:40],
        )


def _packed(vector: Sequence[float]) -> str:
    """32-bit floats, little endian, in base64: what OpenAI's own client asks for."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
