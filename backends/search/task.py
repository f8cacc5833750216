"""Image search: a collection of pictures of one's own, searched by words, by an example, or by both."""

from __future__ import annotations

from pathlib import Path

from backends.search import about
from backends.search.fields import (
    AddInputs,
    AddOutputs,
    DuplicatesInputs,
    DuplicatesOutputs,
    LibraryInputs,
    LibraryOutputs,
    SearchInputs,
    SearchOutputs,
)
from studio.contract import Adapter, Example, Task

_EXAMPLES = Path(__file__).parent / "examples" / "pictures"
_SECTION = "Images"

_OWN = Adapter(
    name="own",
    title="Our own tasks: looks, read text, what is noted",
    entry="backends.search.own:OwnSearch",
    memory_mb=20,
    licence="none needed: no model of its own",
    source="https://arxiv.org/abs/2401.08281",
    kind="embedded",
    concurrency=4,
    quality=about.QUALITY,
    limits="Looks: our classifier knows ten kinds of things, at 32 x 32 px. Words: finds what was read in a picture or "
    "is said of it, and nothing else. English.",
)

_SIGLIP = Adapter(
    name="siglip_base",
    title="SigLIP base: words compared with the pictures",
    entry="backends.search.siglip:SiglipSearch",
    weights="siglip_base",
    memory_mb=1_100,
    licence="Apache-2.0",
    source="https://arxiv.org/abs/2303.15343",
    kind="hub",
    devices=("cuda", "mps", "cpu"),
    quality="not measured here",
    limits="Counts, places, negations, small text. English. A collection is looked at once more when it is first "
    "searched with this model.",
)

_CLIP = _SIGLIP.model_copy(
    update={
        "name": "clip_base",
        "title": "CLIP base: words compared with the pictures",
        "entry": "backends.search.clip:ClipSearch",
        "weights": "clip_base",
        "memory_mb": 900,
        "licence": "MIT",
        "source": "https://arxiv.org/abs/2103.00020",
    }
)

_KEEPER = Adapter(
    name="keeper",
    title="Your own folder",
    entry="backends.search.keeper:Keeper",
    memory_mb=0,
    licence="none needed: no model",
    source="SQLite, https://sqlite.org",
    kind="embedded",
    concurrency=4,
)

image_search = Task(
    name="image_search",
    title="Image search",
    section=_SECTION,
    summary="Your own pictures, found by what is written in them, by what they show, or by an example.",
    inputs=SearchInputs,
    outputs=SearchOutputs,
    examples=(
        Example(title="A red circle", values={"query": "a red circle"}),
        Example(title="More like this cat", values={"example": _EXAMPLES / "cat.jpg", "results": 6}),
        Example(title="What was paid for coffee", values={"query": "receipt with coffee"}),
    ),
    adapters=(_OWN, _SIGLIP, _CLIP),
    how_it_works=about.SEARCH,
    stores=True,
    keywords=("CLIP", "SigLIP", "FAISS", "semantic search", "similar images", "photo library", "gallery", "retrieval"),
)

image_index = Task(
    name="image_index",
    title="Add pictures",
    section=_SECTION,
    summary="Many pictures, or a zip of them, into a collection of your own.",
    inputs=AddInputs,
    outputs=AddOutputs,
    examples=(
        Example(
            title="A cat and a sign",
            values={"collection": "Trial", "pictures": [_EXAMPLES / "cat.jpg", _EXAMPLES / "sign.png"]},
        ),
    ),
    adapters=(_OWN, _SIGLIP, _CLIP),
    how_it_works=about.ADD,
    stores=True,
    part_of="image_search",
)

image_library = Task(
    name="image_library",
    title="Collections",
    section=_SECTION,
    summary="See what is in your collections, rename them, remove pictures, delete them.",
    inputs=LibraryInputs,
    outputs=LibraryOutputs,
    examples=(Example(title="List the collections", values={"action": "list"}),),
    adapters=(_KEEPER,),
    how_it_works=about.LIBRARY,
    stores=True,
    part_of="image_search",
)

image_duplicates = Task(
    name="image_duplicates",
    title="Near duplicates",
    section=_SECTION,
    summary="Pictures of a collection that are nearly the same: other sizes, other quality, other light.",
    inputs=DuplicatesInputs,
    outputs=DuplicatesOutputs,
    examples=(Example(title="Among the examples", values={"collection": "examples"}),),
    adapters=(_KEEPER,),
    how_it_works=about.DUPLICATES,
    stores=True,
    part_of="image_search",
)

TASKS = (image_search, image_index, image_library, image_duplicates)
