"""Collections to look at and to change, and pictures in them that are nearly the same. Needs no model."""

from __future__ import annotations

from datetime import UTC, datetime

from backends.search.fields import (
    DuplicatesInputs,
    DuplicatesOutputs,
    LibraryInputs,
    LibraryOutputs,
)
from backends.search.library import Collection, Library, NameTaken
from backends.search.likeness import groups
from backends.search.opening import found, is_examples
from studio.contract import Inputs, Outputs, Run
from studio.errors import InvalidInput
from studio.media.base import Blob
from studio.media.image import Image
from studio.media.table import Table
from studio.weights import Weights

#: Pictures of groups that are shown; all are listed.
_MOST_SHOWN = 60


class Keeper:
    """The owner's collections of pictures.

    Args:
        weights, device: not used.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        pass

    def __call__(self, inputs: Inputs, run: Run) -> Outputs:
        """Do the action and show what there is then.

        Raises:
            InvalidInput: a name is missing, unknown, or taken.
        """
        match inputs:
            case LibraryInputs():
                return _keep(Library(run.storage), inputs)
            case DuplicatesInputs():
                return _duplicates(Library(run.storage), inputs)
        raise TypeError(f"nothing is kept for inputs of type {type(inputs).__name__}")


def _keep(library: Library, inputs: LibraryInputs) -> LibraryOutputs:
    if inputs.action == "list":
        return LibraryOutputs(message=_counted(len(library.all()), "collection"), table=_collections(library))
    _required(inputs.collection, "collection", "the collection")
    collection = found(library, inputs.collection)
    match inputs.action:
        case "pictures":
            return LibraryOutputs(
                message=_counted(collection.pictures, "picture"), table=_pictures(library, collection)
            )
        case "remove picture":
            _required(inputs.picture, "picture", "the picture to remove")
            if not library.remove(collection.id, inputs.picture):
                raise InvalidInput(
                    "There is no such picture in the collection.",
                    field="picture",
                    expected="its file name there, as “pictures” lists it",
                    got=inputs.picture,
                )
            return LibraryOutputs(
                message=f"{inputs.picture} is removed from {collection.name}.", table=_pictures(library, collection)
            )
        case "rename":
            message = _rename(library, collection, " ".join(inputs.new_name.split()))
        case "delete":
            library.delete(inputs.collection)
            message = f"{collection.name} and all its pictures are deleted."
    return LibraryOutputs(message=message, table=_collections(library))


def _rename(library: Library, collection: Collection, new_name: str) -> str:
    _required(new_name, "new_name", "the new name")
    try:
        library.rename(collection.name, new_name)
    except NameTaken as fault:
        raise InvalidInput(
            "There is a collection of the new name already.",
            field="new_name",
            expected="a name that no collection has",
            got=new_name,
        ) from fault
    return f"{collection.name} is now {new_name}."


def _duplicates(library: Library, inputs: DuplicatesInputs) -> DuplicatesOutputs:
    """Groups of near duplicates; the examples, which are filled at their first search, may be empty."""
    import pandas

    there = library.named(inputs.collection)
    if there is None and not is_examples(inputs.collection):
        there = found(library, inputs.collection)
    made = groups(library.hashes(there.id), inputs.most_bits) if there else []
    shown = library.previews([number for group in made for number, _ in group])
    rows: list[tuple[int, str, int]] = []
    pictures: list[Image] = []
    for place, group in enumerate(made, 1):
        for number, bits in group:
            if number in shown:
                name, jpeg = shown[number]
                rows.append((place, name, bits))
                if len(pictures) < _MOST_SHOWN:
                    pictures.append(Image.load(Blob(f"group {place}: {name}", jpeg)))
    many = f"{_counted(len(made), 'group')} with {_counted(len(rows), 'picture')} in all"
    none = "No two pictures are nearly the same." if there else "Nobody has searched the examples yet."
    return DuplicatesOutputs(
        message=f"{many}." if made else none,
        pictures=pictures,
        table=Table(pandas.DataFrame(rows, columns=["group", "file", "bits apart"]), "groups.csv"),
    )


def _required(value: str, field: str, what: str) -> None:
    if not value.strip():
        raise InvalidInput(f"Say the name: {what}.", field=field, expected=what, got="nothing")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _collections(library: Library) -> Table:
    import pandas

    rows = [(each.name, each.pictures, _time(each.created_s)) for each in library.all()]
    return Table(pandas.DataFrame(rows, columns=["collection", "pictures", "made on"]), "collections.csv")


def _pictures(library: Library, collection: Collection) -> Table:
    import pandas

    rows = [(each.name, each.width, each.height, _time(each.added_s)) for each in library.pictures(collection.id)]
    return Table(pandas.DataFrame(rows, columns=["picture", "width", "height", "added on"]), "pictures.csv")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
