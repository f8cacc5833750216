"""Inputs and outputs as JSON beside a folder of files, and back again to the very same values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, RootModel
from pydantic_core import to_jsonable_python

from studio.media.base import Kept, Media

#: The key that marks a reference to a file. A key of the data that begins like it is written with one more `$`.
_MEDIA = "$media"
_PATH = re.compile(r"(inputs|outputs)/\d+\.[A-Za-z0-9]{1,12}")


class Packer:
    """Packs the models of one run. A media value that is in several places, or in both models, is written once."""

    def __init__(self) -> None:
        self._known: dict[int, dict[str, Any]] = {}  # by identity: whoever packs holds on to the models
        self.nbytes = 0

    def pack(self, model: BaseModel, folder: Path, part: str) -> Any:
        """The model as JSON values.

        Args:
            folder: where its media are written; it is made at the first.
            part: "inputs" or "outputs": the name that the folder will have inside the run's own.

        Raises:
            OSError: a file cannot be written.
        """
        if isinstance(model, RootModel):
            return self._packed(model.root, folder, part)
        return {name: self._packed(getattr(model, name), folder, part) for name in type(model).model_fields}

    def _packed(self, value: Any, folder: Path, part: str) -> Any:
        if isinstance(value, Media):
            return self._written(value, folder, part)
        if isinstance(value, BaseModel):
            return self.pack(value, folder, part)
        if isinstance(value, Mapping):
            return {_escaped(str(key)): self._packed(item, folder, part) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._packed(item, folder, part) for item in value]
        return value if value is None or isinstance(value, str | int | float) else to_jsonable_python(value)

    def _written(self, media: Media, folder: Path, part: str) -> dict[str, Any]:
        known = self._known.get(id(media))
        if known is None:
            data, suffix, facts = media.kept()
            path = f"{part}/{len(self._known)}{suffix}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / Path(path).name).write_bytes(data)
            self.nbytes += len(data)
            known = self._known[id(media)] = {_MEDIA: path, "name": media.name, "facts": facts}
        return known


def is_packed_file(path: str) -> bool:
    """Whether `Packer.pack` could have given a file this name; it leads nowhere but into the folder's two parts."""
    return _PATH.fullmatch(path) is not None


def unpacked(packed: Any, folder: Path, known: dict[str, Kept]) -> Any:
    """What `Packer.pack` made, with `Kept` references into the run's folder: a payload for `model_validate`.

    Args:
        known: the references found so far, of the run's other model too.

    Raises:
        ValueError: a reference that no packer makes.
    """
    if isinstance(packed, list):
        return [unpacked(item, folder, known) for item in packed]
    if not isinstance(packed, dict):
        return packed
    if _MEDIA in packed:
        path = str(packed[_MEDIA])
        if not is_packed_file(path):
            raise ValueError(f"expected a file of this run, got {path!r}")
        return known.setdefault(path, Kept(folder / path, packed["name"], packed["facts"]))
    return {_unescaped(key): unpacked(item, folder, known) for key, item in packed.items()}


def _escaped(key: str) -> str:
    return f"${key}" if key.startswith("$") else key


def _unescaped(key: str) -> str:
    return key[1:] if key.startswith("$$") else key
