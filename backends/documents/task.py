"""The document tasks: ask your documents, with the collections, chats and evaluation that belong to it."""

from __future__ import annotations

from pathlib import Path

from backends.documents import about
from backends.documents.fields import (
    ChatInputs,
    ChatOutputs,
    ChatsInputs,
    ChatsOutputs,
    EvaluationInputs,
    EvaluationOutputs,
    IndexInputs,
    IndexOutputs,
    LibraryInputs,
    LibraryOutputs,
    PageInputs,
    PageOutputs,
    SearchInputs,
    SearchOutputs,
)
from backends.documents.text_fields import EmbeddingInputs, EmbeddingOutputs, RankingInputs, RankingOutputs
from studio.contract import Adapter, Chat, Embedding, Example, Task

_EXAMPLES = Path(__file__).parent / "examples"
_SECTION = "Text"

_MINILM = Adapter(
    name="minilm",
    title="all-MiniLM-L6-v2, extractive",
    entry="backends.documents.models:MiniLm",
    weights="minilm",
    memory_mb=450,
    licence="Apache-2.0",
    source="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    kind="package",
    concurrency=4,
    quality="XQuAD-en, 423 held-out questions, right passage given: answer in the marked sentence 0.82; all 1,190: "
    "right passage first 0.956; Cranfield nDCG@10 0.455 (python -m bench.quality retrieval answers)",
    limits="Made for English. Quotes sentences and does not reason: what has to be put together from several places is "
    "not found. A passage's first 256 tokens are what it sees.",
)

_ENDPOINT = Adapter(
    name="endpoint",
    title="Language model on another server",
    entry="backends.documents.endpoint:EndpointChat",
    weights="endpoint",
    memory_mb=20,
    licence="that of the model on the server",
    source="https://platform.openai.com/docs/api-reference/chat",
    kind="endpoint",
    concurrency=16,
    limits="A language model may say what no passage says: look at the sources. The question and the passages leave "
    "this machine where the server is elsewhere.",
)

_LOCAL = Adapter(
    name="qwen",
    title="Qwen2.5 0.5B Instruct, on this machine",
    entry="backends.documents.local_lm:LocalChat",
    weights="qwen",
    memory_mb=2_600,
    licence="Apache-2.0",
    source="https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct",
    kind="hub",
    devices=("cuda", "cpu"),
    gpu_memory_mb=3_000,
    limits="A very small language model: it mixes things up, and may say what no passage says. Look at the sources.",
)

_BGE = Adapter(
    name="bge_small",
    title="bge-small-en-v1.5",
    entry="backends.documents.models:BgeSmall",
    weights="bge_small",
    memory_mb=500,
    licence="MIT",
    source="https://huggingface.co/BAAI/bge-small-en-v1.5",
    kind="hub",
    devices=("cuda", "mps", "cpu"),
    concurrency=4,
    limits="Made for English. Whether the documents answer at all is judged by a model fitted to MiniLM.",
)

_CROSS_ENCODER = Adapter(
    name="cross_encoder",
    title="ms-marco-MiniLM-L6-v2, a cross-encoder",
    entry="backends.documents.ranking:CrossEncoderRanking",
    weights="cross_encoder",
    memory_mb=450,
    licence="Apache-2.0",
    source="https://huggingface.co/cross-encoder/ms-marco-MiniLM-L6-v2",
    kind="hub",
    devices=("cuda", "mps", "cpu"),
    limits="Trained on English web searches. Reads 512 tokens of question and text together.",
)

_KEEPER = Adapter(
    name="keeper",
    title="Your own folder",
    entry="backends.documents.keeper:Keeper",
    memory_mb=0,
    licence="none needed: no model",
    source="SQLite, https://sqlite.org",
    kind="embedded",
    concurrency=4,
)

document_chat = Task(
    name="document_chat",
    title="Ask your documents",
    section=_SECTION,
    summary="Drop files, ask, and get the answer with the very place that it comes from.",
    inputs=ChatInputs,
    outputs=ChatOutputs,
    examples=(
        Example(
            title="The highest temperature of the kiln",
            values={"question": "What is the highest temperature of the kiln?"},
        ),
        Example(title="What was decided about the roof?", values={"question": "What was decided about the roof?"}),
        Example(title="Something they don't say", values={"question": "Who won the football world cup in 1954?"}),
    ),
    adapters=(_MINILM, _ENDPOINT, _LOCAL),
    how_it_works=about.CHAT,
    stores=True,
    chat=Chat(
        message="question",
        topic="collection",
        thread="chat",
        history="history",
        answer="answer",
        sources="citations",
        model="rag",
        threads="document_chats",
        topics="document_library",
        upload="document_index",
        place="document_page",
    ),
    keywords=("RAG", "retrieval", "question answering", "search", "PDF", "citations", "documents", "chat"),
)

document_index = Task(
    name="document_index",
    title="Add files",
    section=_SECTION,
    summary="PDF, Word, PowerPoint, EPUB, HTML, Markdown, CSV or text into a collection of your own.",
    inputs=IndexInputs,
    outputs=IndexOutputs,
    examples=(
        Example(
            title="A manual and a price list",
            values={
                "collection": "Workshop",
                "files": [_EXAMPLES / "kiln_manual.pdf", _EXAMPLES / "prices.csv"],
            },
        ),
    ),
    adapters=(_MINILM, _BGE),
    how_it_works=about.INDEX,
    stores=True,
    part_of="document_chat",
)

document_library = Task(
    name="document_library",
    title="Collections",
    section=_SECTION,
    summary="See what is in your collections, rename them, remove files, delete them.",
    inputs=LibraryInputs,
    outputs=LibraryOutputs,
    examples=(Example(title="List the collections", values={"action": "list"}),),
    adapters=(_KEEPER,),
    how_it_works=about.LIBRARY,
    stores=True,
    part_of="document_chat",
)

document_chats = Task(
    name="document_chats",
    title="Chats",
    section=_SECTION,
    summary="Your conversations: look at them again, rename, export as Markdown, delete.",
    inputs=ChatsInputs,
    outputs=ChatsOutputs,
    examples=(Example(title="List the chats", values={"action": "list"}),),
    adapters=(_KEEPER,),
    how_it_works=about.LIBRARY,
    stores=True,
    part_of="document_chat",
)

document_page = Task(
    name="document_page",
    title="A place in a document",
    section=_SECTION,
    summary="The page that a citation names, with the passage marked.",
    inputs=PageInputs,
    outputs=PageOutputs,
    examples=(
        Example(
            title="The first lines of the manual",
            values={"document": "kiln_manual.pdf", "page_index": 0, "start": 0, "end": 60},
        ),
    ),
    adapters=(_MINILM,),
    how_it_works=about.PAGE,
    stores=True,
    part_of="document_chat",
)

document_search = Task(
    name="document_search",
    title="Search only",
    section=_SECTION,
    summary="The passages that fit a question best, without an answer.",
    inputs=SearchInputs,
    outputs=SearchOutputs,
    examples=(Example(title="Opening hours", values={"question": "opening hours", "passages": 3}),),
    adapters=(_MINILM, _BGE),
    how_it_works=about.SEARCH,
    part_of="document_chat",
)

document_evaluation = Task(
    name="document_evaluation",
    title="Evaluation",
    section=_SECTION,
    summary="Your own questions with known answers: how often the right place is found, two ways side by side.",
    inputs=EvaluationInputs,
    outputs=EvaluationOutputs,
    examples=(Example(title="Eight questions about the examples", values={"questions": _EXAMPLES / "questions.csv"}),),
    adapters=(_MINILM,),
    how_it_works=about.EVALUATION,
    part_of="document_chat",
)

text_embedding = Task(
    name="text_embedding",
    title="Text embedding",
    section=_SECTION,
    summary="Texts as vectors: those that mean the same lie close together.",
    inputs=EmbeddingInputs,
    outputs=EmbeddingOutputs,
    examples=(
        Example(
            title="Three sentences",
            values={
                "texts": [
                    "The kiln is hot.",
                    "The furnace has reached a high temperature.",
                    "The roof is repaired in June.",
                ]
            },
        ),
    ),
    adapters=tuple(adapter.model_copy(update={"batch": 16}) for adapter in (_MINILM, _BGE)),
    how_it_works=about.EMBEDDING,
    embedding=Embedding(texts="texts", vectors="vectors", tokens="tokens"),
    keywords=("sentence-transformers", "vectors", "similarity", "semantic search"),
)

text_ranking = Task(
    name="text_ranking",
    title="Text ranking",
    section=_SECTION,
    summary="A question and some texts: which of them answers it best.",
    inputs=RankingInputs,
    outputs=RankingOutputs,
    examples=(
        Example(
            title="How hot does the kiln get?",
            values={
                "question": "How hot does the kiln get?",
                "texts": [
                    "The kiln stands in the cellar.",
                    "The kiln reaches at most 1,280 °C.",
                    "Firing takes nine hours.",
                ],
            },
        ),
    ),
    adapters=(_MINILM, _CROSS_ENCODER),
    how_it_works=about.RANKING,
    keywords=("reranker", "cross-encoder", "relevance", "semantic search"),
)

TASKS = (
    document_chat,
    document_index,
    document_library,
    document_chats,
    document_page,
    document_search,
    document_evaluation,
    text_embedding,
    text_ranking,
)
