"""OpenAI's routes, with OpenAI's own client."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import openai
import pytest
from starlette.testclient import TestClient

from surfaces import rest
from surfaces.identity import Identity
from tests.contract.cases import CATALOGUE
from tests.contract.places import Server, Studio

EMBEDDING = next(task for task in CATALOGUE if task.embedding)
QUESTION = "Which rooms may be used for meetings?"

Connect = Callable[[], openai.OpenAI]


@pytest.fixture
def connect(client: TestClient) -> Connect:
    """A function that gives a client with a key that nobody has used."""
    return lambda: openai.OpenAI(
        base_url="http://testserver/v1", api_key=secrets.token_hex(16), http_client=client, max_retries=0
    )


def add_file(client: TestClient, key: str, topic: str, text: str) -> None:
    files = [("collection", (None, topic)), ("files", ("a.txt", text.encode()))]
    answer = client.post("/api/v1/tasks/document_index/run", files=files, headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.text


def test_models_are_the_embedders_and_the_callers_own_topics(client: TestClient, connect: Connect) -> None:
    mine, another = connect(), connect()
    add_file(client, mine.api_key, "House", "The lighthouse is 31 metres tall.")
    names = [model.id for model in mine.models.list()]
    assert names[: len(EMBEDDING.adapters)] == [adapter.name for adapter in EMBEDDING.adapters]
    assert {"rag:House", "rag:examples"} <= set(names)
    assert "rag:House" not in [model.id for model in another.models.list()]
    assert mine.models.retrieve("rag:House").owned_by == "atelier"
    with pytest.raises(openai.NotFoundError):
        another.models.retrieve("rag:House")


def test_embeddings_in_both_forms(connect: Connect) -> None:
    texts = ["The kiln is hot.", "The furnace has a high temperature.", "The roof is red."]
    name = EMBEDDING.adapters[0].name
    packed = connect().embeddings.create(model=name, input=texts)  # base64 is what the client asks for by itself
    plain = connect().embeddings.create(model=name, input=texts, encoding_format="float")
    vectors = np.array([one.embedding for one in plain.data])
    np.testing.assert_allclose([one.embedding for one in packed.data], vectors, atol=1e-6)
    assert [one.index for one in plain.data] == [0, 1, 2]
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert plain.usage.prompt_tokens > 10
    one = connect().embeddings.create(model=name, input=texts[0])
    np.testing.assert_allclose(one.data[0].embedding, vectors[0], atol=1e-5)


def test_a_chat_with_its_sources(client: TestClient, connect: Connect) -> None:
    mine = connect()
    add_file(client, mine.api_key, "House", "The lighthouse of Arden is 31 metres tall. Its keeper was Mary Cole.")
    answer = mine.chat.completions.create(
        model="rag:House",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "How tall is the lighthouse of Arden?"}]},
        ],
    )
    [choice] = answer.choices
    assert choice.finish_reason == "stop"
    assert "31 metres" in choice.message.content
    assert choice.message.content.endswith("[1] a.txt")
    [cited] = choice.message.citations
    assert (cited["collection"], cited["document"], cited["span"]) == ("House", "a.txt", [0, 42])
    more = mine.chat.completions.create(
        model="rag:House",
        messages=[
            {"role": "user", "content": "How tall is the lighthouse of Arden?"},
            {"role": "assistant", "content": choice.message.content},
            {"role": "user", "content": "And who was its keeper?"},
        ],
    )
    assert "Mary Cole" in more.choices[0].message.content
    kept = client.post(
        "/api/v1/tasks/document_chats/run", json={"inputs": {}}, headers={"authorization": f"Bearer {mine.api_key}"}
    )
    assert kept.json()["outputs"]["message"] == "No chats yet."


def test_a_streamed_chat_is_the_same(connect: Connect) -> None:
    mine = connect()
    asked: Any = {"model": "rag:examples", "messages": [{"role": "user", "content": QUESTION}]}
    whole = mine.chat.completions.create(**asked).choices[0].message.content
    chunks = list(mine.chat.completions.create(**asked, stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].choices[0].delta.citations
    assert len({chunk.id for chunk in chunks}) == 1


@pytest.mark.parametrize(
    ("asked", "error", "field"),
    [
        ({"model": "gpt-4"}, openai.NotFoundError, "model"),
        ({"model": "rag:"}, openai.NotFoundError, "model"),
        ({"model": "rag:nothing"}, openai.UnprocessableEntityError, "collection"),
        ({"messages": []}, openai.UnprocessableEntityError, "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, openai.UnprocessableEntityError, "messages"),
        ({"n": 2}, openai.UnprocessableEntityError, "n"),
        ({"tools": [{"type": "function"}]}, openai.UnprocessableEntityError, "tools"),
        ({"extra_body": {"adapter": "nobody"}}, openai.NotFoundError, "adapter"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
            openai.UnprocessableEntityError,
            "messages",
        ),
    ],
)  # fmt: skip
def test_what_a_chat_refuses(connect: Connect, asked: dict[str, Any], error: type[Exception], field: str) -> None:
    good: dict[str, Any] = {"model": "rag:examples", "messages": [{"role": "user", "content": "x"}]}
    with pytest.raises(error) as caught:
        connect().chat.completions.create(**(good | asked))
    body: Any = caught.value.body  # type: ignore[attr-defined]
    assert body["param"] == field
    assert body["message"]
    assert body["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("asked", "error", "field"),
    [
        ({"model": "nobody"}, openai.NotFoundError, "model"),
        ({"input": [[1, 2]]}, openai.UnprocessableEntityError, "input"),
        ({"input": []}, openai.UnprocessableEntityError, "texts"),
        ({"dimensions": 3}, openai.UnprocessableEntityError, "dimensions"),
    ],
)
def test_what_an_embedding_refuses(connect: Connect, asked: dict[str, Any], error: type[Exception], field: str) -> None:
    with pytest.raises(error) as caught:
        connect().embeddings.create(**({"model": EMBEDDING.adapters[0].name, "input": ["x"]} | asked))
    assert caught.value.body["param"] == field  # type: ignore[attr-defined]


def test_an_error_in_a_stream_is_raised(connect: Connect) -> None:
    asked: Any = {"model": "rag:nothing", "messages": [{"role": "user", "content": "x"}], "stream": True}
    with pytest.raises(openai.APIError, match="no such collection"):
        list(connect().chat.completions.create(**asked))


@pytest.fixture
def guarded(studio: Studio) -> Iterator[TestClient]:
    with TestClient(Identity(rest.build(studio.runtime), tokens=("sesame",))) as client:
        yield client


def test_the_access_token_is_asked_for(guarded: TestClient) -> None:
    for key, admitted in (("sesame", True), ("guess", False)):
        client = openai.OpenAI(base_url="http://testserver/v1", api_key=key, http_client=guarded, max_retries=0)
        if admitted:
            assert client.models.list().data
        else:
            with pytest.raises(openai.AuthenticationError):
                client.models.list()


@pytest.mark.slow
def test_a_stream_over_a_real_connection(server: Server) -> None:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=secrets.token_hex(16), max_retries=0)
    asked: Any = {"model": "rag:examples", "messages": [{"role": "user", "content": QUESTION}]}
    pieces = [chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**asked, stream=True)]
    assert "".join(pieces) == client.chat.completions.create(**asked).choices[0].message.content
