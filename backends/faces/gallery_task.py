"""Lists, renames and deletes enrolled people. Needs no model."""

from __future__ import annotations

from datetime import UTC, datetime

from backends.faces.fields import GalleryInputs, GalleryOutputs
from backends.faces.gallery import Gallery, NameTaken
from studio.contract import Run
from studio.errors import InvalidInput
from studio.media.table import Table
from studio.weights import Weights


class GalleryKeeper:
    """The owner's gallery, to look at and to change.

    Args:
        weights, device: not used.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        pass

    def __call__(self, inputs: GalleryInputs, run: Run) -> GalleryOutputs:
        """Do the action and show the gallery as it is then.

        Raises:
            InvalidInput: a name is missing, unknown, or already somebody else's.
        """
        gallery = Gallery(run.storage)
        match inputs.action:
            case "rename":
                message = _rename(gallery, _clean(inputs.name), _clean(inputs.new_name))
            case "delete":
                message = _delete(gallery, _clean(inputs.name))
            case "list":
                count = len(gallery.people())
                message = (
                    f"{count} {'person' if count == 1 else 'people'} enrolled." if count else "Nobody is enrolled yet."
                )
        return GalleryOutputs(people=_table(gallery), message=message)


def _rename(gallery: Gallery, name: str, new_name: str) -> str:
    _required(name, "name", "the person to rename")
    _required(new_name, "new_name", "the new name")
    try:
        if not gallery.rename(name, new_name):
            raise _unknown(gallery, name)
    except NameTaken as fault:
        raise InvalidInput(
            "Somebody is enrolled under the new name already.",
            field="new_name",
            expected="a name that nobody has",
            got=new_name,
            hint="Two people cannot be merged: delete one and enrol the photographs again.",
        ) from fault
    return f"{name} is now {new_name}."


def _delete(gallery: Gallery, name: str) -> str:
    _required(name, "name", "the person to delete")
    if not gallery.delete(name):
        raise _unknown(gallery, name)
    return f"{name} and all photographs of theirs are deleted."


def _clean(name: str) -> str:
    return " ".join(name.split())


def _required(value: str, field: str, what: str) -> None:
    if not value:
        raise InvalidInput(f"Say the name: {what}.", field=field, expected=what, got="nothing")


def _unknown(gallery: Gallery, name: str) -> InvalidInput:
    names = ", ".join(person.name for person in gallery.people())
    return InvalidInput(
        "Nobody is enrolled under that name.",
        field="name",
        expected=f"one of {names[:300]}" if names else "an enrolled person; nobody is enrolled yet",
        got=name,
    )


def _table(gallery: Gallery) -> Table:
    import pandas

    rows = [
        (person.name, person.photographs, datetime.fromtimestamp(person.enrolled_s, UTC).strftime("%Y-%m-%d %H:%M"))
        for person in gallery.people()
    ]
    return Table(pandas.DataFrame(rows, columns=["name", "photographs", "enrolled on"]), "people.csv")
