"""How well a collection is found and answered from, for questions whose answers are known, two ways side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backends.documents.fields import EvaluationInputs, EvaluationOutputs
from backends.documents.indexing import Adder, Source
from backends.documents.library import Library
from backends.documents.measures import best_f1, contains, ndcg
from backends.documents.opening import opened
from backends.documents.parsers.parsed import Reading
from studio.contract import Run
from studio.errors import InvalidInput, TooLarge
from studio.media.table import Table
from studio.results import Plot

if TYPE_CHECKING:
    from backends.documents.operations import Documents

MAX_QUESTIONS = 500
_DEPTH = 10
_FIGURES = ("hit@1", "hit@5", "nDCG@10", "answer in the quote", "F1 of the quote", "refused")


@dataclass(frozen=True)
class Asked:
    """A question with what is known of its answer; either may be empty."""

    question: str
    answers: tuple[str, ...]
    document: str


@dataclass(frozen=True)
class Way:
    """A way to search: its name in the table, words too or not, the length of passages (0: as they are), reranker."""

    name: str
    hybrid: bool
    chunk_tokens: int
    rerank: bool


@dataclass(frozen=True)
class Result:
    """What one way made of one question. None where nothing is known to compare it with."""

    rank: int | None
    has_document: bool
    quote: str
    correct: bool | None
    f1: float | None
    found: bool


def evaluate(documents: Documents, inputs: EvaluationInputs, run: Run) -> EvaluationOutputs:
    """Ask every question both ways.

    Raises:
        InvalidInput: the table lacks a column, or the collection is unknown.
        TooLarge: too many questions.
    """
    asked = _questions(inputs.questions)
    library = Library(run.storage)
    collection_id, _ = opened(library, inputs.collection, documents.retriever, run)
    _check_documents(asked, [document.name for document in library.documents(collection_id)])
    ways = (
        Way("A", inputs.hybrid, inputs.chunk_tokens, inputs.rerank),
        Way("B", inputs.other_hybrid, inputs.other_chunk_tokens, inputs.other_rerank),
    )
    results = {}
    for number, way in enumerate(ways):
        at, name = _prepared(documents, library, collection_id, inputs.collection, way, run)
        results[way.name] = [
            _result(documents, at, name, one, way, run, (number + index / len(asked)) / len(ways))
            for index, one in enumerate(asked)
        ]
    figures = {name: _figures(asked, own) for name, own in results.items()}
    return EvaluationOutputs(
        message=_verdict(figures, len(asked)),
        metrics=_table([(f, figures["A"][f], figures["B"][f]) for f in _FIGURES], ("figure", "A", "B"), "figures.csv"),
        plot=_plot(figures),
        misses=_misses(asked, results),
    )


def _questions(table: Table) -> list[Asked]:
    frame = table.frame.fillna("").astype(str)
    columns = {str(name).strip().lower(): name for name in frame.columns}
    if "question" not in columns or not ({"answer", "document"} & set(columns)):
        raise InvalidInput(
            "The table lacks a column.",
            field="questions",
            expected="the columns question and at least one of answer and document",
            got=", ".join(columns)[:200],
        )
    if len(frame) > MAX_QUESTIONS:
        raise TooLarge(
            f"There are more than {MAX_QUESTIONS} questions.",
            field="questions",
            expected=f"at most {MAX_QUESTIONS} rows",
            got=f"{len(frame):,} rows",
        )

    def column(name: str) -> list[str]:
        return [str(value).strip() for value in frame[columns[name]]] if name in columns else [""] * len(frame)

    rows = zip(column("question"), column("answer"), column("document"), strict=True)
    asked = [Asked(q, tuple(a.strip() for a in answer.split("|") if a.strip()), d) for q, answer, d in rows if q]
    if not asked:
        raise InvalidInput("There is no question in the table.", field="questions", expected="a question in a row")
    return asked


def _check_documents(asked: Sequence[Asked], names: Sequence[str]) -> None:
    unknown = next((one.document for one in asked if one.document and one.document not in names), None)
    if unknown is not None:
        raise InvalidInput(
            "The table names a file that is not in the collection.",
            field="questions",
            expected=f"one of {', '.join(names)[:300]}",
            got=unknown,
        )


def _prepared(
    documents: Documents, library: Library, collection_id: int, name: str, way: Way, run: Run
) -> tuple[Library, str]:
    """The collection, or where another passage length is wanted a temporary copy of it in such passages."""
    if not way.chunk_tokens:
        return library, name
    folder = Path(run.workdir) / f"way-{way.name}"
    folder.mkdir()
    copy = Library(folder)
    sources = [Source(one.name, library.data(one)) for one in library.documents(collection_id)]
    adder = Adder(
        copy,
        copy.create(name),
        documents.embedder,
        Reading(check=run.check),
        way.chunk_tokens,
        way.chunk_tokens // 5,
        lambda done, note: run.progress(0.0, f"Way {way.name}: {note}"),
    )
    adder.add(sources)
    return copy, name


def _result(documents: Documents, library: Library, name: str, asked: Asked, way: Way, run: Run, done: float) -> Result:
    run.progress(done, f"Way {way.name}: {asked.question[:60]}")
    found = documents.find(library, name, asked.question, _DEPTH, run, hybrid=way.hybrid, rerank=way.rerank)
    answer = documents.extractor.answer(asked.question, found.hits[:5], found.idf)
    files = list(dict.fromkeys(hit.passage.document for hit in found.hits))
    quote = answer.citations[0].quote if answer.found else ""
    return Result(
        rank=files.index(asked.document) + 1 if asked.document in files else None,
        has_document=bool(asked.document),
        quote=quote,
        correct=any(contains(quote, one) for one in asked.answers) if asked.answers else None,
        f1=best_f1(quote, asked.answers) if asked.answers else None,
        found=answer.found,
    )


def _figures(asked: Sequence[Asked], results: Sequence[Result]) -> dict[str, float | None]:
    ranked = [result.rank for result in results if result.has_document]
    return {
        "hit@1": _mean([rank == 1 for rank in ranked]),
        "hit@5": _mean([rank is not None and rank <= 5 for rank in ranked]),
        "nDCG@10": _mean([ndcg([rank == n for n in range(1, _DEPTH + 1)], 1) for rank in ranked]),
        "answer in the quote": _mean([one.correct for one in results if one.correct is not None]),
        "F1 of the quote": _mean([one.f1 for one in results if one.f1 is not None]),
        "refused": _mean([not one.found for one in results]),
    }


def _mean(values: Sequence[float | bool]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _verdict(figures: dict[str, dict[str, float | None]], count: int) -> str:
    for name in ("answer in the quote", "nDCG@10"):
        a, b = figures["A"][name], figures["B"][name]
        if a is not None and b is not None and a != b:
            better, worse = ("A", "B") if a > b else ("B", "A")
            sure = "" if count >= 100 else f" Only {count} questions: a difference of {1 / count:.0%} is a single one."
            return f"{better} is better than {worse} by {abs(a - b):.3f} ({name}).{sure}"
    return f"No difference in {count} questions."


def _misses(asked: Sequence[Asked], results: dict[str, list[Result]]) -> Table:
    rows = []
    for index, one in enumerate(asked):
        both = [results[name][index] for name in ("A", "B")]
        if any((own.has_document and own.rank != 1) or own.correct is False for own in both):
            told = [_told(own) for own in both]
            rows.append((one.question, " | ".join(one.answers), one.document, *told))
    return _table(rows, ("question", "answer", "document", "A", "B"), "misses.csv")


def _told(result: Result) -> str:
    place = f"file at rank {result.rank}" if result.rank else "file not found" if result.has_document else ""
    quote = " ".join(result.quote.split()) or "refused"
    return f"{place}: {quote}" if place else quote


def _plot(figures: dict[str, dict[str, float | None]]) -> Plot:
    values = [
        {"figure": figure, "way": way, "value": own[figure]}
        for way, own in figures.items()
        for figure in _FIGURES
        if own[figure] is not None
    ]
    return Plot(
        {
            "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
            "data": {"values": values},
            "mark": "bar",
            "encoding": {
                "y": {"field": "figure", "type": "nominal", "sort": list(_FIGURES), "title": None},
                "yOffset": {"field": "way"},
                "x": {"field": "value", "type": "quantitative", "scale": {"domain": [0, 1]}, "title": None},
                "color": {"field": "way", "title": "Way", "scale": {"range": ["#A8552B", "#8A8074"]}},
            },
        }
    )


def _table(rows: Sequence[Sequence[object]], columns: Sequence[str], name: str) -> Table:
    import pandas

    return Table(pandas.DataFrame(rows, columns=list(columns)), name)
