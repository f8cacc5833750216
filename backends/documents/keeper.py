"""Collections and chats to look at and to change. Needs no model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from backends.documents.chats import Chat, Chats, Turn, as_markdown
from backends.documents.conversation import unknown_chat
from backends.documents.fields import ChatsInputs, ChatsOutputs, LibraryInputs, LibraryOutputs
from backends.documents.library import Collection, Library, NameTaken
from backends.documents.opening import unknown
from studio.contract import Inputs, Outputs, Run
from studio.errors import InvalidInput
from studio.media.file import File
from studio.media.table import Table
from studio.weights import Weights


class Keeper:
    """The owner's collections and chats.

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
                return _keep_library(Library(run.storage), inputs)
            case ChatsInputs():
                return _keep_chats(Chats(run.storage), inputs)
        raise TypeError(f"nothing is kept for inputs of type {type(inputs).__name__}")


def _keep_library(library: Library, inputs: LibraryInputs) -> LibraryOutputs:
    if inputs.action == "list":
        count = len(library.collections())
        return LibraryOutputs(message=_counted(count, "collection"), table=_collections(library))
    collection = _collection(library, inputs.collection)
    match inputs.action:
        case "files":
            return LibraryOutputs(message=_counted(collection.documents, "file"), table=_files(library, collection))
        case "rename":
            message = _rename(library, collection, inputs.new_name)
        case "remove file":
            if not library.remove(collection.id, inputs.document):
                raise _no_file(library, collection, inputs.document)
            return LibraryOutputs(message=f"{inputs.document} is removed.", table=_files(library, collection))
        case "delete":
            library.delete(collection.name)
            message = f"{collection.name} and everything in it is deleted."
    return LibraryOutputs(message=message, table=_collections(library))


def _collection(library: Library, name: str) -> Collection:
    if not name.strip():
        raise InvalidInput("Say which collection.", field="collection", expected="a collection's name", got="nothing")
    collection = library.collection(name)
    if collection is None:
        raise unknown(library, name)
    return collection


def _rename(library: Library, collection: Collection, new_name: str) -> str:
    name = " ".join(new_name.split())
    if not name:
        raise InvalidInput("Say the new name.", field="new_name", expected="1 to 80 characters", got="nothing")
    try:
        library.rename(collection.name, name)
    except NameTaken as fault:
        raise InvalidInput(
            "Another collection has that name.",
            field="new_name",
            expected="a name that no collection has",
            got=name,
        ) from fault
    return f"{collection.name} is now {name}."


def _no_file(library: Library, collection: Collection, name: str) -> InvalidInput:
    names = ", ".join(one.name for one in library.documents(collection.id))
    return InvalidInput(
        "There is no such file in the collection.",
        field="document",
        expected=f"one of {names[:300]}" if names else "a file; there is none",
        got=name or "nothing",
    )


def _collections(library: Library) -> Table:
    rows = [(one.name, one.documents, one.chunks, _time(one.created_s)) for one in library.collections()]
    return _table(rows, ("collection", "files", "passages", "made on"), "collections.csv")


def _files(library: Library, collection: Collection) -> Table:
    rows = [
        (one.name, one.kind, one.pages, one.chunks, one.characters, one.bytes, _time(one.added_s))
        for one in library.documents(collection.id)
    ]
    columns = ("file", "format", "pages", "passages", "characters", "bytes", "added on")
    return _table(rows, columns, "files.csv")


def _keep_chats(chats: Chats, inputs: ChatsInputs) -> ChatsOutputs:
    if inputs.action == "list":
        return _chats_told(chats, _counted(len(chats.all()), "chat"))
    if inputs.action == "new":
        chat = chats.get(chats.create(inputs.title))
        assert chat is not None
        return _chats_told(chats, "A new chat.", chat)
    chat = chats.get(inputs.chat) if inputs.chat else None
    if chat is None:
        raise unknown_chat(inputs.chat or "nothing")
    turns = chats.turns(chat.id)
    match inputs.action:
        case "show":
            return _chats_told(chats, chat.title, chat, turns)
        case "rename":
            if not inputs.title.strip():
                raise InvalidInput("Say the new title.", field="title", expected="1 to 120 characters", got="nothing")
            chats.rename(chat.id, inputs.title)
            return _chats_told(chats, f"It is called {inputs.title.strip()} now.", chat, turns)
        case "export":
            export = File(as_markdown(chat, turns).encode(), f"{_file_name(chat.title)}.md")
            return _chats_told(chats, "The chat with its sources.", chat, turns, export)
        case "delete":
            chats.delete(chat.id)
            return _chats_told(chats, f"{chat.title} is deleted.")


def _chats_told(
    chats: Chats, message: str, chat: Chat | None = None, turns: Sequence[Turn] = (), export: File | None = None
) -> ChatsOutputs:
    rows = [(one.id, one.title, one.messages, _time(one.changed_s)) for one in chats.all()]
    return ChatsOutputs(
        message=message,
        chat=chat.id if chat else "",
        collection=turns[-1].collection if turns else "",
        chats=_table(rows, ("chat", "title", "messages", "changed on"), "chats.csv"),
        messages=[turn.message for turn in turns],
        export=export,
    )


def _table(rows: Sequence[Sequence[object]], columns: Sequence[str], name: str) -> Table:
    import pandas

    return Table(pandas.DataFrame(rows, columns=list(columns)), name)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}." if count else f"No {noun}s yet."


def _file_name(title: str) -> str:
    kept = "".join(c if c.isalnum() or c in " -" else " " for c in title)
    return " ".join(kept.split())[:50] or "chat"
