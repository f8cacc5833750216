"""Searches a collection by words, by an example picture, or by both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from backends.search.describing import meanings
from backends.search.fields import SearchInputs, SearchOutputs
from backends.search.library import Collection, Library, Vectors
from backends.search.model import SearchModel
from backends.search.opening import opened
from backends.search.vectors import VectorIndexes
from backends.search.words import passage_texts, with_words, words_found
from studio.contract import Run
from studio.errors import InvalidInput
from studio.media.base import Blob
from studio.media.image import Image
from studio.media.table import Table

#: Of each kind of evidence so many pictures, or passages, are looked at for each one that is wanted.
_CANDIDATES, _LEAST_CANDIDATES = 5, 100
#: Below this cosine the meaning of a sentence has little to do with the question's.
_FAR = 0.3


@dataclass
class _Evidence:
    """Values of one kind, by picture: higher is better, the best first.

    Attributes:
        name: of its column in the table.
    """

    name: str
    values: Mapping[int, float]


@dataclass
class _Found:
    """What is known of the candidates.

    Attributes:
        sentences: by picture, the passage whose meaning is nearest to the question: kind, text and cosine.
    """

    evidence: list[_Evidence] = field(default_factory=list)
    sentences: dict[int, tuple[str, str, float]] = field(default_factory=dict)


def search(model: SearchModel, indexes: VectorIndexes, inputs: SearchInputs, run: Run) -> SearchOutputs:
    """The pictures that fit best.

    Raises:
        InvalidInput: no such collection, or no such picture in it.
    """
    library = Library(run.storage)
    collection = opened(library, inputs.collection, model, indexes, run)
    query = inputs.query.strip()
    count = max(_LEAST_CANDIDATES, _CANDIDATES * inputs.results)
    found = _Found()
    if inputs.example is not None or inputs.like:
        look = _example(library, collection, model, indexes, inputs, run)
        near = indexes.near(library.database, collection.id, "looks", look, count, model.name)
        found.evidence.append(_Evidence("look", near))
    if query:
        _by_words(library, collection, model, indexes, query, count, found, run)
    run.check()
    scores = _telling(found, fused([evidence.values for evidence in found.evidence]))
    best = sorted(scores, key=lambda number: -scores[number])[: inputs.results]
    return _outputs(library, collection, query, best, scores, found)


def fused(parts: list[Mapping[int, float]]) -> dict[int, float]:
    """One score for each candidate: the value itself where there is one kind of evidence, else a mean.

    With several, each kind is brought to 0..1 over the candidates that it knows, and one that it does not know gets 0:
    the convex combination of Bruch et al. 2023, "An Analysis of Fusion Functions for Hybrid Retrieval",
    arXiv:2210.11934.
    """
    kept = [part for part in parts if part]
    if len(kept) <= 1:
        return {number: max(0.0, value) for part in kept for number, value in part.items()}
    scores: dict[int, float] = {}
    for part in kept:
        low, high = min(part.values()), max(part.values())
        for number, value in part.items():
            scaled = (value - low) / (high - low) if high > low else 1.0
            scores[number] = scores.get(number, 0.0) + scaled / len(kept)
    return scores


def _telling(found: _Found, scores: dict[int, float]) -> dict[int, float]:
    """Without those that words alone found, and that have none of the words and nothing of their meaning.

    Where that leaves none, all stay, and a note says what they are worth.
    """
    if {evidence.name for evidence in found.evidence} != {"meaning", "words"}:
        return scores
    meaning, words = (evidence.values for evidence in found.evidence)
    kept = {n: score for n, score in scores.items() if n in words or meaning.get(n, 0.0) >= _FAR}
    return kept or scores


def _example(
    library: Library,
    collection: Collection,
    model: SearchModel,
    indexes: VectorIndexes,
    inputs: SearchInputs,
    run: Run,
) -> Vectors:
    """The look of the example, or of the picture of the collection that is named."""
    if inputs.example is not None:
        return model.look(inputs.example, run)
    picture = library.picture(collection.id, inputs.like)
    look = library.look(picture.id, model.name) if picture else None
    if look is None:
        raise InvalidInput(
            "There is no such picture in the collection.",
            field="like",
            expected="the file name of a picture, as the results have it",
            got=inputs.like,
        )
    return look


def _by_words(
    library: Library,
    collection: Collection,
    model: SearchModel,
    indexes: VectorIndexes,
    query: str,
    count: int,
    found: _Found,
    run: Run,
) -> None:
    """Add the evidence for words: of the model itself, or else of what is known about the pictures."""
    vector = model.words(query, run)
    if vector is not None:
        near = indexes.near(library.database, collection.id, "looks", vector, count, model.name)
        found.evidence.append(_Evidence("words", near))
        return
    [meaning] = meanings([query], run, purpose="question")
    passages = indexes.near(library.database, collection.id, "meanings", meaning, count)
    texts = passage_texts(library.database, list(passages))
    for passage_id, cosine in passages.items():
        if passage_id in texts:
            picture_id, kind, text = texts[passage_id]
            found.sentences.setdefault(picture_id, (kind, text, cosine))
    near = {number: cosine for number, (_, _, cosine) in found.sentences.items()}
    found.evidence.append(_Evidence("meaning", near))
    found.evidence.append(_Evidence("words", with_words(library.database, collection.id, query, count)))


def _outputs(
    library: Library,
    collection: Collection,
    query: str,
    best: list[int],
    scores: Mapping[int, float],
    found: _Found,
) -> SearchOutputs:
    import pandas

    previews = library.previews(best)
    marked = words_found(library.database, best, query) if found.sentences or query else {}
    rows, pictures = [], []
    for rank, number in enumerate((number for number in best if number in previews), 1):
        name, jpeg = previews[number]
        parts = {evidence.name: evidence.values.get(number) for evidence in found.evidence}
        rows.append(
            {
                "rank": rank,
                "file": name,
                "score": round(scores[number], 3),
                "why": _why(parts, marked.get(number, []), found.sentences.get(number)),
                **{part: None if value is None else round(value, 3) for part, value in parts.items()},
            }
        )
        pictures.append(Image.load(Blob(f"{name}: {scores[number]:.2f}", jpeg)))
    return SearchOutputs(
        summary=f"{len(rows)} of {collection.pictures:,} pictures in {collection.name}, best first.",
        pictures=pictures,
        results=Table(pandas.DataFrame(rows), "results.csv"),
        notes=_notes(collection, query, found),
    )


def _why(parts: Mapping[str, float | None], words: list[str], sentence: tuple[str, str, float] | None) -> str:
    """What speaks for a picture, in words."""
    said = []
    look = parts.get("look")
    if look is not None:
        said.append(f"looks like the example ({look:.2f})")
    if words:
        said.append(f"its words: {', '.join(words[:8])}")
    if sentence is not None and sentence[2] >= _FAR:
        kind, text, cosine = sentence
        short = f"{text[:100]}..." if len(text) > 100 else text
        said.append(f"{'it reads' if kind == 'text' else 'seen in it'} “{short}” ({cosine:.2f})")
    elif "meaning" not in parts and parts.get("words") is not None:
        said.append(f"fits the words ({parts['words']:.2f})")
    return "; ".join(said) or "nothing in particular: it is the next nearest"


def _notes(collection: Collection, query: str, found: _Found) -> list[str]:
    if not collection.pictures:
        return ["The collection is empty: add pictures first."]
    names = {evidence.name: evidence.values for evidence in found.evidence}
    if query and "meaning" in names:
        if not names["meaning"]:
            return ["Nothing was read or noted of these pictures: words find none of them."]
        if not names["words"] and max(names["meaning"].values()) < _FAR:
            return [
                "Nothing that was read or noted of these pictures is about these words. This model knows pictures by "
                "their text and by what is said of them; one from the hub compares words with the pictures themselves."
            ]
    return []
