"""Fits the linear models that pick the sentence which answers, and that tell when no passage does.

    ATELIER_DATA=<folder of data sets> python -m recipes documents

Data: the 767 training questions of XQuAD-en (Artetxe et al. 2019, arXiv:1910.11856; split by article) over its 240
passages; for what cannot be answered, the same questions without the passages of their own article. About 3 minutes on
two cores, most of it embedding. Asked for on the 162 dev questions, whose passages are searched too: the marked
sentence has the gold answer for 0.70 (MiniLM's nearest sentence, given the right passage: 0.70). Writes
`backends/documents/evidence.json`; the test questions are read by `python -m bench.quality answers` alone.
"""

from __future__ import annotations

import csv
import gzip
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backends.documents.embedder import Embedder
from backends.documents.evidence import FEATURES, Judge, Reader, Sentence, relevance_features
from backends.documents.indexing import Adder, Source
from backends.documents.library import Library
from backends.documents.parsers.parsed import Reading
from backends.documents.retrieval import Found, Hit, Retriever
from studio.catalogue import Catalogue
from studio.runtime import EMBEDDED
from studio.settings import Settings
from studio.weights import Shelf

TARGET = Path(__file__).parents[1] / "backends" / "documents" / "evidence.json"
_READ = 5


@dataclass(frozen=True)
class Config:
    """What is fitted how.

    Attributes:
        reach: the dev figure that is asked for.
        refused: of the training questions that can be answered, this share may be refused.
        penalty: weight of the squared weights, over the number of questions.
        strength: inverse of the penalty of the logistic model that tells whether anything answers.
    """

    reach: float = 0.70
    refused: float = 0.04
    penalty: float = 10.0
    strength: float = 10.0


@dataclass(frozen=True)
class Fit:
    """A finished fit and the figure that decides on it."""

    metric: float
    reach: float
    stopped: str

    @property
    def reached(self) -> bool:
        """Whether the weights are as good as is asked for."""
        return self.metric >= self.reach

    @property
    def publishable(self) -> bool:
        """Whether the weights are good enough to be published."""
        return self.reached


Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Question:
    """A question of XQuAD: where its answer stands in which passage."""

    text: str
    answer: str
    start: int
    passage: str
    article: int
    split: str


def xquad(data: Path) -> tuple[dict[str, str], list[Question]]:
    """The passages by their id ("article-paragraph"), and all 1,190 questions, training first."""
    folder = data / "squad_xquad_en"
    passages = {row["passage_id"]: row["text"] for row in _rows(folder / "passages.jsonl.gz")}
    questions = [
        Question(
            row["question"],
            row["answers"][0]["text"],
            row["answers"][0]["start"],
            f"{row['article']}-{row['paragraph']}",
            int(row["article"]),
            split,
        )
        for split in ("train", "dev", "test")
        for row in _rows(folder / f"{split}.jsonl.gz")
    ]
    return passages, questions


def cranfield(data: Path) -> tuple[dict[str, str], list[tuple[int, str]], dict[int, set[str]]]:
    """The documents by their id, the queries with their numbers, and the relevant documents of each query."""
    folder = data / "cranfield"
    documents = {str(row["doc_id"]): row["text"] or row["title"] for row in _rows(folder / "docs.jsonl.gz")}
    queries = [(int(row["query_id"]), row["text"]) for row in _rows(folder / "queries.jsonl.gz")]
    relevant: dict[int, set[str]] = {number: set() for number, _ in queries}
    with gzip.open(folder / "qrels.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if int(row["relevant"]) > 0:
                relevant[int(row["query_id"])].add(row["doc_id"])
    return documents, queries, relevant


def _rows(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


class Corpus:
    """Texts as a collection of the real kind, to be searched and read.

    Args:
        folder: where it is kept; an empty one.
        texts: by their id, which becomes the document's name.
        embedder: the model.
    """

    def __init__(self, folder: Path, texts: dict[str, str], embedder: Embedder) -> None:
        self.library = Library(folder)
        self.retriever = Retriever(embedder)
        self.reader = Reader(embedder)
        collection_id = self.library.create("corpus")
        adder = Adder(self.library, collection_id, embedder, Reading(), chunk_tokens=250, overlap_tokens=50)
        sources = [Source(name, text.encode()) for name, text in texts.items() if text.strip()]
        self.outcomes = adder.add(sources)
        state = self.library.version("corpus")
        assert state is not None
        self.state = state
        self.index = self.retriever.indexes.refresh(self.library.database, *state)

    def find(self, question: str, count: int = _READ, *, hybrid: bool = True) -> Found:
        """The passages for a question."""
        return self.retriever.search(self.library, *self.state, question, count, hybrid=hybrid)

    def read(self, question: str, hits: Sequence[Hit]) -> list[Sentence]:
        """The sentences of passages with their evidence."""
        return self.reader.sentences(question, hits, self.index.words.idf)


def holds_answer(sentence: Sentence, question: Question) -> bool:
    """Whether the gold answer stands in a sentence, in the very passage and place."""
    passage = sentence.hit.passage
    start, end = passage.start + sentence.span[0], passage.start + sentence.span[1]
    return (
        passage.document == question.passage
        and start <= question.start
        and question.start + len(question.answer) <= end
    )


def fit_judge(
    found: Sequence[Sequence[Sentence]], questions: Sequence[Question], penalty: float = Config.penalty
) -> tuple[Matrix, Matrix, Matrix]:
    """(mean, scale, weights): the likelihood of a sentence that holds the answer among those read, made largest."""
    import torch

    usable = [
        (np.array([s.features for s in own]), np.array([holds_answer(s, question) for s in own]))
        for own, question in zip(found, questions, strict=True)
        if any(holds_answer(s, question) for s in own)
    ]
    stacked = np.concatenate([features for features, _ in usable])
    mean, scale = stacked.mean(axis=0), stacked.std(axis=0) + 1e-9
    longest = max(len(features) for features, _ in usable)
    inputs = torch.zeros(len(usable), longest, len(FEATURES), dtype=torch.float64)
    there = torch.full((len(usable), longest), -1e9, dtype=torch.float64)
    right = torch.full((len(usable), longest), -1e9, dtype=torch.float64)
    for row, (features, holds) in enumerate(usable):
        inputs[row, : len(features)] = torch.from_numpy((features - mean) / scale)
        there[row, : len(features)] = 0
        right[row, : len(features)][torch.from_numpy(holds)] = 0
    weights = torch.zeros(len(FEATURES), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        log_shares = torch.log_softmax(inputs @ weights + there, dim=1)  # (Q, S)
        value = -torch.logsumexp(log_shares + right, dim=1).mean() + penalty * weights.square().sum() / len(usable)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return mean, scale, weights.detach().numpy()


def answered_share(judge: Judge, found: Sequence[Sequence[Sentence]], questions: Sequence[Question]) -> float:
    """How often the best sentence holds the gold answer."""
    good = [
        bool(own) and holds_answer(own[int(np.argmax(judge.scores(own)))], question)
        for own, question in zip(found, questions, strict=True)
    ]
    return float(np.mean(good))


def load_embedder() -> Embedder:
    """The shipped model, from the shelf."""
    family = Catalogue.discover().entry("document_chat").family
    return Embedder(Shelf(EMBEDDED).resolve(family, "minilm").path().parent, "cpu", "all-MiniLM-L6-v2")


def train(settings: Settings, folder: Path, config: Config | None = None, embedder: Embedder | None = None) -> Fit:
    """Fit both models, and publish them if the dev figure is reached.

    Args:
        folder: not used: there is no training to be continued.
    """
    if settings.data is None:
        raise SystemExit("set ATELIER_DATA to a folder that has squad_xquad_en")
    config, embedder = config or Config(), embedder or load_embedder()
    passages, questions = xquad(settings.data)
    with tempfile.TemporaryDirectory() as name:
        corpus = Corpus(Path(name), passages, embedder)
        judge = _fitted(corpus, [question for question in questions if question.split == "train"], config)
        dev = [question for question in questions if question.split == "dev"]
        share = answered_share(judge, [corpus.read(q.text, corpus.find(q.text).hits) for q in dev], dev)
    fit = Fit(share, config.reach, f"converged; {len(dev)} dev questions")
    if fit.publishable:
        publish(judge)
    return fit


def _fitted(corpus: Corpus, training: Sequence[Question], config: Config) -> Judge:
    from sklearn.linear_model import LogisticRegression

    found = [corpus.find(question.text, 3 * _READ).hits for question in training]
    read = [corpus.read(q.text, hits[:_READ]) for q, hits in zip(training, found, strict=True)]
    mean, scale, weights = fit_judge(read, training, config.penalty)
    judge = Judge(np.round(mean, 6), np.round(scale, 6), np.round(weights, 6), np.empty(0), 0.0)
    answerable = [relevance_features(own, judge.scores(own)) for own in read]
    unanswerable = []
    for question, hits in zip(training, found, strict=True):
        others = [hit for hit in hits if not hit.passage.document.startswith(f"{question.article}-")]
        own = corpus.read(question.text, others[:_READ])
        if own:
            unanswerable.append(relevance_features(own, judge.scores(own)))
    rows = np.array(answerable + unanswerable)
    model = LogisticRegression(C=config.strength, max_iter=1_000).fit(rows, np.arange(len(rows)) < len(answerable))
    likely = model.predict_proba(np.array(answerable))[:, 1]
    return replace(
        judge,
        relevance=np.round([*model.coef_[0], model.intercept_[0]], 4),
        threshold=round(float(np.quantile(likely, config.refused)), 4),
    )


def publish(judge: Judge, target: Path = TARGET) -> None:
    """Write the weights as the family reads them."""
    written: dict[str, Any] = {"made_by": "recipes/documents.py", "features": FEATURES}
    written |= {name: getattr(judge, name).tolist() for name in ("mean", "scale", "weights", "relevance")}
    part = target.with_suffix(".part")
    part.write_text(json.dumps(written | {"threshold": judge.threshold}, indent=2) + "\n", encoding="utf-8")
    part.replace(target)
