"""The tasks through a runtime of real families, with an embedding model without weights: what each call answers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest
from pydantic import ValidationError

from backends.documents.evidence import Judge, Reader
from backends.documents.fields import (
    ChatInputs,
    ChatsInputs,
    DocumentFile,
    EvaluationInputs,
    IndexInputs,
    LibraryInputs,
    PageInputs,
    SearchInputs,
)
from backends.documents.keeper import Keeper
from backends.documents.operations import Documents
from backends.documents.text_fields import EmbeddingInputs
from studio.contract import Inputs
from studio.errors import InvalidInput, TooLarge
from studio.media.base import Blob
from studio.media.table import Table
from studio.weights import Weights
from tests.backends.documents.conftest import EXAMPLES, Call, WordEmbedder
from tests.conftest import ROOT

Do = Callable[[Inputs], Any]

MOON = b"# Moons\n\nMars has two moons, Phobos and Deimos. They were found in 1877 by Asaph Hall.\n"
TEA = b"Green tea is steeped for two minutes at 80 degrees. Black tea needs boiling water.\n"


@pytest.fixture
def do(call: Call) -> Do:
    documents, keeper = Documents(WordEmbedder()), Keeper(Weights({}), "cpu")  # type: ignore[arg-type]

    def act(inputs: Inputs) -> Any:
        return (keeper if isinstance(inputs, LibraryInputs | ChatsInputs) else documents)(inputs, call)

    return act


def files(**named: bytes) -> list[DocumentFile]:
    return [DocumentFile(data, name.replace("_", ".")) for name, data in named.items()]


@pytest.fixture
def things(do: Do) -> Do:
    do(IndexInputs(collection="Things", files=files(moon_md=MOON, tea_txt=TEA)))
    return do


def test_files_are_added_and_told(do: Do) -> None:
    made = do(IndexInputs(collection=" Things ", files=files(moon_md=MOON, empty_txt=b"", again_md=MOON)))
    assert made.message == "1 file added to Things, 1 there already, 1 could not be read."
    assert (made.added, made.passages) == (1, 1)
    assert made.files.frame["result"].tolist() == ["added", "failed", "known"]
    assert made.notes == ["empty.txt: The file is empty."]


def test_where_no_file_can_be_read_the_first_ones_error_is_told(do: Do) -> None:
    with pytest.raises(InvalidInput, match=r"b\.pdf: The PDF is damaged\. None of the 2 files") as caught:
        do(IndexInputs(collection="Things", files=files(b_pdf=b"%PDF-1.7 broken", empty_txt=b"")))
    assert caught.value.field == "files"
    assert do(LibraryInputs()).message == "No collections yet."
    with pytest.raises(TooLarge):
        do(IndexInputs(files=files(a_csv=b"a,b\n" + b"1,2\n" * 900_000)))


def test_an_empty_upload_is_taken_to_be_told_about() -> None:
    assert DocumentFile.load(Blob("a.txt", b"")).data == b""
    assert DocumentFile.load(Blob("a.txt", b"x")).name == "a.txt"


def test_a_data_url_carries_a_files_name_or_its_type() -> None:
    assert DocumentFile.load("data:text/csv;name=my%20prices.csv;base64,YSxi").name == "my prices.csv"
    assert DocumentFile.load("data:text/csv;base64,YSxi").name == "document.csv"
    assert DocumentFile.load("data:,a").name == "document"
    assert DocumentFile.load("data:,").data == b""


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [(b"", "a.txt", "empty"), (b"words", "a.pdf", "no PDF"), (b"PK\x03\x04", "a.docx", "zip")],
)
def test_files_of_which_none_looks_like_a_document_are_refused_at_once(data: bytes, name: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        IndexInputs(files=[DocumentFile(data, name)])
    assert len(IndexInputs(files=[DocumentFile(data, name), DocumentFile(b"words", "b.txt")]).files) == 2


def test_an_answer_with_its_place(things: Do) -> None:
    made = things(ChatInputs(collection="things", question="How many moons has Mars?"))
    assert made.found
    assert made.answer.startswith("Moons **Mars has two moons, Phobos and Deimos.**")
    [first, *_] = made.citations
    assert (first.document, first.page, first.quote) == ("moon.md", None, "Mars has two moons, Phobos and Deimos.")
    assert first.headings == ["Moons"]
    page = things(PageInputs(collection="Things", document="moon.md", start=first.span[0], end=first.span[1]))
    assert f"**{first.quote}**" in page.text
    assert page.page is None


def test_what_the_documents_do_not_say(things: Do) -> None:
    made = things(ChatInputs(collection="Things", question="Who won the football world cup?"))
    assert not made.found
    assert made.answer.startswith("The documents don't say.")
    assert made.citations


def test_a_chat_goes_on(things: Do, call: Call) -> None:
    first = things(ChatInputs(collection="Things", question="How many moons has Mars?"))
    second = things(ChatInputs(collection="Things", question="Who found them?", chat=first.chat))
    assert second.chat == first.chat
    assert second.searched.startswith("Who found them? (Mars moons")
    assert "Asaph Hall" in second.citations[0].quote
    shown = things(ChatsInputs(action="show", chat=first.chat))
    assert [message.role for message in shown.messages] == ["user", "assistant"] * 2
    exported = things(ChatsInputs(action="export", chat=first.chat)).export
    assert exported.name == "How many moons has Mars.md"
    assert "moon.md (Moons): “Mars has two moons" in exported.data.decode()
    assert things(ChatsInputs(action="rename", chat=first.chat, title="Moons")).chats.frame["title"].tolist() == [
        "Moons"
    ]
    assert things(ChatsInputs(action="delete", chat=first.chat)).message == "Moons is deleted."
    with pytest.raises(InvalidInput, match="no such chat"):
        things(ChatInputs(collection="Things", question="Who?", chat=first.chat))
    assert things(ChatsInputs(action="new", title="Next")).chats.frame["messages"].tolist() == [0]


def test_collections_are_kept(things: Do) -> None:
    assert things(LibraryInputs()).table.frame["collection"].tolist() == ["Things"]
    assert things(LibraryInputs(action="files", collection="Things")).table.frame["file"].tolist() == [
        "moon.md",
        "tea.txt",
    ]
    assert (
        things(LibraryInputs(action="rename", collection="Things", new_name="Facts")).message == "Things is now Facts."
    )
    removed = things(LibraryInputs(action="remove file", collection="Facts", document="tea.txt"))
    assert removed.table.frame["file"].tolist() == ["moon.md"]
    assert (
        things(LibraryInputs(action="delete", collection="facts")).message == "Facts and everything in it is deleted."
    )
    for inputs, field in (
        (LibraryInputs(action="files"), "collection"),
        (LibraryInputs(action="files", collection="x"), "collection"),
    ):
        with pytest.raises(InvalidInput) as caught:
            things(inputs)
        assert caught.value.field == field


def test_what_is_missing_is_named(things: Do) -> None:
    things(IndexInputs(collection="Other", files=files(tea_txt=TEA)))
    for inputs, field in (
        (LibraryInputs(action="rename", collection="Things"), "new_name"),
        (LibraryInputs(action="rename", collection="Things", new_name="OTHER"), "new_name"),
        (LibraryInputs(action="remove file", collection="Things", document="x"), "document"),
        (ChatInputs(collection="x", question="x"), "collection"),
        (PageInputs(collection="Things", document="x"), "document"),
        (PageInputs(collection="Things", document="tea.txt", page_index=4), "page_index"),
        (PageInputs(collection="Things", document="tea.txt", start=5, end=4_000), "end"),
        (PageInputs(collection="x", document="x"), "collection"),
        (ChatsInputs(action="show"), "chat"),
        (IndexInputs(collection="  ", files=files(a_txt=TEA)), "collection"),
        (EmbeddingInputs(texts=["a", " "]), "texts"),
    ):
        with pytest.raises(InvalidInput) as caught:
            things(inputs)
        assert caught.value.field == field, inputs


def test_the_examples_are_there_for_everybody(do: Do, call: Call) -> None:
    made = do(SearchInputs(question="laser cutter", passages=3))
    assert len(made.passages) == 3
    assert 0 <= made.relevance <= 1
    assert made.how.endswith("exact search and BM25")
    page = do(PageInputs(document="kiln_manual.pdf", start=0, end=18))
    assert page.place == "kiln_manual.pdf, page 1 of 2"
    assert len(page.page.boxes) == 1
    assert do(LibraryInputs()).table.frame["files"].tolist() == [4]


def test_an_evaluation_tells_both_ways_apart(do: Do) -> None:
    questions = Table.load(EXAMPLES / "questions.csv")
    made = do(EvaluationInputs(questions=questions, other_chunk_tokens=40))
    assert made.metrics.frame["figure"].tolist()[:2] == ["hit@1", "hit@5"]
    assert made.metrics.frame["A"].between(0, 1).all()
    assert made.message
    assert {row["way"] for row in made.plot.root["data"]["values"]} == {"A", "B"}
    assert list(made.misses.frame.columns) == ["question", "answer", "document", "A", "B"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"question": "x"}], "lacks a column"),
        ([{"question": "x", "document": "unknown.pdf"}], "not in the collection"),
        ([{"question": " ", "answer": "x"}], "no question"),
        ([{"question": "x", "answer": "y"}] * 501, "more than 500"),
    ],
)
def test_a_table_that_cannot_be_asked(do: Do, rows: list[dict[str, str]], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        do(EvaluationInputs(questions=Table(pandas.DataFrame(rows))))


def test_embeddings(do: Do, call: Call) -> None:
    made = do(EmbeddingInputs(texts=["one text", "another " * 400]))
    assert (len(made.vectors), made.dimensions, len(made.vectors[0])) == (2, 64, 64)
    assert made.tokens == 402
    assert made.similarity.frame.shape == (2, 3)
    assert "the first 256 tokens" in call.notes[0]
    assert len(do(EmbeddingInputs(texts=["what?"], purpose="question")).vectors) == 1


def test_the_evidence_was_fitted_to_these_features(tmp_path: Path) -> None:
    judge = Judge.load()
    assert judge.weights.shape == judge.mean.shape == judge.scale.shape
    assert judge.scores([]).size == 0
    assert judge.relevance_of([], judge.scores([])) == 0
    file = tmp_path / "evidence.json"
    file.write_text('{"features": ["other"]}')
    with pytest.raises(ValueError, match="other features"):
        Judge.load(file)
    assert Reader(WordEmbedder()).sentences("x", [], lambda stem: 1.0) == []  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_command_that_imports_everything_leaves_no_temporary_files(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    kept = {name: value for name, value in os.environ.items() if name != "TORCHINDUCTOR_CACHE_DIR"}
    subprocess.run(
        [sys.executable, "-m", "surfaces.cli", "run", "text_embedding", "texts=one text"],
        cwd=ROOT, env=kept | {"TMPDIR": str(tmp_path / "tmp"), "ATELIER_DEVICE": "cpu"}, check=True,
        capture_output=True,
    )  # fmt: skip
    assert list((tmp_path / "tmp").iterdir()) == []
