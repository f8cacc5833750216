"""The inputs and outputs of the document tasks."""

from __future__ import annotations

import mimetypes
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo

from backends.documents.endings import ENDINGS
from backends.documents.parsers.kinds import kind_of_file
from studio.contract import Inputs, Outputs, Ui
from studio.errors import InvalidInput
from studio.media.base import Limits
from studio.media.file import File
from studio.media.table import Table
from studio.results import BoxedImage, Kind, Markdown, Message, Plot, Source

#: The collection that everybody has: it is filled with the family's example files when it is first asked for.
EXAMPLES = "examples"


class DocumentFile(File):
    """A file for a collection. One that cannot be read is taken too, and named among the results."""

    noun: ClassVar[str] = "a document"

    @classmethod
    def load(cls, value: Any, limits: Limits | None = None) -> Self:
        """As `Media.load`, without the refusal of an empty file; one without a name is named by its media type."""
        if isinstance(value, cls):
            return value
        blob = cls._blob(value, limits or Limits())
        if not blob.name and isinstance(value, str):
            ending = mimetypes.guess_extension(value[5:].partition(";")[0].partition(",")[0])
            blob = replace(blob, name=f"document{ending or ''}")
        return super().load(blob, limits) if blob.size else cls(b"", blob.name)


def _some_readable(files: list[DocumentFile], info: ValidationInfo) -> list[DocumentFile]:
    """The files, if one of them at least looks like a document. Raises the first one's error."""
    first: InvalidInput | None = None
    for file in files:
        try:
            kind_of_file(file.data, file.name, Limits.among(info.context))
        except InvalidInput as fault:
            first = first or fault
        else:
            return files
    if first is not None:
        raise first
    return files


CollectionName = Annotated[
    str,
    Field(
        title="Collection",
        description="The documents that are asked together. Yours alone; nobody else sees it.",
        min_length=1,
        max_length=80,
    ),
]
ChatId = Annotated[
    str,
    Field(title="Chat", description="Goes on with this chat; empty starts a new one.", max_length=64),
    Ui(advanced=True),
]
Hybrid = Annotated[
    bool,
    Field(title="Words too", description="Search by words (BM25) as well as by meaning."),
    Ui(advanced=True),
]
Passages = Annotated[
    int,
    Field(title="Passages", description="How many passages are read for an answer.", ge=1, le=20),
    Ui(advanced=True),
]
ChunkTokens = Annotated[
    int,
    Field(title="Passage length", description="The most that a passage may have.", ge=32, le=500),
    Ui(unit="tokens", advanced=True),
]
OverlapTokens = Annotated[
    int,
    Field(title="Overlap", description="What a passage repeats of the one before, in whole sentences.", ge=0, le=200),
    Ui(unit="tokens", advanced=True),
]


class Citation(Source):
    """Where an answer comes from.

    Attributes:
        collection: where the document is.
        document: the file's name in the collection.
        page: as people count it; None in a format that has no pages.
        page_index: which of the document's pages, from 0.
        span: characters of the page's text that the quote is, [start, end).
        passage_span: those of the passage around it.
        headings: what the passage stands under, outermost first.
        passage: the passage; its sentence that answers, or the best, is the quote.
        score: how well the quote answers, 0..1.
    """

    collection: str
    document: str
    page: int | None
    page_index: int
    span: tuple[int, int]
    passage_span: tuple[int, int]
    headings: list[str]
    passage: str
    score: float

    @property
    def title(self) -> str:
        """Document, page and headings."""
        page = f", page {self.page}" if self.page is not None else ""
        return f"{self.document}{page}" + (f" ({' > '.join(self.headings)})" if self.headings else "")

    @property
    def place(self) -> dict[str, Any]:
        """As `PageInputs` has it."""
        start, end = self.span
        return {
            "collection": self.collection,
            "document": self.document,
            "page_index": self.page_index,
            "start": start,
            "end": end,
        }


SearchModel = Annotated[
    Literal["minilm", "bge_small"],
    Field(title="Search model", description="What finds the passages: an adapter of the task document_search."),
    Ui(advanced=True),
]
Rerank = Annotated[
    bool,
    Field(
        title="Read the candidates again",
        description="A cross-encoder puts the best 30 passages in order: slower, and its weights must be here.",
    ),
    Ui(advanced=True),
]


class ChatInputs(Inputs):
    """A question to a collection."""

    collection: CollectionName = EXAMPLES
    question: Annotated[
        str,
        Field(
            title="Question",
            description="What you want to know. A follow-up may leave out what was said before.",
            min_length=1,
            max_length=2_000,
        ),
        Ui(lines=2, placeholder="Ask your documents"),
    ]
    chat: ChatId = ""
    history: Annotated[
        list[Message] | None,
        Field(
            title="History",
            description="The turns before, for a program that keeps them on its own; then no chat is kept here.",
            max_length=100,
        ),
        Kind("json"),
        Ui(advanced=True),
    ] = None
    passages: Passages = 5
    hybrid: Hybrid = True
    search_model: SearchModel = "minilm"
    rerank: Rerank = False


class ChatOutputs(Outputs):
    """The answer and where it comes from."""

    answer: Annotated[Markdown, Field(title="Answer", description="Each statement ends with the number of its source.")]
    found: Annotated[bool, Field(title="In the documents", description="Whether the documents answer the question.")]
    citations: Annotated[
        list[Citation],
        Field(
            title="Sources",
            description="Document, page, the characters of the page's text that are quoted, and the passage around.",
        ),
    ]
    searched: Annotated[
        str,
        Field(title="Searched for", description="The question as it was searched, with what it refers to."),
    ]
    chat: Annotated[
        str, Field(title="Chat", description="Send it with the next question to go on; empty where none is kept.")
    ]


class IndexInputs(Inputs):
    """Files for a collection."""

    collection: CollectionName = "My documents"
    files: Annotated[
        list[DocumentFile],
        Field(
            title="Files",
            description="PDF, Word, PowerPoint, EPUB, HTML, Markdown, CSV or text.",
            min_length=1,
            max_length=200,
        ),
        AfterValidator(_some_readable),
        Ui(accept=ENDINGS),
    ]
    chunk_tokens: ChunkTokens = 250
    overlap_tokens: OverlapTokens = 50


class IndexOutputs(Outputs):
    """What became of the files."""

    message: Annotated[str, Field(title="Result", description="What was done.")]
    collection: Annotated[str, Field(title="Collection", description="The collection's name.")]
    added: Annotated[int, Field(title="Added", description="Files added by this call.")]
    passages: Annotated[int, Field(title="Passages", description="Passages of the whole collection.")]
    files: Annotated[
        Table,
        Field(
            title="Files",
            description="Each file with what became of it: added, known (it was there already) or failed, and why.",
        ),
    ]
    notes: Annotated[list[str], Field(title="Notes", description="What was not ideal.")]


class LibraryInputs(Inputs):
    """What to do with your collections."""

    action: Annotated[
        Literal["list", "files", "rename", "remove file", "delete"],
        Field(
            title="Action",
            description="List the collections or the files of one, rename one, remove a file, or delete a collection.",
        ),
    ] = "list"
    collection: Annotated[
        str, Field(title="Collection", description="The collection; not needed to list them all.", max_length=80)
    ] = ""
    new_name: Annotated[str, Field(title="New name", description="For renaming only.", max_length=80)] = ""
    document: Annotated[
        str, Field(title="File", description="The file to remove, by its name in the collection.", max_length=400)
    ] = ""


class LibraryOutputs(Outputs):
    """Your collections, or the files of one, after the action."""

    message: Annotated[str, Field(title="Result", description="What was done.")]
    table: Annotated[Table, Field(title="Collections or files", description="As they are now. Times are UTC.")]


class ChatsInputs(Inputs):
    """What to do with your chats."""

    action: Annotated[
        Literal["list", "new", "show", "rename", "export", "delete"],
        Field(title="Action", description="List your chats, start one, show, rename, export or delete one."),
    ] = "list"
    chat: Annotated[str, Field(title="Chat", description="Its id; not needed to list or start.", max_length=64)] = ""
    title: Annotated[str, Field(title="Title", description="For a new chat, or for renaming.", max_length=120)] = ""


class ChatsOutputs(Outputs):
    """Your chats after the action."""

    message: Annotated[str, Field(title="Result", description="What was done.")]
    chat: Annotated[str, Field(title="Chat", description="The id of the chat that it was done to; empty for a list.")]
    collection: Annotated[str, Field(title="Collection", description="What was asked last in the chat.")]
    chats: Annotated[Table, Field(title="Chats", description="All your chats, the latest first. Times are UTC.")]
    messages: Annotated[list[Message], Field(title="Conversation", description="What was said in the chat.")]
    export: Annotated[
        File | None, Field(title="Export", description="The chat with its sources as Markdown; only for an export.")
    ] = None


class PageInputs(Inputs):
    """A place in a document."""

    collection: CollectionName = EXAMPLES
    document: Annotated[
        str, Field(title="File", description="Its name in the collection.", min_length=1, max_length=400)
    ]
    page_index: Annotated[
        int, Field(title="Page", description="Which of its pages, counted from 0.", ge=0, le=100_000)
    ] = 0
    start: Annotated[int, Field(title="From", description="First character of the passage.", ge=0)] = 0
    end: Annotated[int, Field(title="To", description="The character after its last one.", ge=0)] = 0


class PageOutputs(Outputs):
    """The page with the passage marked."""

    place: Annotated[str, Field(title="Place", description="Document, page and headings.")]
    page: Annotated[
        BoxedImage | None, Field(title="Page", description="A picture of the page, the passage marked; of a PDF only.")
    ] = None
    text: Annotated[Markdown, Field(title="Text", description="The passage in bold, with the text around it.")]


class SearchInputs(Inputs):
    """A question whose passages are wanted, without an answer."""

    collection: CollectionName = EXAMPLES
    question: Annotated[
        str,
        Field(title="Question", description="What to search for.", min_length=1, max_length=2_000),
        Ui(lines=2),
    ]
    passages: Annotated[int, Field(title="Passages", description="How many are wanted.", ge=1, le=50)] = 10
    hybrid: Hybrid = True
    rerank: Rerank = False


class SearchOutputs(Outputs):
    """The passages."""

    passages: Annotated[
        list[Citation], Field(title="Passages", description="Best first; the quote is the passage's best sentence.")
    ]
    relevance: Annotated[
        float,
        Field(title="Relevance", description="How likely it is that the collection answers the question, 0 to 1."),
    ]
    how: Annotated[str, Field(title="Search", description="How many passages were searched, and in which way.")]


class EvaluationInputs(Inputs):
    """Questions whose answers are known, and two ways to search."""

    collection: CollectionName = EXAMPLES
    questions: Annotated[
        Table,
        Field(
            title="Questions",
            description="A CSV with the columns question and at least one of answer (several separated by |) and "
            "document (the file's name in the collection).",
        ),
    ]
    hybrid: Annotated[bool, Field(title="A: words too", description="Search by words as well as by meaning.")] = True
    chunk_tokens: Annotated[
        int,
        Field(title="A: passage length", description="0 leaves the collection as it is.", ge=0, le=500),
        Ui(unit="tokens"),
    ] = 0
    rerank: Annotated[
        bool, Field(title="A: read the candidates again", description="By a cross-encoder; its weights must be here.")
    ] = False
    other_hybrid: Annotated[bool, Field(title="B: words too", description="The same for the other way.")] = False
    other_chunk_tokens: Annotated[
        int,
        Field(title="B: passage length", description="The same for the other way.", ge=0, le=500),
        Ui(unit="tokens"),
    ] = 0
    other_rerank: Annotated[
        bool, Field(title="B: read the candidates again", description="The same for the other way.")
    ] = False


class EvaluationOutputs(Outputs):
    """How well both ways find and answer."""

    message: Annotated[str, Field(title="Result", description="Which of both is better, if either is.")]
    metrics: Annotated[Table, Field(title="Figures", description="One row per figure, a column for each way.")]
    plot: Annotated[Plot, Field(title="Comparison", description="The figures of both ways.")]
    misses: Annotated[
        Table, Field(title="Misses", description="Questions whose document was not first, or whose answer was wrong.")
    ]
