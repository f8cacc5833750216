"""How well documents are found and answered from: Cranfield's abstracts and XQuAD's paragraphs.

`python -m bench.quality retrieval answers`. The weights of the search were chosen on the odd queries of Cranfield and
on XQuAD's training questions, those of the sentences on the latter (`python -m recipes documents`); the rows that say
so are measured on the others. In the same run stand BM25 alone, MiniLM alone, and both fused by reciprocal ranks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from backends.documents.embedder import Embedder
from backends.documents.evidence import Judge, Sentence
from backends.documents.measures import ndcg
from backends.documents.sentences import sentences
from bench.figures import Figure, NoData
from recipes.documents import Corpus, Question, answered_share, cranfield, fit_judge, load_embedder, xquad
from studio.settings import Settings

_DEPTH = 10
_RRF = 60
_FOLDS = 5
#: Of the questions that Cranfield cannot answer every so many-th is asked.
_EVERY = 4

Matrix = npt.NDArray[np.float64]


def measure_retrieval(settings: Settings, embedder: Embedder | None = None) -> list[Figure]:
    """Cranfield's nDCG@10 and XQuAD's hit@k, beside the bare methods."""
    data = _data(settings, "cranfield/docs.jsonl.gz", "squad_xquad_en/passages.jsonl.gz")
    embedder = embedder or load_embedder()
    with tempfile.TemporaryDirectory() as folder:
        return _cranfield(data, embedder, Path(folder) / "air") + _xquad(data, embedder, Path(folder) / "wiki")


def measure_answers(settings: Settings, embedder: Embedder | None = None) -> list[Figure]:
    """The marked sentence, and what is refused, on XQuAD's questions."""
    data = _data(settings, "cranfield/docs.jsonl.gz", "squad_xquad_en/passages.jsonl.gz")
    embedder = embedder or load_embedder()
    passages, questions = xquad(data)
    documents, queries, _ = cranfield(data)
    judge = Judge.load()
    held_out = [question for question in questions if question.split != "train"]
    with tempfile.TemporaryDirectory() as folder:
        corpus = Corpus(Path(folder) / "wiki", passages, embedder)
        found = [corpus.read(question.text, corpus.find(question.text).hits) for question in questions]
        read = dict(zip(questions, found, strict=True))
        figures = _marked(corpus, read, judge, held_out, embedder, passages)
        refused = _refused(judge, [read[question] for question in held_out])
        air = Corpus(Path(folder) / "air", documents, embedder)
        foreign = [air.read(q.text, air.find(q.text).hits) for q in held_out[::_EVERY]]
        own = [air.read(text, air.find(text).hits) for number, text in queries if number % 8 == 0]
        figures += [
            Figure("XQuAD-en", "423 held out", "answerable refused", refused, "<= 0.1", refused <= 0.1),
            _at_least(
                "XQuAD-en -> Cranfield",
                f"{len(foreign)} held out",
                "unanswerable refused",
                _refused(judge, foreign),
                0.9,
            ),
            Figure("Cranfield", f"{len(own)} queries", "answerable refused", _refused(judge, own)),
        ]
    return figures


def _cranfield(data: Path, embedder: Embedder, folder: Path) -> list[Figure]:
    documents, queries, relevant = cranfield(data)
    corpus = Corpus(folder, documents, embedder)
    ours = [_documents(corpus, text) for _, text in queries]
    bare = _bare(documents, [text for _, text in queries], embedder)
    names = {"ours": ours} | bare
    gains = {name: _gains(own, queries, relevant) for name, own in names.items()}
    even = np.array([number % 2 == 0 for number, _ in queries])
    told = "even queries, not tuned on"
    figures = [
        _at_least("Cranfield", "225 queries", "nDCG@10", float(gains["ours"].mean()), 0.44),
        _at_least("Cranfield", told, "nDCG@10", float(gains["ours"][even].mean()), 0.44),
    ]
    for name in bare:
        figures.append(Figure("Cranfield", "225 queries", f"nDCG@10, {name}", float(gains[name].mean())))
        figures.append(Figure("Cranfield", told, f"nDCG@10, {name}", float(gains[name][even].mean())))
    return figures


def _gains(found: Sequence[Sequence[str]], queries: Sequence[tuple[int, str]], relevant: dict[int, set[str]]) -> Matrix:
    """nDCG@10 of each query's documents (Q)."""
    judged = [
        [one in relevant[number] for one in _padded(own)] for (number, _), own in zip(queries, found, strict=True)
    ]
    return np.array([ndcg(own, len(relevant[number])) for (number, _), own in zip(queries, judged, strict=True)])


def _xquad(data: Path, embedder: Embedder, folder: Path) -> list[Figure]:
    passages, questions = xquad(data)
    corpus = Corpus(folder, passages, embedder)
    ours = [_documents(corpus, question.text) for question in questions]
    names = {"ours": ours} | _bare(passages, [question.text for question in questions], embedder)
    held_out = np.array([question.split != "train" for question in questions])
    figures = []
    for name, found in names.items():
        rank = np.array(
            [own.index(q.passage) if q.passage in own else 99 for own, q in zip(found, questions, strict=True)]
        )
        for depth, target in ((1, 0.94), (5, 0.99)):
            share = float((rank < depth).mean())
            if name == "ours":
                figures.append(_at_least("XQuAD-en", "1,190 questions", f"hit@{depth}", share, target))
                unseen = float((rank[held_out] < depth).mean())
                figures.append(Figure("XQuAD-en", "423 not tuned on", f"hit@{depth}", unseen))
            else:
                figures.append(Figure("XQuAD-en", "1,190 questions", f"hit@{depth}, {name}", share))
    return figures


def _documents(corpus: Corpus, question: str) -> list[str]:
    """The documents of the passages that were found, best first."""
    hits = corpus.find(question, 3 * _DEPTH).hits
    return list(dict.fromkeys(hit.passage.document for hit in hits))[:_DEPTH]


def _padded(found: Sequence[str]) -> list[str]:
    return [*found, *[""] * (_DEPTH - len(found))]


def _bare(texts: dict[str, str], questions: Sequence[str], embedder: Embedder) -> dict[str, list[list[str]]]:
    """Whole texts by bm25s as it comes, by MiniLM's cosine, and by both rankings fused (Cormack et al. 2009)."""
    import bm25s
    import Stemmer

    names = np.array([name for name, text in texts.items() if text.strip()])
    stemmer = Stemmer.Stemmer("english")
    index = bm25s.BM25()
    kept = [texts[name] for name in names]
    index.index(bm25s.tokenize(kept, stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False)
    asked = bm25s.tokenize(list(questions), stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False)
    words = np.array([index.get_scores(own) if own else np.zeros(len(names)) for own in asked], np.float64)
    vectors = np.array([embedder.query(question) for question in questions])
    meanings = (vectors @ embedder.passages(kept).T).astype(np.float64)
    ranks = [np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1) for scores in (words, meanings)]
    fused = sum((1 / (_RRF + 1 + rank) for rank in ranks), np.zeros_like(words))
    methods: dict[str, Matrix] = {"BM25 alone": words, "MiniLM alone": meanings, "both, reciprocal ranks": fused}
    return {
        method: [names[row].tolist() for row in np.argsort(-scores, axis=1, kind="stable")[:, :_DEPTH]]
        for method, scores in methods.items()
    }


def _marked(
    corpus: Corpus,
    read: dict[Question, list[Sentence]],
    judge: Judge,
    held_out: Sequence[Question],
    embedder: Embedder,
    passages: dict[str, str],
) -> list[Figure]:
    """How often the marked sentence holds the gold answer: given the right passage, and with the search before it."""
    questions = list(read)
    given = {q: [s for s in own if s.hit.passage.document == q.passage] for q, own in read.items()}
    for question, own in given.items():
        if not own:  # the search has missed it
            hits = [hit for hit in corpus.find(question.text, 240).hits if hit.passage.document == question.passage]
            given[question] = corpus.read(question.text, hits[:1])
    nearest = {question: _nearest(question, passages, embedder) for question in questions}
    of_given = answered_share(judge, [given[question] for question in held_out], held_out)
    of_searched = answered_share(judge, [read[question] for question in held_out], held_out)
    some, every = "423 held out", "1,190 questions"
    name, bare = "marked sentence has the gold answer", "the same, MiniLM's nearest sentence"
    return [
        _at_least("XQuAD-en", some, f"{name}, passage given", of_given, 0.8),
        Figure("XQuAD-en", some, bare, float(np.mean([nearest[question] for question in held_out]))),
        Figure("XQuAD-en", every, bare, float(np.mean(list(nearest.values())))),
        _at_least("XQuAD-en", f"1,190, {_FOLDS} folds by article", f"{name}, searched", _crossed(read), 0.8),
        Figure("XQuAD-en", some, f"{name}, searched", of_searched),
    ]


def _crossed(read: dict[Question, list[Sentence]]) -> float:
    """Each fold's questions with weights that were fitted to the other articles' alone."""
    shares, counts = [], []
    for fold in range(_FOLDS):
        others = [question for question in read if question.article % _FOLDS != fold]
        own = [question for question in read if question.article % _FOLDS == fold]
        mean, scale, weights = fit_judge([read[question] for question in others], others)
        judge = Judge(mean, scale, weights, np.empty(0), 0.0)
        shares.append(answered_share(judge, [read[question] for question in own], own))
        counts.append(len(own))
    return float(np.average(shares, weights=counts))


def _nearest(question: Question, passages: dict[str, str], embedder: Embedder) -> bool:
    text = passages[question.passage]
    spans = sentences(text)
    cosines = embedder.passages([text[a:b] for a, b in spans]) @ embedder.query(question.text)
    start, end = spans[int(np.argmax(cosines))]
    return start <= question.start and question.start + len(question.answer) <= end


def _refused(judge: Judge, found: Sequence[Sequence[Sentence]]) -> float:
    return float(np.mean([judge.relevance_of(own, judge.scores(own)) < judge.threshold for own in found]))


def _at_least(data: str, split: str, metric: str, ours: float, target: float) -> Figure:
    return Figure(data, split, metric, ours, f">= {target}", ours >= target)


def _data(settings: Settings, *files: str) -> Path:
    if settings.data is None or not all((settings.data / file).is_file() for file in files):
        raise NoData(f"set ATELIER_DATA to a folder that has {' and '.join(files)}")
    return settings.data
