"""Finds the collection that a call names, and fills the one of the examples when it is first asked for."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from backends.search.fields import EXAMPLES
from backends.search.library import Collection, Library, name_key
from backends.search.model import SearchModel
from backends.search.vectors import VectorIndexes
from studio.contract import Run
from studio.errors import InvalidInput
from studio.media.base import Blob
from studio.media.image import Image

_FOLDER = Path(__file__).parent / "examples" / "pictures"


def opened(library: Library, name: str, model: SearchModel, indexes: VectorIndexes, run: Run) -> Collection:
    """A collection at whose pictures the model has looked, all of them.

    Raises:
        InvalidInput: the owner has no collection of that name.
    """
    if is_examples(name):
        fill_examples(library, model, run)
    there = found(library, name)
    if indexes.holds(library.database, there.id, there.version, model.name):
        return there
    missing = library.without_look(there.id, model.name)
    for number, picture_id in enumerate(missing):
        run.progress(number / len(missing), f"Picture {number + 1} of {len(missing)}, for the first time by this model")
        jpeg = library.jpeg(picture_id)
        if jpeg is not None:
            library.add_look(there.id, picture_id, model.name, model.look(Image.load(Blob(data=jpeg)), run))
    if missing:
        run.note("This model looked at the collection for the first time; the next search is answered at once.")
        there = found(library, name)
    return there


def found(library: Library, name: str) -> Collection:
    """A collection by its name. Raises InvalidInput where there is none."""
    there = library.named(name)
    if there is None:
        names = ", ".join(dict.fromkeys([*(collection.name for collection in library.all()), EXAMPLES]))
        raise InvalidInput(
            "There is no such collection.",
            field="collection",
            expected=f"one of {names[:300]}",
            got=name,
            hint="Add pictures first: that makes the collection.",
        )
    return there


def is_examples(name: str) -> bool:
    """Whether a name is that of the collection that everybody has."""
    return name_key(name) == EXAMPLES


def fill_examples(library: Library, model: SearchModel, run: Run) -> None:
    """Put the example pictures, which come with the studio, into their collection where it has none.

    What is read in them and observed about them comes with them too: nobody has to wait for it.
    """
    from backends.search.adding import add_pictures

    there = library.named(EXAMPLES)
    if there is not None and there.pictures:
        return
    paths = [path for path in sorted(_FOLDER.iterdir()) if path.suffix in (".jpg", ".png")]
    pictures = [(path.name, partial(Image.open, path)) for path in paths]
    texts = json.loads((_FOLDER / "described.json").read_text("utf-8"))
    add_pictures(library, library.create(EXAMPLES), model, pictures, run, known_texts=texts)
